"""The budget of one rule: which errors are kept as samples of their fingerprint, and how many were not, exactly."""

from __future__ import annotations

import enum
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from errorplane.sampling._allowance import Allowance, BudgetLimits
from errorplane.sampling._sketch import Sketch

_NEW_SHARE = 4  # a quarter of the places, and as many first samples a window, are for new fingerprints
_RESERVE = 8  # an eighth of those first samples is for fingerprints that recur
_RECURRING = 2  # suppressed so often while it had no place, a fingerprint is no accident of one message
_TOTALS = struct.Struct(">BddQQQQQ")
_VERSION = 1


class BudgetState(enum.StrEnum):
    """Why a budget kept a trace or did not."""

    FIRST = "first"  # the first sample of a fingerprint
    WINDOW = "window"  # a fingerprint had some of its window's allowance left
    FOLLOWS = "follows"  # kept for another reason, and counted as a sample
    SPENT = "spent"  # nothing was left of the window's allowance
    CROWDED = "crowded"  # so many fingerprints are new that this one has to wait for its first sample


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a budget says of one trace or log record.

    ``carried``, of what is kept: by fingerprint key, how many occurrences were suppressed since its last sample; zero
    is left out. ``left``: what the window's allowance still has for the best-provided fingerprint that had a place.
    """

    keep: bool
    state: BudgetState
    left: int
    carried: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that is not settled yet: ``known`` are the states of the fingerprints that have a place."""

    counts: Mapping[bytes, int]
    known: Mapping[bytes, Allowance | None]
    state: BudgetState
    left: int
    now: float

    @property
    def keep(self) -> bool:
        """Whether the budget would keep it."""
        return self.state not in (BudgetState.SPENT, BudgetState.CROWDED)


@dataclass(slots=True)
class BudgetTotals:
    """Occurrences since the budget exists: ``offered`` is ``kept`` and ``suppressed`` together, always.

    Of the suppressed, ``carried`` have left on samples as counts, and ``tail`` are no longer counted by fingerprint;
    the others wait for the next sample of theirs. ``tokens`` first samples may be kept, as of ``filled``.
    """

    tokens: float
    filled: float
    offered: int = 0
    kept: int = 0
    suppressed: int = 0
    carried: int = 0
    tail: int = 0

    def pack(self) -> bytes:
        """57 bytes."""
        counts = (self.offered, self.kept, self.suppressed, self.carried, self.tail)
        return _TOTALS.pack(_VERSION, self.tokens, self.filled, *counts)

    @classmethod
    def unpack(cls, data: bytes) -> BudgetTotals:
        """What ``pack`` wrote; raises ValueError for anything else."""
        try:
            version, *values = _TOTALS.unpack(data)
        except struct.error as error:
            raise ValueError(f"totals of {len(data)} bytes: {error}") from None
        if version != _VERSION:
            raise ValueError(f"totals of version {version}; this one reads {_VERSION}")
        return cls(*values)


