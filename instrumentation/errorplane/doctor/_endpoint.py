"""Whether somebody listens where the exporters send to."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from errorplane.doctor._facts import Exporter
from errorplane.doctor._finding import ENDPOINT, ENDPOINT_TLS, Finding

TIMEOUT_S: Final = 3.0
_CERTIFICATE: Final = "OTEL_EXPORTER_OTLP{}_CERTIFICATE"
_PORTS: Final = {"http": 80, "https": 443}


def check_endpoints(exporters: Iterable[Exporter], environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Connect to each address once, with a limit of three seconds, and shake hands where it is TLS; nothing is sent."""
    seen = set()
    for exporter in exporters:
        address = urlsplit(exporter.endpoint)
        if address.scheme not in _PORTS or not address.hostname:
            continue
        place = (address.scheme, address.hostname, address.port or _PORTS[address.scheme])
        if place not in seen:
            seen.add(place)
            yield from _check(exporter, *place, environ)


def _check(exporter: Exporter, scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Iterator[Finding]:
    where = f"{scheme}://{host}:{port}"
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            if scheme == "https":
                with _context(exporter.signal, environ).wrap_socket(connection, server_hostname=host):
                    pass
    except ssl.SSLError as error:
        yield Finding(
            ENDPOINT_TLS,
            f"{host}:{port}, where {exporter.signal} go, has no TLS that can be trusted: {_reason(error)}",
            where,
        )
    except OSError as error:
        yield Finding(ENDPOINT, f"nobody answers at {host}:{port}, where {exporter.signal} go: {_reason(error)}", where)


def _context(signal: str, environ: Mapping[str, str]) -> ssl.SSLContext:
    """The authorities that the exporter trusts: those that the variables name, else the system's."""
    named = environ.get(_CERTIFICATE.format(f"_{signal.upper()}")) or environ.get(_CERTIFICATE.format(""))
    return ssl.create_default_context(cafile=named or None)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.strerror or str(error) or type(error).__name__
