"""The decider: one thread that owns the undecided traces, in the order of the journal."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from errorplane.classification import FactStream
from errorplane.errors import ErrorFact
from errorplane.journal import AnyJournal, JournalCorrupt, JournalError, StoredRequest, VerdictRecord, unpack_refs
from errorplane.measures import Measures
from errorplane.otlp import Signal
from errorplane.pipeline._budgeting import Budgeting
from errorplane.pipeline._byte_budgets import Share, everything
from errorplane.pipeline._clock import SteadyClock
from errorplane.pipeline._counters import Counters, labelled
from errorplane.pipeline._giants import Giants
from errorplane.pipeline._index import Index
from errorplane.pipeline._plan import Plan
from errorplane.pipeline._recovery import read_index
from errorplane.pipeline._rescue import Rescuer
from errorplane.pipeline._room import Room
from errorplane.pipeline._siblings import Siblings
from errorplane.pipeline._spans import Spans
from errorplane.pipeline._turn import Turn
from errorplane.pipeline._witness import Witness
from errorplane.policy import Sampling
from errorplane.sampling import BudgetBook, Seen, TraceState, TraceTable

log = logging.getLogger("errorplane.pipeline")

_TURN_S = 0.2
_DECIDE_AT_ONCE = 5_000
_DECIDE_EARLY = 500  # a turn, for want of room
_ARRIVALS_AT_ONCE = 64
_SWEEP_LEAST, _SWEEP_PER_VERDICT = 200, 2
_VERDICT_SHARE = 0.25  # of the journal, beyond which verdicts are remembered for a shorter time
_COMMIT_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One journalled request that has not been taken in yet."""

    seq: int
    index: Index