class Budget:
    """Samples by fingerprint, for as many as ``limits`` has places; every occurrence offered is counted.

    A fingerprint's first sample is kept, then as many a window as its allowance has. Three quarters of the places are
    for fingerprints seen more than once, which new ones cannot take; one quarter is for new ones, which those cannot
    take: within each part the one seen longest ago makes room. So many new ones at once that a window's worth of first
    samples (a quarter of the places) is used up wait for the next, the recurring ones first: a sketch tells them.

    Keys are digests of 16 bytes; times are Unix seconds. Not safe for several threads.
    """

    def __init__(self, limits: BudgetLimits, now: float) -> None:
        self._limits = limits
        self._new: OrderedDict[bytes, Allowance] = OrderedDict()
        self._settled: OrderedDict[bytes, Allowance] = OrderedDict()
        self._sketch = Sketch()
        self.totals = BudgetTotals(tokens=self._first_samples, filled=now)
        self._before: dict[bytes, Allowance | None] = {}
        self._totals_before: BudgetTotals | None = None

    @property
    def _first_samples(self) -> int:
        return max(1, self._limits.max_fingerprints // _NEW_SHARE)

    def __len__(self) -> int:
        return len(self._new) + len(self._settled)

    def names(self) -> list[bytes]:
        """Names of all records that a journal may hold of it."""
        return [b"", *self._new, *self._settled]

    def limit(self, limits: BudgetLimits) -> None:
        """Put other limits in force; fingerprints beyond their places are no longer told apart."""
        self._limits = limits
        self._touch_totals()
        self.totals.tokens = min(self.totals.tokens, float(self._first_samples))
        self._make_room()

    def ask(self, counts: Mapping[bytes, int], now: float, *, kept: bool = False) -> Asked:
        """What the budget would do with one trace or log record; each answer must be settled before the next question.

        ``counts`` says how many occurrences of each fingerprint are in it. ``kept``: it is kept for another reason.
        """
        self._touch_totals()
        known = {key: self._find(key, now) for key in counts}
        left = max((state.left(self._limits) for state in known.values() if state is not None), default=0)
        state = BudgetState.FOLLOWS if kept else self._state(known, left, now)
        return Asked(counts, known, state, left, now)

    def settle(self, asked: Asked, keep: bool, *, tell: bool = True) -> Ruling:
        """Count it as kept or as suppressed, whatever the answer was.

        Without ``tell`` the sample carries no counts: they wait for the next one.
        """
        total = sum(asked.counts.values())
        self.totals.offered += total
        carried: dict[bytes, int] = {}
        if keep:
            self.totals.kept += total
            carried = self._sample(asked, tell=tell)
        else:
            self.totals.suppressed += total
            self._suppress(asked)
        self._make_room()
        if keep and not asked.keep:
            return Ruling(keep, BudgetState.FOLLOWS, 0, carried)
        return Ruling(keep, asked.state, max(0, asked.left - 1), carried)

    def follow(self, counts: Mapping[bytes, int]) -> None:
        """Count occurrences that are kept since they came after the trace they belong to was."""
        self._touch_totals()
        self.totals.offered += sum(counts.values())
        self.totals.kept += sum(counts.values())

    def _state(self, known: Mapping[bytes, Allowance | None], left: int, now: float) -> BudgetState:
        if left:
            return BudgetState.WINDOW
        new = [key for key, state in known.items() if state is None]
        if any(self._may_be_first(key, now) for key in new):
            return BudgetState.FIRST
        return BudgetState.CROWDED if len(new) == len(known) else BudgetState.SPENT

    def _find(self, key: bytes, now: float) -> Allowance | None:
        """The state of a fingerprint that has a place, moved to the end of the line."""
        state = self._settled.get(key)
        if state is None:
            state = self._new.get(key)
            if state is None:
                return None
            self._touch(key, state)
            del self._new[key]
            state.settled = True
            self._settled[key] = state
        else:
            self._touch(key, state)
            self._settled.move_to_end(key)
        state.roll(now, self._limits)
        return state

    def _may_be_first(self, key: bytes, now: float) -> bool:
        """Take one of the first samples, if there is one for this key."""
        totals, most = self.totals, float(self._first_samples)
        elapsed = max(0.0, now - totals.filled)  # a clock that steps back adds nothing
        totals.tokens = min(most, totals.tokens + elapsed * most / self._limits.window_s)
        totals.filled = now
        recurring = self._sketch.estimate(key) >= _RECURRING
        reserved = 0 if recurring else int(most) // _RESERVE
        if totals.tokens < 1.0 + reserved:
            return False
        totals.tokens -= 1.0
        return True

    def _sample(self, asked: Asked, *, tell: bool) -> dict[bytes, int]:
        carried = {}
        for key, state in asked.known.items():
            if state is None:
                self._before.setdefault(key, None)
                self._new[key] = Allowance(started=asked.now, used=1)
                continue
            state.used += 1
            if tell and state.suppressed:
                carried[key] = state.suppressed
                self.totals.carried += state.suppressed
                state.suppressed = 0
        return carried

    def _suppress(self, asked: Asked) -> None:
        for key, state in asked.known.items():
            if state is None:
                self._sketch.add(key)
                self.totals.tail += asked.counts[key]
            else:
                state.over = True
                state.suppressed += asked.counts[key]

    def _make_room(self) -> None:
        places = self._limits.max_fingerprints
        for part, most in ((self._new, self._first_samples), (self._settled, max(1, places - self._first_samples))):
            while len(part) > most:
                key, state = next(iter(part.items()))
                self._touch(key, state)
                del part[key]
                self.totals.tail += state.suppressed

    # --- changes since the last commit ----------------------------------------------------------------------------

    def _touch(self, key: bytes, state: Allowance) -> None:
        if key not in self._before:
            self._before[key] = state.copy()

    def _touch_totals(self) -> None:
        if self._totals_before is None:
            self._totals_before = replace(self.totals)

    def changes(self) -> dict[bytes, bytes | None]:
        """Records to store since the last ``commit``, the totals under ``b""``; None: the record goes."""
        found: dict[bytes, bytes | None] = {}
        for key in self._before:
            state = self._settled.get(key) or self._new.get(key)
            found[key] = None if state is None else state.pack()
        if self._totals_before is not None:
            found[b""] = self.totals.pack()
        return found

    def commit(self) -> None:
        """What has changed is stored."""
        self._before.clear()
        self._totals_before = None

    def roll_back(self) -> None:
        """Forget all that has changed since the last ``commit``, which will be offered again."""
        for key, state in self._before.items():
            self._new.pop(key, None)
            self._settled.pop(key, None)
            if state is not None:
                (self._settled if state.settled else self._new)[key] = state
        if self._totals_before is not None:
            self.totals = self._totals_before
        self.commit()

    def restore(self, records: Mapping[bytes, bytes]) -> None:
        """Take over what ``changes`` gave to an earlier process; raises ValueError for what it did not write."""
        totals = records.get(b"")
        if totals is not None:
            self.totals = BudgetTotals.unpack(totals)
        states = [(key, Allowance.unpack(data)) for key, data in records.items() if key]
        for key, state in sorted(states, key=lambda each: each[1].started):
            (self._settled if state.settled else self._new)[key] = state
        self._make_room()
