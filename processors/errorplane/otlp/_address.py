"""Addresses to listen on, as text."""

from __future__ import annotations

import socket

from errorplane.otlp._errors import ListenError


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``; raises ``ListenError``.

    >>> split_address("[::1]:4317")
    ('::1', 4317)
    """
    host, colon, port = address.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ListenError(f"{address!r} is not an address to listen on: write host:port, such as 127.0.0.1:4317")
    return host, int(port)


def bind(address: str) -> socket.socket:
    """A bound TCP socket that does not listen yet; raises ``ListenError``."""
    host, port = split_address(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
    except OSError as error:
        sock.close()
        raise ListenError(f"cannot listen on {address}: {error.strerror}") from error
    return sock
