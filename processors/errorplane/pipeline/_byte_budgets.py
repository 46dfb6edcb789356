"""The daily byte budgets of destinations at work: what senders have sent, and the shares that are in force."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from errorplane.pipeline._counters import Counters, Labels
from errorplane.policy import Policy
from errorplane.sampling import FileDay, Reason, SharedDay, Spending, Verdict, randomness, rejection_threshold

log = logging.getLogger("errorplane.pipeline")

_STEP_S = 10.0
_FILE = "days.json"


Share = Callable[[Sequence[str]], float]
"""From names of destinations to the share of healthy data that all of them can take, 0 to 1."""


def everything(destinations: Sequence[str]) -> float:
    """The share where nobody has a budget."""
    return 1.0


def file_day(policy: Policy) -> SharedDay:
    """The file that the policy names, or one of this processor alone."""
    daily = policy.sampling.daily_bytes
    path = daily.shared or policy.journal.path / _FILE
    return FileDay(path, daily.destinations, daily.least, _STEP_S)


def within_share(verdict: Verdict, share: float, bits: bytes) -> Verdict:
    """A verdict on healthy data that a destination can take a share of; ``bits`` are those that decide by chance.

    The rule's own chance and the share are one threshold, so equal traces fare alike in all processors. A boost, which
    somebody asked for, stands.
    """
    if share >= 1.0 or not verdict.keep or verdict.reason is Reason.BOOST:
        return verdict
    probability = verdict.probability * share
    if randomness(bits) >= rejection_threshold(probability):
        return Verdict(True, Reason.PROBABILITY, verdict.rule, probability)
    return Verdict(False, Reason.BYTES, verdict.rule, probability)


class ByteBudgets:
    """Exchanges with the other processors every 10 s, in a thread of its own: a file system may be slow.

    Without an answer the last shares stay in force, and what was sent is reported with the next exchange. ``clock`` is
    Unix time in seconds. Safe to use from several threads.
    """

    def __init__(
        self,
        policy: Policy,
        counters: Counters,
        make: Callable[[Policy], SharedDay] = file_day,
        clock: Callable[[], float] = time.time,
        step_s: float = _STEP_S,
    ) -> None:
        self._counters = counters
        self._make = make
        self._clock = clock
        self._step_s = step_s
        self._lock = threading.Lock()
        self._sent: Counter[str] = Counter()
        self._spending: Mapping[str, Spending] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="errorplane-daily-bytes", daemon=True)
        self.limit(policy)

    def limit(self, policy: Policy) -> None:
        """Put a policy's budgets in force."""
        budgets = policy.sampling.daily_bytes.destinations
        self._day = self._make(policy) if budgets else None
        self._budgets = budgets
        self._spending = {name: spending for name, spending in self._spending.items() if name in budgets}

    def start(self) -> None:
        """Ask for the shares in force, then exchange until ``stop``."""
        self.exchange()
        self._thread.start()

    def stop(self) -> None:
        """Report what has been sent, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(self._step_s)
        self.exchange()

    def sent(self, destination: str, count: int) -> None:
        """A destination has taken so many bytes."""
        if destination in self._budgets:
            with self._lock:
                self._sent[destination] += count

    def share(self, destinations: Sequence[str]) -> float:
        """The share of healthy data that all of these destinations can take."""
        spending = self._spending
        if not spending:
            return 1.0
        return min((spending[name].share for name in destinations if name in spending), default=1.0)

    def exchange(self) -> None:
        """Report once, and take over the shares in force."""
        day = self._day
        if day is None:
            return
        with self._lock:
            sent, self._sent = self._sent, Counter()
        try:
            self._spending = day.exchange(sent, self._clock())
        except OSError as error:
            with self._lock:
                self._sent.update(sent)
            self._failed(error)
        except ValueError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._counters.add("internal_errors", 1, where="daily_bytes")
        log.error("daily byte budgets: %s", error)

    def _run(self) -> None:
        while not self._stop.wait(self._step_s):
            self.exchange()

    def shares(self) -> Mapping[Labels, float]:
        """The shares in force, for a gauge."""
        return {(("destination", name),): spending.share for name, spending in self._spending.items()}

    def page(self) -> dict[str, Any]:
        """By destination: budget, what all processors have used of it today, and the share in force."""
        return {
            name: {"budget": self._budgets.get(name), "used": spending.used, "share": spending.share}
            for name, spending in self._spending.items()
        }
