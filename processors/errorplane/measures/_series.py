"""Cumulative series of one metric, in a bounded number: what has no place is added to overflow series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from errorplane.measures._labels import Label

Values = tuple[str | None, ...]
"""Of the labels of a metric, in their order; None for a label that a series does not have."""


class Exemplar(NamedTuple):
    """A kept trace that a series counted; ``value`` is what was measured, 1 for a count. Times are Unix ns."""

    value: float
    trace_id: bytes
    span_id: bytes
    time_ns: int


@dataclass(slots=True)
class Count:
    """How often. ``exemplar`` is the latest."""

    start_ns: int
    count: int = 0
    exemplar: Exemplar | None = None


@dataclass(slots=True)
class Durations:
    """How often and how long, with one exemplar at most for each bucket."""

    start_ns: int
    count: int = 0
    sum_ns: int = 0
    buckets: Counter[int] = field(default_factory=Counter)
    exemplars: dict[int, Exemplar] = field(default_factory=dict)


S = TypeVar("S", Count, Durations)


class Point(NamedTuple, Generic[S]):
    """One series as it stands: ``overflow`` series lack the labels that had no place."""

    values: Values
    overflow: bool
    series: S


class Family(Generic[S]):
    """The series of one metric, by the values of its labels.

    ``labels`` are those with a budget, by position. When there are ``max_series`` but one, what would need another is
    added to the one overflow series without labels. ``make`` is called with the time at which the series starts.
    """

    def __init__(self, labels: Sequence[Label | None], max_series: int, make: Callable[[int], S]) -> None:
        self.overflowed = 0
        """Measurements for which there was no room for another series."""
        self._labels = tuple(labels)
        self._room = max_series - 1
        self._make: Callable[[int], S] = make
        self._series: dict[Values, S] = {}
        self._overflow: dict[Values, S] = {}

    def get(self, values: Values, start_ns: int) -> S:
        """The series to add to; one that is new starts at ``start_ns``."""
        return self._series.get(values) or self._placed(values, start_ns)

    def overflow(self, values: Values, start_ns: int) -> S:
        """The overflow series to add to; ``values`` lacks what had no place."""
        return self._added(self._overflow, values, start_ns)

    def end(self, ends: Callable[[Values], bool]) -> list[tuple[Values, S]]:
        """Take out the series whose values lost their place."""
        gone = [(values, series) for values, series in self._series.items() if ends(values)]
        for values, _ in gone:
            del self._series[values]
        self._room += len(gone)
        return gone

    def points(self) -> Iterator[Point[S]]:
        """All series."""
        for overflow, table in ((False, self._series), (True, self._overflow)):
            for values, series in table.items():
                yield Point(values, overflow, series)

    def _placed(self, values: Values, start_ns: int) -> S:
        kept = tuple(map(_kept, self._labels, values))
        return self._added(self._series if kept == values else self._overflow, kept, start_ns)

    def _added(self, table: dict[Values, S], values: Values, start_ns: int) -> S:
        found = table.get(values)
        if found is None and not self._room:
            self.overflowed += 1
            values, table = (None,) * len(values), self._overflow
            found = table.get(values)
        if found is None:
            found = table[values] = self._make(start_ns)
            self._room = max(0, self._room - 1)
            for label, value in zip(self._labels, values, strict=True):
                if label is not None and value is not None:
                    label.take(value)
        return found


def _kept(label: Label | None, value: str | None) -> str | None:
    if label is None or value is None or label.admits(value):
        return value
    label.overflowed += 1
    return None
