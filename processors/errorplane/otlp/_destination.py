"""What every destination is to the sender, and what the OTLP ones have in common."""

from __future__ import annotations

import ipaddress
from typing import Protocol

from errorplane.otlp._signals import Receipt, Signal

_MESSAGE_CHARACTERS = 500


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


def shown(message: str) -> str:
    """A message of another system, fit for a log line: printable and bounded.

    >>> shown("two\\nlines")
    'two lines'
    """
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
