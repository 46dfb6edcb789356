"""What every destination is to the sender, and what the OTLP ones have in common."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from errorplane.otlp._errors import TargetError
from errorplane.otlp._signals import Receipt, Signal

_MESSAGE_CHARACTERS = 500
_SECRET_CHARACTERS = 6  # shorter values are not hidden: messages would lose their words
_HEADER_NAME = re.compile(r"[0-9A-Za-z_.-]+")  # what both HTTP and gRPC take
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")


class Destination(Protocol):
    """Where kept telemetry goes; safe to use from several threads."""

    name: str

    def send(self, signal: Signal, retention_class: str, payload: bytes, items: int) -> Receipt:
        """Send one serialised Export request of ``items`` items; returns once it is taken.

        ``Receipt.rejected`` counts items that were refused for good. Raises ``RetryLater`` or ``Refused``.
        """
        ...

    def close(self) -> None:
        """Free connections and files; ``send`` is not called again."""
        ...


def split_endpoint(endpoint: str, wanted: str) -> SplitResult:
    """The parts of ``[http[s]://]host[:port][/path]``; raises ``TargetError``, which says ``wanted``."""
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        valid = parts.scheme in ("", "http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in parts.netloc or parts.query or parts.fragment:
        raise TargetError(f"the endpoint must be {wanted}, without user, password, ? and #")
    return parts


def checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers with their names in lower case; raises ``TargetError`` where they could not be sent.

    Left to the libraries, every send would fail, and the errors of some quote the value.
    """
    for name, value in (headers or {}).items():
        if not _HEADER_NAME.fullmatch(name):
            raise TargetError(f"header {name!r}: a name has letters, digits, '-', '_' and '.' only")
        if not _HEADER_VALUE.fullmatch(value):
            raise TargetError(
                f"header {name!r}: its value must be printable ASCII without spaces or line breaks around"
            )
    return {name.lower(): value for name, value in (headers or {}).items()}


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What ``shown`` must leave out: the values, and what follows ``Bearer`` and the like; longest first.

    >>> secrets_of({"authorization": "Bearer abcdef", "x-tenant": "t1"})
    ('Bearer abcdef', 'abcdef')
    """
    parts = {part for value in headers.values() for part in (value, value.rpartition(" ")[2])}
    return tuple(sorted((part for part in parts if len(part) >= _SECRET_CHARACTERS), key=len, reverse=True))


def shown(message: str, secrets: Sequence[str] = ()) -> str:
    """A message of another system, fit for a log line: printable, bounded and without ``secrets``, which it may quote.

    >>> shown("two\\nlines: abcdef", ["abcdef"])
    'two lines: [hidden]'
    """
    for secret in secrets:
        message = message.replace(secret, "[hidden]")
    text = " ".join("".join(c if c.isprintable() else " " for c in message[: 4 * _MESSAGE_CHARACTERS]).split())
    return text if len(text) <= _MESSAGE_CHARACTERS else text[:_MESSAGE_CHARACTERS] + "..."


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, so that a proxy of the environment is not for it.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("collector.example")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