class Decider:
    """Takes in indexed requests, decides when windows close, and commits each turn to the journal.

    A turn starts every 0.2 s, sooner when 64 requests wait or more traces are due than one turn decides. ``clock`` is
    monotonic, ``wall_clock`` Unix time, in seconds; ``on_taken`` is called once for each request taken in,
    ``on_deliveries`` after a turn that made some.
    """

    def __init__(
        self,
        plan: Callable[[], Plan],
        counters: Counters,
        *,
        on_taken: Callable[[], None],
        on_deliveries: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        witness: Witness | None = None,
        measures: Measures | None = None,
        share: Share = everything,
    ) -> None:
        self._share = share
        self._measures = measures
        self._witness = witness
        self._plan = plan
        self._counters = counters
        self._on_taken = on_taken
        self._on_deliveries = on_deliveries
        self._clock = clock
        self._now = SteadyClock(clock, wall_clock)
        policy = plan().policy
        self._remember_s = policy.journal.remember
        self.traces = _table(policy.sampling)
        counters.read("decision_triggers", lambda: labelled("trigger", self.traces.triggers))
        self._facts = FactStream(policy.errors.max_per_second, clock)
        self.budgets = BudgetBook()
        self._arrivals: deque[_Arrival] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._behind = False  # the last turn decided as much as one may, so that more may be due
        self._sweep_from = b""
        self._thread = threading.Thread(target=self._run, name="errorplane-decider", daemon=True)

    @property
    def clock_offset(self) -> float:
        """Seconds by which the machine's clock was set since the start."""
        return self._now.offset

    def on_append(self, seq: int, request: StoredRequest, note: object) -> None:
        """Called by the journal's writer for each request, in order."""
        if isinstance(note, Index):
            with self._wake:
                self._arrivals.append(_Arrival(seq, note))
                self._wake.notify()

    def start(self, journal: AnyJournal, recovered: Iterable[tuple[int, Index]]) -> None:
        """Take in what an earlier process left in the journal, then start deciding."""
        self.attach(journal, recovered)
        self._thread.start()

    def attach(self, journal: AnyJournal, recovered: Iterable[tuple[int, Index]] = ()) -> None:
        """As ``start``, without deciding: for those who call ``step`` themselves."""
        self._journal = journal
        self._now.not_before(journal.held_last or 0.0)
        self._room = Room(journal)
        spans = Spans(journal)
        self._giants = Giants(journal, spans)
        self._siblings = Siblings(spans)
        self._restore_budgets(journal)
        self._rescuer = Rescuer(
            journal, lambda seq: read_index(journal, seq, self._plan(), self._counters), self._counters
        )
        turn = self._turn()
        held = self._facts.restore(self._overflow(journal))
        for seq, index in recovered:
            self._take_in(turn, seq, index, again=seq <= journal.indexed_through)
        self._commit(turn, held)

    def step(self, *, stopping: bool = False) -> None:
        """One turn at once, in the caller's thread; the last one decides everything that is open."""
        with self._wake:
            arrivals = tuple(self._arrivals)
            self._arrivals.clear()
        self._one_turn(arrivals, stopping)
        for _ in arrivals:
            self._on_taken()

    def _restore_budgets(self, journal: AnyJournal) -> None:
        self.budgets.limit(self._plan().budgets)
        try:
            problems = self.budgets.restore(journal.budgets(), self._now())
        except JournalCorrupt as error:
            problems = [str(error)]
        for problem in problems:
            self._counters.add("internal_errors", 1, where="journal_record")
            log.error("journal: counts of a budget are lost: %s", problem)

    def _overflow(self, journal: AnyJournal) -> bytes:
        try:
            return journal.overflow()
        except JournalCorrupt as error:
            self._counters.add("internal_errors", 1, where="journal_record")
            log.error("journal: the counts of error facts that were held back are lost: %s", error)
            return b""

    def stop(self) -> None:
        """Decide everything that is open now, commit it, and end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _turn(self) -> Turn:
        plan = self._plan()
        sampling = plan.policy.sampling
        self.traces.configure(
            sampling.decision_wait, sampling.max_traces, sampling.root_wait, sampling.max_spans_per_trace
        )
        self._facts.max_per_second = plan.policy.errors.max_per_second
        budgeting = Budgeting(self.budgets, plan.budgets, self._now(), self._siblings)
        return Turn(plan, self._facts, self._counters, budgeting, self._giants, self._witness, self._share)

    def _run(self) -> None:
        while True:
            arrivals, stopping = self._wait()
            try:
                self._one_turn(arrivals, stopping)
            except Exception:  # the boundary guard: a fault in one turn must not end all decisions
                self._counters.add("internal_errors", 1, where="decider")
                self.budgets.roll_back()
                log.exception("deciding failed; the requests of this turn are decided after a restart")
            finally:
                for _ in arrivals:
                    self._on_taken()
            if stopping and not self._arrivals and not len(self.traces):
                return

    def _one_turn(self, arrivals: Sequence[_Arrival], stopping: bool) -> None:
        turn = self._turn()
        for arrival in arrivals:
            self._take_in(turn, arrival.seq, arrival.index, again=False)
        now = float("inf") if stopping else self._clock()
        decided_at = self._now()
        limit = max(_DECIDE_AT_ONCE, len(self.traces) - self.traces.max_traces)
        decided, self._behind = 0, False
        for trace_id, state in self.traces.due(now, limit):
            turn.decide_trace(trace_id, state, decided_at)
            decided += 1
        self._behind = decided == limit
        if not turn.outbox.change.empty:
            self._sweep(turn)  # remembered verdicts only grow with new ones
        self._release(turn)
        if self._room.make(turn.outbox.change, self._now()):
            self._decide_early(turn)
        self._commit(turn, self._facts.due(everything=stopping))

    def _wait(self) -> tuple[Sequence[_Arrival], bool]:
        """Gather arrivals for one turn: each turn costs a sync of the journal, so it serves many requests."""
        with self._wake:
            if not self._behind:
                self._wake.wait_for(lambda: self._stopping or len(self._arrivals) >= _ARRIVALS_AT_ONCE, _TURN_S)
            arrivals = tuple(self._arrivals)
            self._arrivals.clear()
            return arrivals, self._stopping

    def _take_in(self, turn: Turn, seq: int, index: Index, *, again: bool) -> None:
        """Look at one request; ``again`` after a restart, when what could be decided at once already was."""
        change = turn.outbox.change
        if index.signal is Signal.METRICS and not again:
            turn.keep_metrics(seq, index)
        for lone in () if again else index.lone:
            turn.decide_log(seq, lone)
        stored = self._journal.verdicts([each for each in index.traces if self.traces.get(each) is None])
        now = self._clock()
        for trace_id, seen in index.traces.items():
            state = self.traces.get(trace_id)
            if state is None:
                state = self._opened(turn, seq, index.signal, trace_id, seen, stored.get(trace_id), now, again=again)
                if state is None:
                    continue
            state.add(seq, index.signal, seen)
            if seen.root or state.spans >= self.traces.max_spans:
                self.traces.hasten(trace_id, state, seen, now)
            change.hold[seq] += 1
        if index.requests and not again:
            turn.measured.requests.append(index.requests)
        change.drop[seq] += 1
        change.indexed_through = max(seq, change.indexed_through or 0)

    def _opened(
        self,
        turn: Turn,
        seq: int,
        signal: Signal,
        trace_id: bytes,
        seen: Seen,
        stored: VerdictRecord | None,
        now: float,
        *,
        again: bool,
    ) -> TraceState | None:
        """The state of a trace that is not waiting; None if what a request holds of it follows an earlier verdict.

        ``stored`` is the verdict that the journal has of it.
        """
        change = turn.outbox.change
        verdict = change.verdicts.get(trace_id) or stored
        if verdict is None or trace_id in change.forget:
            return self.traces.open(trace_id, now)
        if again and (verdict.keep or not seen.error or _decided_with(verdict, seq)):
            if verdict.refs:
                change.dropped[seq] = verdict.decided_at
            return None
        if verdict.keep or not seen.error:
            late = TraceState.of(seq, signal, seen)
            turn.measured.kept[trace_id] = verdict.keep
            turn.follow(trace_id, seq, late.items()[seq], late, verdict, self._now())
            turn.remember_late(trace_id, late, verdict, self._now())
            return None
        state = self.traces.open(trace_id, now)
        turn.reopen(trace_id, verdict)
        self._rescuer.bring_back(change, trace_id, verdict, state)
        return state

    def _decide_early(self, turn: Turn) -> None:
        """Take out the oldest traces for want of room: healthy ones are dropped, those with errors decided."""
        for trace_id, state in self.traces.due(float("inf"), _DECIDE_EARLY):
            if state.error:
                turn.decide_trace(trace_id, state, self._now())
            else:
                turn.give_up(trace_id, state, self._now())

    def _release(self, turn: Turn) -> None:
        """Let go of what has been held for late errors until the end of its window."""
        before = self._now() - self._plan().policy.sampling.rescue_window
        since = self._journal.held_since
        if since is not None and since < before:
            turn.outbox.change.release_before = before

    def _sweep(self, turn: Turn) -> None:
        """Forget verdicts that are old and that no request in the journal can still ask for."""
        oldest = self._journal.oldest_undecided
        fill = self._journal.verdict_bytes / (self._journal.max_bytes * _VERDICT_SHARE)
        now = self._now()
        before = now - self._remember_s * min(1.0, max(0.0, 2.0 - 2.0 * fill))
        # More are looked at than are added, so that the sweep keeps up with any rate.
        step = max(_SWEEP_LEAST, _SWEEP_PER_VERDICT * len(turn.outbox.change.verdicts))
        sweep = self._journal.sweep_verdicts(
            self._sweep_from, step, lambda at, through: not before <= at <= now and through < oldest
        )
        self._sweep_from = sweep.next_start
        turn.outbox.change.forget.extend(sweep.expired)

    def _count(self, turn: Turn) -> None:
        """Only what is stored counts: what is not is decided again after a restart, and counted then."""
        if self._measures is not None:
            verdicts = turn.outbox.change.verdicts
            turn.measured.kept.update((trace_id, verdict.keep) for trace_id, verdict in verdicts.items())
            self._measures.add(turn.measured)

    def _commit(self, turn: Turn, due: Sequence[ErrorFact]) -> None:
        turn.close(due)
        change = turn.outbox.close()
        while not change.empty:
            try:
                self._journal.commit(change)
                self._count(turn)
                self.budgets.commit()
                break
            except JournalError as error:
                self._counters.add("internal_errors", 1, where="journal")
                if self._stopping:
                    log.error("journal: decisions not stored (%s); the next start decides again", error)
                    return
                log.error("journal: decisions not stored (%s); trying again", error)
                time.sleep(_COMMIT_RETRY_S)
        if change.deliveries:
            self._on_deliveries()


def _table(sampling: Sampling) -> TraceTable:
    return TraceTable(sampling.decision_wait, sampling.max_traces, sampling.root_wait, sampling.max_spans_per_trace)


def _decided_with(verdict: VerdictRecord, seq: int) -> bool:
    """Whether a verdict was given after request ``seq`` had been looked at, rather than before its error came."""
    return not verdict.refs or seq in unpack_refs(verdict.refs)
