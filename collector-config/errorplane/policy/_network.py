"""Addresses to listen on and endpoints to send to."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import ValidationInfo

from errorplane.policy._scalars import REFERENCE_PATTERN, Scalar, fail

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%a-z0-9]+\]|[^\[\]:/@\s]+):([0-9]{1,5})")


def split_address(address: str) -> tuple[str, int]:
    """Host (IPv6 without brackets) and port of ``host:port``; raises ``ValueError``."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[2]) > 65535:
        raise ValueError("not host:port")
    host = found[1]
    if host.startswith("["):
        return str(ipaddress.IPv6Address(host[1:-1])), int(found[2])
    if not _HOST.fullmatch(host):
        raise ValueError("not a host")
    return host, int(found[2])


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``; a name other than ``localhost`` may mean any machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Address(Scalar):
    """``host:port`` to listen on; port 0 takes any free port."""

    label = "address"

    def read(self, value: object, info: ValidationInfo) -> str:
        if not isinstance(value, str):
            fail("value", 'must be host:port, such as 127.0.0.1:4317 or "[::1]:4317"')
        try:
            split_address(value)
        except ValueError:
            fail("value", 'must be host:port, such as 127.0.0.1:4317 or "[::1]:4317"')
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^.+:[0-9]{{1,5}}$|{REFERENCE_PATTERN}"}


class Endpoint(Scalar):
    """Base URL of an OTLP server; the scheme says whether TLS is used."""

    label = "URL"
    _meaning = "a URL such as https://collector:4317"

    def read(self, value: object, info: ValidationInfo) -> str:
        if not isinstance(value, str):
            fail("value", f"must be {self._meaning}")
        url = _split(value)
        if url is None or url.scheme not in ("http", "https") or not url.hostname:
            fail("value", f"must be {self._meaning}: http:// or https://, host and port")
        if "@" in url.netloc:
            fail("secret", "must not contain a user or password: put credentials under headers")
        if url.query or url.fragment:
            fail("secret", "must not contain ? or #")
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^https?://|{REFERENCE_PATTERN}"}


def _split(text: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f]", text):
        return None
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return None
    return url if port != 0 else None
