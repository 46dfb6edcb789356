"""What the budgets of rules make of verdicts, and which counts the samples carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from errorplane.classification import ClassifiedError
from errorplane.pipeline._counters import Labels
from errorplane.pipeline._siblings import Siblings
from errorplane.policy import Policy
from errorplane.sampling import (
    Asked,
    Budget,
    BudgetBook,
    BudgetKind,
    BudgetLimits,
    BudgetState,
    Reason,
    Verdict,
    budget_key,
)

_LIMITS = ("traces_per_second", "spans_per_second", "bytes_per_second", "share_of")


def compile_budgets(policy: Policy) -> dict[str, BudgetLimits]:
    """The budgets of a policy's sampling rules, by rule."""
    return {
        rule.name: BudgetLimits(
            samples=rule.budget.samples,
            window_s=rule.budget.window,
            decay=rule.budget.decay,
            max_fingerprints=rule.budget.max_fingerprints,
        )
        for rule in policy.sampling.rules
        if rule.budget is not None
    }


def limited_rules(policy: Policy) -> frozenset[str]:
    """Rules that keep less than their share when there is much: nobody knows with which probability."""
    return frozenset(
        rule.name for rule in policy.sampling.rules if any(getattr(rule, name) is not None for name in _LIMITS)
    )


class Budgeted(NamedTuple):
    """A verdict after its rule's budget was asked. ``note`` is for the ledger, "" where there is no budget.

    ``carried``: by occurrence, how many of its fingerprint were suppressed since the last sample.
    """

    verdict: Verdict
    note: str = ""
    carried: Mapping[str, int] = MappingProxyType({})


class Budgeting:
    """Asks the budgets of one plan, within one turn. ``now`` is Unix time in seconds."""

    def __init__(self, book: BudgetBook, limits: Mapping[str, BudgetLimits], now: float, siblings: Siblings) -> None:
        self._book = book
        self._limits = limits
        self._now = now
        self._siblings = siblings
        book.limit(limits)

    def of_trace(
        self,
        verdict: Verdict,
        errors: Sequence[ClassifiedError],
        told: Sequence[ClassifiedError],
        refs: bytes,
    ) -> Budgeted:
        """``errors`` are the occurrences not counted before, ``told`` all that tells of any, ``refs`` where the trace's items lie.

        A trace that was suppressed and tells nothing new stays that.
        """
        if verdict.rule not in self._limits or not told:
            return Budgeted(verdict)
        if not errors:
            if verdict.keep and verdict.probability < 1.0:
                return Budgeted(verdict)
            return Budgeted(replace(verdict, keep=False, reason=Reason.BUDGET), "counted before")
        apart = self._siblings.healed(told, refs)
        groups = [
            (BudgetKind.TRACE, [error for error in errors if error.occurrence not in apart]),
            (BudgetKind.HEALED, [error for error in errors if error.occurrence in apart]),
        ]
        return self._decided(verdict, [(kind, _by_key(group)) for kind, group in groups if group])

    def of_log(self, verdict: Verdict, errors: Sequence[ClassifiedError]) -> Budgeted:
        """A log record without a trace; one that is no error is not concerned."""
        if verdict.rule not in self._limits or not errors:
            return Budgeted(verdict)
        return self._decided(verdict, [(BudgetKind.LOG, _by_key(errors))])

    def follow(self, rule: str, errors: Sequence[ClassifiedError]) -> None:
        """Count errors that came late and are kept with their trace."""
        if rule in self._limits and errors:
            self._budget(rule, BudgetKind.TRACE).follow(_counts(_by_key(errors)))

    def changes(self) -> dict[bytes, bytes | None]:
        """Records to store with the turn."""
        return self._book.changes()

    def _decided(self, verdict: Verdict, groups: Sequence[tuple[BudgetKind, dict[bytes, list[str]]]]) -> Budgeted:
        by_chance = verdict.keep and verdict.probability < 1.0
        kept = by_chance or (verdict.keep and verdict.reason is Reason.BOOST)
        asked: list[tuple[Budget, Asked, dict[bytes, list[str]]]] = []
        for kind, occurrences in groups:
            budget = self._budget(verdict.rule, kind)
            asked.append((budget, budget.ask(_counts(occurrences), self._now, kept=kept), occurrences))
        keep = any(answer.keep for _, answer, _ in asked)
        carried: dict[str, int] = {}
        for budget, answer, occurrences in asked:
            # A sample tells one count, not two: one that chance kept is counted by its probability.
            ruling = budget.settle(answer, keep, tell=not by_chance)
            carried |= {occurrences[key][0]: count for key, count in ruling.carried.items()}
        note = _note(asked, self._limits[verdict.rule])
        if kept:
            return Budgeted(verdict, note, carried)
        probability = 1.0 if keep else verdict.probability
        return Budgeted(replace(verdict, keep=keep, reason=Reason.BUDGET, probability=probability), note, carried)

    def _budget(self, rule: str, kind: BudgetKind) -> Budget:
        return self._book.get(rule, kind, self._now)


def _by_key(errors: Sequence[ClassifiedError]) -> dict[bytes, list[str]]:
    """Occurrences by the key of their fingerprint."""
    found: dict[bytes, list[str]] = {}
    for error in errors:
        found.setdefault(budget_key(error.observed.fingerprint), []).append(error.occurrence)
    return found


def _counts(occurrences: Mapping[bytes, Sequence[str]]) -> dict[bytes, int]:
    return {key: len(ids) for key, ids in occurrences.items()}


def _note(asked: Sequence[tuple[Budget, Asked, Any]], limits: BudgetLimits) -> str:
    """The state of the budget that decided, in few words."""
    answer = next((answer for _, answer, _ in asked if answer.keep), asked[0][1])
    if answer.state in (BudgetState.WINDOW, BudgetState.FIRST):
        return f"{answer.state}: {max(answer.left, 1)} of {limits.samples} left"
    return str(answer.state)


def budget_totals(book: BudgetBook) -> dict[str, Any]:
    """What budgets have kept and suppressed since each exists, by rule and kind, for reports."""
    found: dict[str, Any] = {}
    for rule, kind, fingerprints, totals in book.totals():
        kept, suppressed = totals.kept, totals.suppressed  # the decider goes on counting meanwhile
        found.setdefault(rule, {})[str(kind)] = {
            "fingerprints": fingerprints,
            "offered": kept + suppressed,
            "kept": kept,
            "suppressed": suppressed,
            "carried": totals.carried,
            "untold": totals.tail,
        }
    return found


def budget_counts(book: BudgetBook) -> dict[Labels, int]:
    """Errors that budgets have kept and suppressed since each exists."""
    return {
        (("kind", str(kind)), ("outcome", outcome), ("rule", rule)): count
        for rule, kind, _, totals in book.totals()
        for outcome, count in (("kept", totals.kept), ("suppressed", totals.suppressed))
    }


def untold_counts(book: BudgetBook) -> dict[Labels, int]:
    """Suppressed errors that no sample will tell of, since there were more fingerprints than places."""
    return {(("kind", str(kind)), ("rule", rule)): totals.tail for rule, kind, _, totals in book.totals()}


def fingerprint_counts(book: BudgetBook) -> dict[Labels, int]:
    """Fingerprints that budgets tell apart."""
    return {(("kind", str(kind)), ("rule", rule)): fingerprints for rule, kind, fingerprints, _ in book.totals()}
