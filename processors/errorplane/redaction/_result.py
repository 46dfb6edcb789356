"""What redaction says about a request, and what it does when it cannot look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from errorplane.detectors import DataClass


@dataclass(frozen=True, slots=True)
class Limits:
    """What is beyond them is not looked at but withheld, unless the gate says that there is nothing to find."""

    depth: int = 32
    """Arrays and maps in each other in one value."""
    text: int = 1 << 20
    """Code points in one string, or bytes in one bytes value."""
    seconds: float = 10.0
    """For one request; checked before each text, which takes 3 s at the limit of ``text``, and 7 s at the very worst."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A request that may be kept: the same items in the same order."""

    body: bytes
    found: Mapping[str, int]
    """How many findings were replaced, by entity."""
    error_candidates: frozenset[int]
    """Items whose bytes hold ``exception.`` or the legacy tag error=true."""
    quarantined: Mapping[str, int]
    """How many texts could not be looked at and were withheld, by reason (see ``errorplane.redaction._quarantine``)."""
    stripped: int
    """How many fields that the schema does not know were taken out since they may hold something."""
    items: Mapping[int, Mapping[str, int]]
    """The same by item, without those outside of items."""
    data_classes: Mapping[int, frozenset[DataClass]]
    """Of items in which something was hidden, now or before they came, or in their resource or scope: how sensitive."""
    merged_points: int = 0
    """How many data points there are less, since they became the same as others by what was hidden in them."""
    left_out_points: int = 0
    """How many data points are missing, since their merged series would have run backwards."""
    slow: bool = False
    """Whether the request had to be parsed as a whole."""
