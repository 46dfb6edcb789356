"""What one policy keeps of recorded telemetry, added up decision by decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from errorplane.journal import VerdictRecord, unpack_refs
from errorplane.pipeline import Decided
from errorplane.sampling import Items, Reason, Verdict


@dataclass(slots=True)
class Share:
    """How much of something was kept."""

    total: int = 0
    kept: int = 0

    def add(self, count: int, keep: bool) -> None:
        """Count so many more."""
        self.total += count
        if keep:
            self.kept += count

    @property
    def recall(self) -> float:
        """From 0 to 1; all of nothing is 1."""
        return self.kept / self.total if self.total else 1.0


@dataclass(slots=True)
class ByRule:
    """What the decisions of one rule came to."""

    traces: Share = field(default_factory=Share)
    logs: Share = field(default_factory=Share)
    errors: Share = field(default_factory=Share)
    bytes: Share = field(default_factory=Share)


@dataclass(slots=True)
class ByDestination:
    """What one destination is sent."""

    items: int = 0
    bytes: int = 0
    errors: int = 0


@dataclass(slots=True)
class Estimate:
    """A total, and what somebody who has only what was kept takes it for."""

    exact: int = 0
    estimated: float = 0.0

    @property
    def error(self) -> float:
        """Relative to the exact total."""
        return abs(self.estimated - self.exact) / self.exact if self.exact else 0.0


class Figures:
    """A ``Witness`` that adds up. ``size`` tells the bytes of items of a request.

    Memory: a name for each rule, destination and fingerprint.
    """

    def __init__(self, size: Callable[[int, Items], int]) -> None:
        self._size = size
        self.traces, self.logs, self.errors, self.error_traces = Share(), Share(), Share(), Share()
        self.bytes_kept = 0
        self.reopened_traces = 0
        self.by_rule: defaultdict[str, ByRule] = defaultdict(ByRule)
        self.by_destination: defaultdict[str, ByDestination] = defaultdict(ByDestination)
        self.totals = {"traces": Estimate(), "logs": Estimate(), "errors": Estimate()}
        self._fingerprints: set[str] = set()
        self._kept_fingerprints: set[str] = set()

    @property
    def fingerprints(self) -> Share:
        """Kinds of errors, by fingerprint: those of which at least one was kept."""
        return Share(len(self._fingerprints), len(self._kept_fingerprints))

    @property
    def count_error(self) -> float:
        """The largest relative error of the totals that are estimated from what was kept."""
        return max(total.error for total in self.totals.values())

    def decided(self, decision: Decided) -> None:
        """See ``Witness``."""
        keep = decision.verdict.keep
        told = {each.occurrence: each.observed.fingerprint for each in decision.errors}
        fresh = len({each.occurrence for each in decision.fresh})
        self._fingerprints.update(told.values())
        if keep:
            self._kept_fingerprints.update(told.values())
        size = self._bytes(decision.items)
        rule = self.by_rule[decision.verdict.rule]
        rule.bytes.add(size, keep)
        for errors in (rule.errors, self.errors):
            errors.total += fresh
            errors.kept += len(told) if keep else 0
        if decision.subject == "trace":
            self.error_traces.add(1 if told else 0, keep)
        for share in self._shares(decision.subject, rule):
            share.add(1, keep)
        self._estimate(decision, fresh)
        if keep:
            self._send(decision, size, len(told))

    def reopened(self, earlier: VerdictRecord) -> None:
        """See ``Witness``: what is decided anew is not counted twice."""
        self.reopened_traces += 1
        rule = self.by_rule[earlier.rule]
        self.traces.total -= 1
        rule.traces.total -= 1
        if earlier.errors:
            self.error_traces.total -= 1
        if earlier.refs:
            refs = unpack_refs(earlier.refs)
            rule.bytes.total -= self._bytes({seq: Items(*each) for seq, each in refs.items()})
        self.totals["traces"].exact -= 1
        if earlier.reason == Reason.BUDGET:
            self.totals["traces"].estimated -= 1

    def _bytes(self, items: Mapping[int, Items]) -> int:
        return sum(self._size(seq, each) for seq, each in items.items())

    def _shares(self, subject: str, rule: ByRule) -> tuple[Share, ...]:
        match subject:
            case "trace":
                return self.traces, rule.traces
            case "log":
                return self.logs, rule.logs
        return ()

    def _send(self, decision: Decided, size: int, errors: int) -> None:
        self.bytes_kept += size
        count = sum(len(items.numbers) for items in decision.items.values())
        for name in () if decision.chosen is None else decision.chosen.destinations:
            destination = self.by_destination[name]
            destination.items += count
            destination.bytes += size
            destination.errors += errors

    def _estimate(self, decision: Decided, errors: int) -> None:
        weight = _weight(decision.verdict)
        kind = {"trace": "traces", "log": "logs"}.get(decision.subject)
        if kind is not None:
            self.totals[kind].exact += 1
            self.totals[kind].estimated += weight
        self.totals["errors"].exact += errors
        self.totals["errors"].estimated += errors * weight


def _weight(verdict: Verdict) -> float:
    """How many a trace stands for: one over the probability of what is kept; what budgets suppress they count."""
    if not verdict.keep:
        return 1.0 if verdict.reason is Reason.BUDGET else 0.0
    return 1 / verdict.probability


def as_document(figures: Figures, bytes_in: int) -> dict[str, Any]:
    """The figures as a JSON document."""
    fingerprints = figures.fingerprints
    return {
        "traces": figures.traces.total,
        "traces_kept": figures.traces.kept,
        "logs_without_trace": figures.logs.total,
        "logs_without_trace_kept": figures.logs.kept,
        "errors": figures.errors.total,
        "errors_kept": figures.errors.kept,
        "error_recall": figures.errors.recall,
        "error_traces": figures.error_traces.total,
        "error_trace_recall": figures.error_traces.recall,
        "fingerprints": fingerprints.total,
        "fingerprints_kept": fingerprints.kept,
        "fingerprint_recall": fingerprints.recall,
        "bytes_in": bytes_in,
        "bytes_kept": figures.bytes_kept,
        "count_error": figures.count_error,
        "totals": {
            name: {"exact": total.exact, "estimated": round(total.estimated, 3), "error": total.error}
            for name, total in figures.totals.items()
        },
        "reopened_traces": figures.reopened_traces,
        "by_rule": {name: _rule(rule) for name, rule in sorted(figures.by_rule.items())},
        "by_destination": {
            name: {"items": each.items, "bytes": each.bytes, "errors": each.errors}
            for name, each in sorted(figures.by_destination.items())
        },
    }


def _rule(rule: ByRule) -> Mapping[str, int]:
    return {
        "traces": rule.traces.total,
        "traces_kept": rule.traces.kept,
        "logs_without_trace": rule.logs.total,
        "logs_without_trace_kept": rule.logs.kept,
        "errors": rule.errors.total,
        "errors_kept": rule.errors.kept,
        "bytes": rule.bytes.total,
        "bytes_kept": rule.bytes.kept,
    }


def differences(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """New less old, name by name; what only one of them has counts as zero in the other."""
    names = dict.fromkeys((*old, *new))
    found: dict[str, Any] = {}
    for name in names:
        ours, theirs = new.get(name), old.get(name)
        if isinstance(ours, Mapping) or isinstance(theirs, Mapping):
            found[name] = differences(ours or {}, theirs or {})
        else:
            found[name] = (ours or 0) - (theirs or 0)
    return found
