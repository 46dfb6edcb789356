"""What redaction says about a request, and what it does when it cannot look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from errorplane.detectors import DataClass


class CannotScan(Exception):
    """A value beyond a limit, which is quarantined unseen; ``reason`` is one word for metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What is beyond them is not looked at but quarantined."""

    depth: int = 32
    """Arrays and maps in each other in one value."""
    text: int = 4 << 20
    """Code points in one string, or bytes in one bytes value."""
    seconds: float = 10.0
    """For one request; checked after each value, which takes about 0.2 s at the limit of ``text``."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that could not be looked at: its item became a skeleton, or its resource or scope field was dropped."""

    item: int | None
    """Number of the item; None for a field of a resource, a scope or a group."""
    reason: str
    """``depth``, ``size``, ``deadline`` or ``error:<exception type>``."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A request that may be kept: the same items in the same order."""

    body: bytes
    found: Mapping[str, int]
    """How many findings were replaced, by entity; those of quarantined items are not counted."""
    error_candidates: frozenset[int]
    """Items whose bytes hold ``exception.`` or the legacy tag error=true."""
    quarantined: tuple[Quarantined, ...]
    stripped: int
    """How many fields that the schema does not know were taken out since they may hold something."""
    items: Mapping[int, Mapping[str, int]]
    """The same by item, without those outside of items."""
    data_classes: Mapping[int, frozenset[DataClass]]
    """Of items in which something was hidden, now or before they came, or in their resource or scope: how sensitive."""
    slow: bool = False
    """Whether the request had to be parsed as a whole."""
