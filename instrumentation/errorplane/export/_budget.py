"""A token bucket for each fingerprint, one for all of them, and exact counts of what was turned away."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from errorplane.export._admission import Admission, Reason
from errorplane.export._throttle import Throttle

_NEW_WINDOW_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Rates:
    """`rate` occurrences a second of one fingerprint, `burst` at once; `total` and twice that for all together.

    `fingerprints` are told apart; so many new ones within a minute have their first occurrence admitted in any case.
    """

    rate: float = 1.0
    burst: float = 10.0
    total: float = 50.0
    fingerprints: int = 1000


class _Bucket:
    """Tokens: up to `size`, `rate` more a second."""

    __slots__ = ("_at", "rate", "size", "tokens")

    def __init__(self, rate: float, size: float, now: float) -> None:
        self.rate, self.size, self.tokens, self._at = rate, size, size, now

    def refill(self, now: float, share: float = 1.0) -> float:
        self.tokens = min(self.size, self.tokens + (now - self._at) * self.rate * share)
        self._at = now
        return self.tokens


class _Fingerprint(_Bucket):
    """The bucket of one fingerprint; `pending`: turned away since the last one admitted."""

    __slots__ = ("admitted", "pending")

    def __init__(self, rate: float, size: float, now: float) -> None:
        super().__init__(rate, size, now)
        self.admitted = False
        self.pending = 0


class Budget:
    """Says which occurrences may have what is dear: a full record, or an export that head sampling would not give them.

    For each fingerprint, what is admitted and the counts that the admitted carry add up to all that was offered, but for
    what is `pending` and what was `untold` because its fingerprint made room for another. Takes no more memory than for
    `rates.fingerprints` fingerprints; the one that was seen longest ago goes first. `clock` is monotonic, in seconds.
    Safe to use from several threads.
    """

    def __init__(self, rates: Rates, clock: Callable[[], float], throttle: Throttle | None = None) -> None:
        self._rates = rates
        self._clock = clock
        self._throttle = throttle
        self._reset()

    def _reset(self) -> None:
        now = self._clock()
        most = max(1, self._rates.fingerprints)
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Fingerprint] = OrderedDict()
        self._total = _Bucket(self._rates.total, max(1.0, 2 * self._rates.total), now)
        self._new = _Bucket(most / _NEW_WINDOW_S, most, now)
        self._counts = dict.fromkeys(Reason, 0)
        self._carried = 0
        self._untold = 0

    def admit(self, fingerprint: str, *, room: bool = True) -> Admission:
        """Ask for one occurrence. Without `room` it is turned away, whichever it is: there is nowhere to put it."""
        now = self._clock()
        with self._lock:
            entry = self._entry(fingerprint, now)
            reason = self._reason(entry, now) if room else Reason.OVERLOAD
            self._counts[reason] += 1
            if reason is not Reason.FIRST and reason is not Reason.WITHIN:
                entry.pending += 1
                return _TURNED_AWAY[reason]
            entry.tokens -= 1.0
            entry.admitted = True
            pending, entry.pending = entry.pending, 0
            self._carried += pending
            return Admission(True, reason, pending)

    def give_back(self, fingerprint: str, count: int) -> None:
        """Of what was admitted, or carried as a count, so many did not arrive: the next one carries them again."""
        now = self._clock()
        with self._lock:
            self._entry(fingerprint, now).pending += count

    def counts(self) -> Mapping[Reason, int]:
        """How many occurrences were answered with each reason so far."""
        return dict(self._counts)

    @property
    def carried(self) -> int:
        """How many of those turned away left as a count on an admitted one."""
        return self._carried

    @property
    def untold(self) -> int:
        """How many of those turned away nobody will tell of: their fingerprint was forgotten for another."""
        return self._untold

    @property
    def pending(self) -> int:
        """How many of those turned away the next ones of their fingerprints will carry."""
        with self._lock:
            return sum(entry.pending for entry in self._known.values())

    def after_fork(self) -> None:
        """Begin anew in a forked child: what its parent counted is not its own."""
        self._reset()

    def _entry(self, fingerprint: str, now: float) -> _Fingerprint:
        entry = self._known.get(fingerprint)
        if entry is not None:
            self._known.move_to_end(fingerprint)
            return entry
        if len(self._known) >= self._most:
            self._untold += self._known.popitem(last=False)[1].pending
        entry = self._known[fingerprint] = _Fingerprint(self._rates.rate, max(1.0, self._rates.burst), now)
        return entry

    def _reason(self, entry: _Fingerprint, now: float) -> Reason:
        share = 1.0 if self._throttle is None else self._throttle.share
        own, total = entry.refill(now, share), self._total.refill(now, share)
        if not entry.admitted:
            if self._new.refill(now) < 1.0:
                return Reason.NEW
            self._new.tokens -= 1.0
            self._total.tokens = max(0.0, total - 1.0)
            return Reason.FIRST
        if self._throttle is not None and self._throttle.is_paused:
            return Reason.OVERLOAD
        if own < 1.0:
            return Reason.FINGERPRINT
        if total < 1.0:
            return Reason.TOTAL
        self._total.tokens -= 1.0
        return Reason.WITHIN


_TURNED_AWAY: Final = {reason: Admission(False, reason) for reason in Reason}
