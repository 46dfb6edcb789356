"""Where a duration falls: one search in a list of bounds, for exponential and explicit histograms alike.

Exponential histograms follow OpenTelemetry's data model at the fixed scale 3: bounds are powers of 2 ** (1/8), and bucket i
holds what is above base ** i up to base ** (i + 1). A fixed scale keeps series mergeable, and powers of two are bounds.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

SCALE = 3
_PER_OCTAVE = 1 << SCALE
# Octaves of a second: just below 1 ns, to 12 days. What takes longer counts in the last bucket.
_LOWEST, _HIGHEST = -30, 20
ZERO_THRESHOLD = 2.0**_LOWEST
"""Seconds; what is not above it, which of whole nanoseconds is only zero, counts as zero."""
PAGE_OCTAVES = range(-10, 7)
"""Bounds on the page of an exponential histogram, as powers of two of a second: 1 ms to 64 s, all of them exact."""


class Buckets:
    """Upper bounds in seconds, in ``bounds``; the last bucket, of number ``len(bounds)``, is open."""

    def __init__(self, explicit: Sequence[float] | None) -> None:
        self.exponential = explicit is None
        self.bounds = tuple(explicit or _exponential())
        # Whole nanoseconds are not above a bound exactly if they are not above its whole part.
        self._find = partial(bisect_left, [math.floor(round(bound * 1e9, 3)) for bound in self.bounds])

    def of(self, durations_ns: Iterable[int]) -> Iterator[int]:
        """Numbers of the buckets; a bound belongs to the bucket below it."""
        return map(self._find, durations_ns)

    def index(self, number: int) -> int:
        """The data model's index of an exponential bucket; that of number 0 is the zero bucket and has none."""
        return _LOWEST * _PER_OCTAVE - 1 + number

    def page_bounds(self) -> Sequence[tuple[float, int]]:
        """For a page of cumulative buckets: each bound, and the last bucket that it includes."""
        if not self.exponential:
            return [(bound, number) for number, bound in enumerate(self.bounds)]
        return [(2.0**octave, (octave - _LOWEST) * _PER_OCTAVE) for octave in PAGE_OCTAVES]


def _exponential() -> tuple[float, ...]:
    return tuple(2.0 ** (step / _PER_OCTAVE) for step in range(_LOWEST * _PER_OCTAVE, _HIGHEST * _PER_OCTAVE + 1))
