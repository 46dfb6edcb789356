"""The pipeline inside an application: its queues, its decider over a journal in memory, its two threads.

One process has one; a process that forks off gets a new one, empty, since threads do not come with it and what the
parent holds is the parent's to export.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from errorplane.journal import MemoryJournal, StoredRequest
from errorplane.otlp import Overloaded, Signal
from errorplane.pipeline import Counters, Plan
from errorplane.pipeline._budgeting import budget_counts, budget_totals, untold_counts
from errorplane.pipeline._counters import labelled
from errorplane.pipeline._decider import Decider
from errorplane.pipeline._index import Index
from errorplane.pipeline._ingest import Entrance
from errorplane.pipeline._room import SHARE
from errorplane.sdk._accounts import SIGNALS, Accounts
from errorplane.sdk._encode import encode_logs, encode_spans
from errorplane.sdk._export_thread import BATCH, ExportThread, Route
from errorplane.sdk._queue import ItemQueue

log = logging.getLogger("errorplane.sdk")

_TURN_S = 0.2  # as often as the decider of a processor looks
_IDLE_S = 1.0
_BATCHES_A_TURN = 16
_SLOTS = 4 * _BATCHES_A_TURN  # more than a turn takes: nobody waits for one
_ROOM_TURNS = 20  # each decides 500 traces early at most
TRACE_BYTES = 1_000  # what is known of an undecided trace: state, services, errors, places of its spans

Failing = Callable[[Any], bool]
_ENCODE: Mapping[Signal, Callable[[Sequence[Any]], bytes]] = {Signal.TRACES: encode_spans, Signal.LOGS: encode_logs}


def _span_failed(span: ReadableSpan) -> bool:
    """Whether its status says so."""
    return span.status.status_code is StatusCode.ERROR


def _log_failed(record: ReadableLogRecord) -> bool:
    """Whether its severity is ERROR or above."""
    severity = record.log_record.severity_number
    return severity is not None and severity.value >= SeverityNumber.ERROR.value


_FAILED: Mapping[Signal, Failing] = {Signal.TRACES: _span_failed, Signal.LOGS: _log_failed}


class Core:
    """Takes items in its queues, decides in one thread, exports in another; both start with the first item."""

    def __init__(
        self, plan: Plan, resource_tags: Callable[[str], bytes], destination: str, max_bytes: int, max_queue: int
    ) -> None:
        self.counters = Counters()
        self.accounts = Accounts(self.counters)
        self.turn = threading.RLock()
        """Held while the deciding thread is at work: who forks meanwhile would copy it half done."""
        self._plan = plan
        self._destination = destination
        self._wake = threading.Event()
        self.queues: dict[Signal, ItemQueue[Any]] = {
            signal: ItemQueue(max_queue, BATCH, self._wake, _FAILED[signal], self._left_out(signal))
            for signal in SIGNALS
        }
        self._flushed = threading.Condition()
        self._asked = self._answered = 0
        self._stopping = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.journal = MemoryJournal(max_bytes, self._on_append, lambda: TRACE_BYTES * len(self.decider.traces))
        self._arriving = 0  # traces of batches that the decider has not looked at, at most
        self._build()
        self.exports = ExportThread(
            self.journal,
            self.counters,
            destination,
            resource_tags,
            plan.policy.errors.facts.destinations != (),
            self.accounts.lose,
        )
        self._count()

    def _build(self) -> None:
        """A decider that knows of nothing undecided, and the way to it."""
        self.decider = Decider(
            lambda: self._plan, self.counters, on_taken=self._taken, on_deliveries=lambda: self.exports.notify()
        )
        self.decider.attach(self.journal)
        self._entrance = Entrance(lambda: self._plan, self.journal, self.counters, _not_shadowed, _SLOTS)

    def _on_append(self, seq: int, request: StoredRequest, note: object) -> None:
        self.decider.on_append(seq, request, note)
        if isinstance(note, Index):
            self._arriving += len(note.traces)

    def _left_out(self, signal: Signal) -> Callable[[], None]:
        return lambda: self.counters.add("lost_items", 1, signal=signal.value, reason="queue_full")

    def _count(self) -> None:
        counters, journal = self.counters, self.journal
        counters.read("budget_errors", lambda: budget_counts(self.decider.budgets))
        counters.read("untold_errors", lambda: untold_counts(self.decider.budgets))
        counters.read("released_requests", lambda: labelled("reason", journal.released))
        counters.read(
            "given_up_items",
            lambda: {
                (("destination", self._destination), ("signal", signal)): count
                for signal, count in tuple(journal.given_up.items())
            },
        )

    def _taken(self) -> None:
        self._entrance.release()

    # --- the application's threads --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both threads, once."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="errorplane-sampling", daemon=True)
                self.exports.thread.start()
                self._thread.start()

    @property
    def started(self) -> bool:
        """Whether the threads run."""
        return self._thread is not None

    def flush(self, timeout_s: float) -> bool:
        """Decide everything that was handed over before, and try to export it; whether that was done in time.

        Does nothing for a call from one of our own threads, as an exporter could make it.
        """
        if not self.started:
            return True
        if threading.current_thread() in (self._thread, self.exports.thread):
            return False
        deadline = time.monotonic() + timeout_s
        with self._flushed:
            self._asked += 1
            ticket = self._asked
            self._wake.set()
            decided = self._flushed.wait_for(lambda: self._answered >= ticket, max(0.0, timeout_s))
        return decided and self.exports.flush(deadline - time.monotonic())

    def stop(self, timeout_s: float) -> None:
        """End both threads; what is still held is lost, and counted."""
        if self._thread is None:
            return
        deadline = time.monotonic() + timeout_s
        self._stopping = True
        self._wake.set()
        self.exports.stop()
        for thread in (self._thread, self.exports.thread):
            thread.join(max(0.0, deadline - time.monotonic()))
        for signal in SIGNALS:
            self.accounts.lose(signal, self.accounts.held(signal), "shutdown")

    def route(self, signal: Signal, route: Route | None) -> None:
        """How items of a signal are exported from now on; None: no longer."""
        self.exports.route(signal, route)

    # --- the deciding thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            if not any(len(queue) >= BATCH for queue in self.queues.values()):
                self._wake.wait(_TURN_S if self._is_busy() else _IDLE_S)
            self._wake.clear()
            asked = self._asked
            with self.turn:
                self._one_turn(flush=asked > self._answered)
            with self._flushed:
                self._answered = asked
                self._flushed.notify_all()

    def _is_busy(self) -> bool:
        return len(self.decider.traces) > 0 or any(self.queues.values())

    def _one_turn(self, *, flush: bool) -> None:
        for signal, items in self._batches(everything=flush):
            self._take_in(signal, items)
        self._step(stopping=flush)
        while flush and len(self.decider.traces):
            self._step(stopping=True)

    def _batches(self, *, everything: bool) -> Iterator[tuple[Signal, list[Any]]]:
        taken = 0
        for signal, queue in self.queues.items():
            while (everything or taken < _BATCHES_A_TURN) and (items := queue.take()):
                yield signal, items
                taken += 1
                if taken % _BATCHES_A_TURN == 0:
                    self._step()

    def _take_in(self, signal: Signal, items: list[Any]) -> None:
        """Hand a batch to the pipeline; if there is no room even after healthy traces have gone, what failed of it."""
        try:
            if self._taken_in(signal, items):
                return
            failed = [item for item in items if _FAILED[signal](item)]
            lost = len(items) if not failed or not self._taken_in(signal, failed) else len(items) - len(failed)
            reason = "memory_full"
        except Exception as error:  # noqa: BLE001  # the boundary guard: one odd item must not end all sampling
            lost, reason = len(items), "failure"
            self._failed("intake", error)
        self.counters.add("lost_items", lost, signal=signal.value, reason=reason)

    def _taken_in(self, signal: Signal, items: list[Any]) -> bool:
        body = _ENCODE[signal](items)
        for _ in range(_ROOM_TURNS):
            before = self.journal.total_bytes
            try:
                self._entrance(signal, body)
            except Overloaded:
                self._step()
                if self.journal.total_bytes >= before:
                    return False
            else:
                self._stay_within_bounds()
                return True
        return False

    def _stay_within_bounds(self) -> None:
        """What is known of a batch's traces takes room, too: it is made before the next batch."""
        for _ in range(_ROOM_TURNS):
            before = self.journal.total_bytes + TRACE_BYTES * self._arriving
            if before <= self.journal.max_bytes * SHARE:
                return
            self._step()
            if self.journal.total_bytes >= before:
                return

    def _step(self, *, stopping: bool = False) -> None:
        self._arriving = 0
        try:
            self.decider.step(stopping=stopping)
        except Exception as error:  # noqa: BLE001  # the boundary guard, as above
            self._failed("decider", error)
            self._start_over()

    def _failed(self, where: str, error: Exception) -> None:
        log.error("sampling failed with %s: some telemetry is lost; please report it", type(error).__name__)
        self.counters.add("internal_errors", 1, where=where)

    def _start_over(self) -> None:
        """What a turn that failed left behind cannot be trusted: all that is undecided is lost, and counted."""
        for signal in SIGNALS:
            self.accounts.lose(signal, self.accounts.held(signal) - self.journal.waiting_items(signal), "failure")
        self.journal.abandon()
        self._build()

    def budgets(self) -> dict[str, Any]:
        """What budgets have kept and suppressed, by rule and kind."""
        return budget_totals(self.decider.budgets)


def _not_shadowed(signal: Signal, body: bytes) -> None:
    """Nobody compares redactions."""
