"""One turn of the decider: verdicts, facts and deliveries that are stored together or not at all."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from errorplane.classification import ClassifiedError, FactStream, Subject, encode_facts
from errorplane.detectors import DataClass
from errorplane.errors import ErrorFact
from errorplane.journal import VerdictRecord
from errorplane.measures import Measured
from errorplane.otlp import Signal
from errorplane.pipeline._budgeting import Budgeted, Budgeting
from errorplane.pipeline._byte_budgets import Share, everything, within_share
from errorplane.pipeline._counters import Counters, Labels
from errorplane.pipeline._giants import Giants, Split
from errorplane.pipeline._index import Index, LoneLog
from errorplane.pipeline._outbox import Outbox
from errorplane.pipeline._plan import Plan
from errorplane.pipeline._subjects import log_subject, trace_subject
from errorplane.pipeline._tags import error_tags, shared_tags
from errorplane.pipeline._thresholds import threshold_of
from errorplane.pipeline._witness import Decided, Witness
from errorplane.retention import ITEM_ATTRIBUTES, RetentionClass, encode_tags
from errorplane.sampling import Items, Reason, TraceState, Verdict

ALWAYS = Verdict(True, Reason.RULE, "metrics", 1.0)
"""Of metrics, which no rule is asked about."""
NO_ROOM = "no_room"
"""Stands for a rule in the verdicts on traces that were dropped undecided."""
_MOST_REFS = 1 << 20  # bytes; of late items beyond it no place is remembered
_Errors = Mapping[tuple[int, int], ClassifiedError]


class Turn:
    """Decides with one plan; what is decided gathers in ``outbox`` until the turn is committed.

    A ``witness`` is told of every decision; ``share`` says how much of the healthy data some destinations can take.
    """

    def __init__(
        self,
        plan: Plan,
        facts: FactStream,
        counters: Counters,
        budgeting: Budgeting,
        giants: Giants,
        witness: Witness | None = None,
        share: Share = everything,
    ) -> None:
        self.outbox = Outbox()
        self._plan = plan
        self._facts = facts
        self._counters = counters
        self._budgeting = budgeting
        self._giants = giants
        self._giant = plan.policy.sampling.max_spans_per_trace
        self._witness = witness
        self._share = share
        self._rescues = plan.policy.sampling.rescue_window > 0.0
        self._leaving: list[ErrorFact] = []
        self.measured = Measured()
        self._tally: defaultdict[tuple[str, Labels], int] = defaultdict(int)  # counted at the end: locks cost more

    def decide_trace(self, trace_id: bytes, state: TraceState, decided_at: float) -> None:
        """Decide a trace whose window has closed; ``decided_at`` is Unix time."""
        classified = self._plan.classifier.classify([error for _, error in state.errors]) if state.errors else []
        subject = trace_subject(state, classified)
        bits = trace_id if state.random is None else state.random.to_bytes(7, "big")
        chosen = self._plan.assign(subject)
        budgeted, fresh = Budgeted(self._decide(subject, bits, chosen)), classified
        errors: _Errors = {}
        if classified:
            errors = {(seq, error.item): each for (seq, error), each in zip(state.errors, classified, strict=True)}
            known = {each.occurrence for (seq, _), each in errors.items() if seq in state.told}
            fresh = [each for each in classified if each.origin and each.occurrence not in known]
            self._offer_facts(fresh, chosen, classified)
            budgeted = self._budgeting.of_trace(budgeted.verdict, fresh, classified, state.refs)
        verdict = budgeted.verdict
        refs = self._keep(budgeted, chosen, state, errors) if verdict.keep else self._drop_trace(verdict, state)
        if refs and not verdict.keep:
            self.outbox.change.dropped.update(dict.fromkeys(state.requests, decided_at))
        through = self._settle(state)
        self.outbox.change.verdicts[trace_id] = VerdictRecord(
            verdict.keep,
            verdict.rule,
            verdict.probability,
            chosen.name,
            decided_at,
            through,
            verdict.reason,
            len(classified),
            budgeted.note,
            refs,
        )
        self._count_decision("trace", verdict)
        if self._witness is not None:
            self._witness.decided(Decided("trace", verdict, chosen, state.items(), classified, fresh))

    def _keep(self, budgeted: Budgeted, chosen: RetentionClass, state: TraceState, errors: _Errors) -> bytes:
        """Send a trace; returns what is to be remembered of a giant one."""
        found = state.items()
        refs, cut = b"", None
        if state.spans >= self._giant:
            refs, cut = self._giants.record(found), 0
        for seq, items in found.items():
            self._carry_out(
                budgeted.verdict, chosen, seq, items, errors, budgeted.carried, healthy=not state.error, cut=cut
            )
        return refs

    def _drop_trace(self, verdict: Verdict, state: TraceState) -> bytes:
        """Count what is dropped; returns where it lies, if it can be rescued."""
        for signal, count in ((Signal.TRACES, state.spans), (Signal.LOGS, state.logs)):
            if count:
                self._drop(verdict, signal, count)
        return state.refs if self._rescues else b""

    def _settle(self, state: TraceState) -> int:
        """Its requests wait for one undecided trace less; returns the last of them."""
        drop = self.outbox.change.drop
        for seq in state.requests:
            drop[seq] += 1
        return max(state.requests)

    def give_up(self, trace_id: bytes, state: TraceState, now: float) -> None:
        """Drop a healthy trace undecided, since the journal has no room for it; ``now`` is Unix time."""
        verdict = Verdict(False, Reason.ROOM, NO_ROOM, 0.0)
        self._drop_trace(verdict, state)
        through = self._settle(state)
        self.outbox.change.verdicts[trace_id] = VerdictRecord(
            False, NO_ROOM, 0.0, "", now, through, Reason.ROOM.value, 0
        )
        self._count_decision("trace", verdict)
        if self._witness is not None:
            self._witness.decided(Decided("trace", verdict, None, state.items()))

    def follow(
        self, trace_id: bytes, seq: int, items: Items, state: TraceState, earlier: VerdictRecord, now: float
    ) -> None:
        """Items that came after their trace was decided go where it went; ``state`` holds only the late ones.

        Unless a rule about the data classes of what was hidden in them says where such data must go. Of a giant trace
        only some are kept. ``now`` is Unix time.
        """
        verdict = Verdict(earlier.keep, Reason.LATE, earlier.rule, earlier.probability)
        classified = self._plan.classifier.classify([error for _, error in state.errors])
        subject = trace_subject(state, classified)
        chosen = (
            self._plan.assign_by_data(subject)
            or self._plan.retention_class(earlier.retention_class)
            or self._plan.assign(subject)
        )
        self._offer_facts(classified, chosen)
        if earlier.keep:
            self._budgeting.follow(earlier.rule, [each for each in classified if each.origin])
        errors = {(seq, each.observed.item): each for each in classified}
        healthy = not (state.error or earlier.errors)
        split = Split({seq: items.numbers}, (), b"", None)
        if earlier.keep and earlier.refs:
            split = self._giants.split(earlier.refs, seq, items, {item for _, item in errors})
            self._remember_cut(trace_id, seq, split, earlier, now)
        for where, numbers in split.kept.items():
            kept = Items.of(items.signal, numbers)
            self._carry_out(
                verdict, chosen, where, kept, errors, reason=earlier.reason, healthy=healthy, cut=split.count
            )
            if where != seq:
                self._tally["rescued_items", (("signal", items.signal.value),)] += len(numbers)
        if split.cut:
            self._drop(Verdict(False, Reason.CUT, earlier.rule, earlier.probability), items.signal, len(split.cut))
        if self._witness is not None:
            told = {where: Items.of(items.signal, numbers) for where, numbers in split.kept.items()}
            self._witness.decided(Decided("late", verdict, chosen, told, classified, classified))

    def _remember_cut(self, trace_id: bytes, seq: int, split: Split, earlier: VerdictRecord, now: float) -> None:
        through = max(earlier.through, seq)
        self.outbox.change.verdicts[trace_id] = earlier._replace(refs=split.record, through=through)
        if split.cut and self._rescues:
            self.outbox.change.dropped[seq] = now

    def remember_late(self, trace_id: bytes, state: TraceState, earlier: VerdictRecord, now: float) -> None:
        """Late items of a dropped trace are rescued with it; ``now`` is Unix time."""
        if earlier.keep or not earlier.refs or len(earlier.refs) > _MOST_REFS:
            return
        refs = earlier.refs + state.refs
        through = max(earlier.through, *state.requests)
        self.outbox.change.verdicts[trace_id] = earlier._replace(refs=refs, through=through)
        self.outbox.change.dropped.update(dict.fromkeys(state.requests, now))

    def reopen(self, trace_id: bytes, earlier: VerdictRecord) -> None:
        """An error came after its trace was dropped, and the trace is decided anew.

        The verdict stands until then if it says where the trace's items lie: a restart must find them again.
        """
        if not earlier.refs:
            self.outbox.change.verdicts.pop(trace_id, None)
            self.outbox.change.forget.append(trace_id)
        if self._witness is not None:
            self._witness.reopened(earlier)

    def decide_log(self, seq: int, log: LoneLog) -> None:
        """Decide a log record without a trace by itself."""
        classified = self._plan.classifier.classify([log.error] if log.error is not None else [])
        subject = log_subject(log, classified)
        chosen = self._plan.assign(subject)
        verdict = self._decide(subject, _scatter(seq, log.item), chosen)
        verdict, _, carried = self._budgeting.of_log(verdict, classified)
        self._offer_facts(classified, chosen)
        errors = {(seq, each.observed.item): each for each in classified}
        items = Items.of(Signal.LOGS, [log.item])
        self._carry_out(verdict, chosen, seq, items, errors, carried, healthy=log.error is None)
        self._count_decision("log", verdict)
        if self._witness is not None:
            self._witness.decided(Decided("log", verdict, chosen, {seq: items}, classified, classified))

    def keep_metrics(self, seq: int, index: Index) -> None:
        """Metrics are never sampled; they go where their class goes, each by what was hidden in it."""
        groups: defaultdict[frozenset[DataClass], list[int]] = defaultdict(list)
        for item in range(index.items):
            groups[index.data_classes.get(item, frozenset())].append(item)
        for classes, items in groups.items():
            chosen = self._plan.assign(Subject(signal="metric", services=index.services, data_classes=classes))
            self.outbox.keep(Signal.METRICS, chosen, seq, items, {}, b"", healthy=False)
            self._count_kept(Signal.METRICS, chosen, len(items))
            if self._witness is not None:
                kept = {seq: Items.of(Signal.METRICS, items)}
                self._witness.decided(Decided("metrics", ALWAYS, chosen, kept))

    def close(self, due: Sequence[ErrorFact]) -> None:
        """Add the facts that leave with this turn, and those whose second is over."""
        by_class: defaultdict[str, list[ErrorFact]] = defaultdict(list)
        for fact in (*self._leaving, *due):
            by_class[fact.retention_class].append(fact)
        for name, facts in by_class.items():
            destinations = self._plan.fact_destinations(name)
            self.outbox.send(Signal.LOGS, name, destinations, encode_facts(facts), len(facts))
        self.outbox.change.overflow = self._facts.held_if_changed()
        self.outbox.change.deployments = self._plan.deployments.saved_if_changed()
        self.outbox.change.budgets = self._budgeting.changes()
        self._counters.add_all(self._tally)

    def _decide(self, subject: Subject, bits: bytes, chosen: RetentionClass) -> Verdict:
        """What the rules say, and what the destinations can take of healthy data; ``bits`` decide by chance."""
        verdict = self._plan.decide(subject, bits)
        return verdict if subject.error else within_share(verdict, self._share(chosen.destinations), bits)

    def _carry_out(
        self,
        verdict: Verdict,
        chosen: RetentionClass,
        seq: int,
        items: Items,
        errors: _Errors,
        carried: Mapping[str, int] = MappingProxyType({}),
        reason: str = "",
        *,
        healthy: bool,
        cut: int | None = None,
    ) -> None:
        """``carried`` are counts for samples, by occurrence; ``reason`` is that of the decision that late items follow.

        ``cut``: how many spans of a giant trace have been cut so far.
        """
        if not verdict.keep:
            self._drop(verdict, items.signal, len(items.numbers))
            return
        number = ITEM_ATTRIBUTES[items.signal]
        shared = encode_tags(number, shared_tags(verdict, chosen, cut))
        if items.signal is Signal.TRACES:
            limited = verdict.rule in self._plan.limited
            shared = threshold_of(reason or verdict.reason, verdict.probability, limited) + shared
        own = {
            item: shared + encode_tags(number, error_tags(error, carried))
            for (where, item), error in errors.items()
            if where == seq
        }
        self.outbox.keep(items.signal, chosen, seq, items.numbers, own, shared, healthy=healthy)
        self._count_kept(items.signal, chosen, len(items.numbers))

    def _drop(self, verdict: Verdict, signal: Signal, count: int) -> None:
        self._tally["dropped_items", _dropped_labels(verdict.reason, signal)] += count

    def _offer_facts(
        self,
        classified: Sequence[ClassifiedError],
        chosen: RetentionClass,
        around: Sequence[ClassifiedError] | None = None,
    ) -> None:
        """Report errors; ``around`` are all that are known of their trace, by default the same."""
        self.measured.fail(classified, around)
        for error in classified:
            if not error.origin:
                continue
            fact = self._plan.classifier.fact(error, chosen.name)
            self._tally["error_facts", (("kind", fact.kind.value), ("severity", fact.severity.value))] += 1
            leaving = self._facts.offer(fact)
            if leaving is not None:
                self._leaving.append(leaving)

    def _count_decision(self, subject: str, verdict: Verdict) -> None:
        self._tally["decisions", _decision_labels(verdict.reason, verdict.rule, subject, verdict.keep)] += 1

    def _count_kept(self, signal: Signal, chosen: RetentionClass, count: int) -> None:
        self._tally["kept_items", (("retention_class", chosen.name), ("signal", signal.value))] += count


@functools.cache
def _dropped_labels(reason: Reason, signal: Signal) -> Labels:
    return (("reason", reason.value), ("signal", signal.value))


@functools.lru_cache(1024)
def _decision_labels(reason: Reason, rule: str, subject: str, keep: bool) -> Labels:
    kept = "kept" if keep else "dropped"
    return (("reason", reason.value), ("rule", rule), ("subject", subject), ("verdict", kept))


def _scatter(seq: int, item: int) -> bytes:
    """Bytes that decide by chance for what has no trace id: the same for the same place in the journal."""
    return hashlib.blake2b(seq.to_bytes(8, "big") + item.to_bytes(4, "big"), digest_size=16).digest()
