"""What was kept, handed to the SDK's exporters by a thread of its own, since a backend may take its time."""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from errorplane.journal import Delivery, JournalError, MemoryJournal
from errorplane.otlp import Signal
from errorplane.pipeline import Counters
from errorplane.routing._parts import parts_of

log = logging.getLogger("errorplane.sdk")

BATCH = 512  # as the SDK's own processors export by default
_FAILURES_IN_A_ROW = 3  # after which the backend is taken to be away,
_LONG_S = 1.0  # or after one that took so long: exporters try again by themselves where nobody answers
_ATTEMPTS = 5  # of one batch, while others go through
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class Route:
    """How items of one signal leave: ``export`` says whether the exporter has taken them."""

    decode: Callable[[bytes], Iterator[Any]]
    export: Callable[[Sequence[Any]], bool]


@dataclass(slots=True)
class _Progress:
    """Of one delivery: items that need no further attempt, and failures since the last that was taken."""

    done: int = 0
    failures: int = 0


class ExportThread:
    """Exports deliveries of the journal in batches of 512, oldest first, those that failed before last.

    A batch that fails is tried again for as long as the journal holds it; while others go through, five times. What no
    route takes is let go of, after ``lose(signal, items, why)``; facts about errors count for nothing there, and leave only
    ``with_facts``. ``jitter`` is between 0 and 1, ``clock`` monotonic in seconds.
    """

    def __init__(
        self,
        journal: MemoryJournal,
        counters: Counters,
        destination: str,
        resource_tags: Callable[[str], bytes],
        with_facts: bool,
        lose: Callable[[Signal, int, str], None],
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._counters = counters
        self._destination = destination
        self._resource_tags = resource_tags
        self._with_facts = with_facts
        self._lose = lose
        self._jitter = jitter
        self._clock = clock
        self._routes: dict[Signal, Route] = {}
        self._progress: dict[int, _Progress] = {}
        self._waits = 0
        self._wake = threading.Condition()
        self._news = self._stopping = False
        self._asked = self._answered = 0
        self.thread = threading.Thread(target=self._run, name="errorplane-export", daemon=True)

    def route(self, signal: Signal, route: Route | None) -> None:
        """Export a signal this way from now on; None: no longer."""
        routes = dict(self._routes)
        routes.pop(signal, None)
        self._routes = routes if route is None else {**routes, signal: route}

    def notify(self) -> None:
        """Something new may wait in the journal."""
        with self._wake:
            self._news = True
            self._wake.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Try everything that waits once; whether all of it was taken in time."""
        with self._wake:
            self._asked += 1
            ticket = self._asked
            self._wake.notify_all()
            answered = self._wake.wait_for(lambda: self._answered >= ticket, max(0.0, timeout_s))
        return answered and not self._journal.pending()

    def stop(self) -> None:
        """End after the export under way."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def _run(self) -> None:
        failed = False
        while True:
            with self._wake:
                if failed:  # news can wait as long as what failed
                    self._wake.wait_for(lambda: self._stopping or self._asked > self._answered, self._backoff())
                else:
                    self._wake.wait_for(lambda: self._stopping or self._news or self._asked > self._answered)
                if self._stopping:
                    return
                asked, self._news = self._asked, False
            failed = not self._export_all()
            self._waits += failed
            with self._wake:
                self._answered = asked
                self._wake.notify_all()

    def _backoff(self) -> float:
        return float(min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(self._waits, 16)) * (0.5 + self._jitter() / 2))

    def _export_all(self) -> bool:
        """One attempt for each delivery, unless the backend is away; whether none failed."""
        failed, in_a_row, some_left = False, 0, False
        waiting = self._journal.pending()
        self._progress = {number: self._progress[number] for number in waiting if number in self._progress}
        for number in sorted(waiting, key=lambda each: (self._failures(each), each)):
            if self._stopping:
                return True
            started = self._clock()
            if self._delivered(number, give_up=some_left):
                in_a_row, some_left, self._waits = 0, True, 0
                continue
            failed = True
            in_a_row += 1
            if in_a_row >= _FAILURES_IN_A_ROW or self._clock() - started >= _LONG_S:
                break
        return not failed

    def _failures(self, number: int) -> int:
        progress = self._progress.get(number)
        return 0 if progress is None else progress.failures

    def _delivered(self, number: int, *, give_up: bool) -> bool:
        """Whether a delivery needs no further attempt; ``give_up`` on what fails too often, since others go through."""
        delivery = self._journal.begin(number)
        if delivery is None:
            return True
        try:
            return self._deliver(number, delivery, give_up=give_up)
        except Exception as error:  # noqa: BLE001  # the boundary guard: one bad delivery must not end all exports
            log.error("exporting failed with %s: some telemetry is lost; please report it", type(error).__name__)
            self._counters.add("internal_errors", 1, where="export")
            if not _are_facts(delivery):
                self._lose(delivery.signal, delivery.items - self._progress[number].done, "failure")
            self._let_go(number)
            return True

    def _let_go(self, number: int) -> None:
        self._journal.acknowledge(number)
        self._progress.pop(number, None)

    def _deliver(self, number: int, delivery: Delivery, *, give_up: bool) -> bool:
        progress = self._progress.setdefault(number, _Progress())
        facts = _are_facts(delivery)
        route = None if facts and not self._with_facts else self._routes.get(delivery.signal)
        if route is not None and not self._export(delivery, route, progress, give_up=give_up):
            if not progress.done:
                self._journal.put_back(number)
            return False
        if route is None and not facts:
            self._lose(delivery.signal, delivery.items, "shutdown")
        self._let_go(number)
        return True

    def _export(self, delivery: Delivery, route: Route, progress: _Progress, *, give_up: bool) -> bool:
        items = itertools.islice(self._items(delivery, route), progress.done, None)
        while batch := list(itertools.islice(items, BATCH)):
            taken = _call(route.export, batch)
            if not taken:
                progress.failures += 1
                if progress.failures < _ATTEMPTS or not give_up:
                    self._counters.add("destination_retries", 1, destination=self._destination)
                    return False
            progress.done += len(batch)
            progress.failures = 0
            if not _are_facts(delivery):
                name = "delivered_items" if taken else "destination_refused_items"
                self._counters.add(name, len(batch), destination=self._destination, signal=delivery.signal.value)
        return True

    def _items(self, delivery: Delivery, route: Route) -> Iterator[Any]:
        extra = self._resource_tags(delivery.retention_class)
        for part in parts_of(self._journal, delivery, extra, self._unreadable):
            yield from route.decode(part.payload)

    def _unreadable(self, seq: int, items: int, error: JournalError) -> None:
        self._counters.add("unreadable_items", items, destination=self._destination)


def _are_facts(delivery: Delivery) -> bool:
    """Facts about errors are no items of the application."""
    return bool(delivery.payload) and not delivery.copied


def _call(export: Callable[[Sequence[Any]], bool], batch: Sequence[Any]) -> bool:
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        return export(batch)
    except Exception as error:  # noqa: BLE001  # the boundary guard: another author's exporter, whose message may hold a value
        log.warning("the exporter failed with %s; trying again later", type(error).__name__)
        return False
    finally:
        detach(token)
