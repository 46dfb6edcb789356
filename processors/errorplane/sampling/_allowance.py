"""What one fingerprint may still have: so many samples a window, fewer in each window that asks for more."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

_RECORD = struct.Struct(">BdQHBQ")
_VERSION = 1
_SETTLED, _OVER = 1, 2
_MAX_LEVELS = 1000  # a decay next to 1 must not make a table without end


@dataclass(frozen=True)
class BudgetLimits:
    """A rule's budget: ``samples`` a window of ``window_s`` seconds for each fingerprint, of which ``max_fingerprints``
    are told apart.

    ``decay``: what a window that was not enough leaves of the allowance for the next one, 0 to 1 (1: all of it).
    """

    samples: int
    window_s: float
    decay: float
    max_fingerprints: int

    @cached_property
    def allowances(self) -> tuple[int, ...]:
        """Samples a window by level; each level is ``decay`` times the one before, the last one is 1, never 0."""
        found = [self.samples]
        exact = float(self.samples)
        while found[-1] > 1 and self.decay < 1.0 and len(found) < _MAX_LEVELS:
            exact *= self.decay
            found.append(max(1, int(exact)))
        return tuple(found)


@dataclass(slots=True)
class Allowance:
    """The state of one fingerprint. ``started`` is the start of its window, Unix seconds.

    ``used`` samples were kept in it at ``level`` of the limits' allowances; ``over``: some were suppressed in it.
    ``suppressed`` occurrences have been held back since the last sample. ``settled``: seen more than once.
    """

    started: float
    used: int = 0
    level: int = 0
    over: bool = False
    suppressed: int = 0
    settled: bool = False

    def roll(self, now: float, limits: BudgetLimits) -> None:
        """Go on to the window that holds ``now``: one level down after a window that was not enough, one up after
        each that was.
        """
        if now < self.started:
            self.started = now  # the clock stepped back: the window must not last until it has caught up
            return
        passed = int((now - self.started) // limits.window_s)
        if not passed:
            return
        if self.over:
            self.level += 1
            rested = passed - 1
        else:
            rested = passed
        self.level = max(0, min(self.level, len(limits.allowances) - 1) - rested)
        self.started += passed * limits.window_s
        self.used = 0
        self.over = False

    def left(self, limits: BudgetLimits) -> int:
        """Samples that may still be kept in this window."""
        return max(0, limits.allowances[min(self.level, len(limits.allowances) - 1)] - self.used)

    def copy(self) -> Allowance:
        """The same values in an object of their own."""
        return Allowance(self.started, self.used, self.level, self.over, self.suppressed, self.settled)

    def pack(self) -> bytes:
        """28 bytes: version, start, samples used, level, flags, suppressed."""
        flags = _SETTLED * self.settled | _OVER * self.over
        return _RECORD.pack(_VERSION, self.started, self.used, self.level, flags, self.suppressed)

    @classmethod
    def unpack(cls, data: bytes) -> Allowance:
        """What ``pack`` wrote; raises ValueError for anything else."""
        try:
            version, started, used, level, flags, suppressed = _RECORD.unpack(data)
        except struct.error as error:
            raise ValueError(f"an allowance of {len(data)} bytes: {error}") from None
        if version != _VERSION:
            raise ValueError(f"an allowance of version {version}; this one reads {_VERSION}")
        return cls(started, used, level, bool(flags & _OVER), suppressed, bool(flags & _SETTLED))
