"""What must hold between the parts of ``sampling``: mistakes, and what is allowed but doubtful."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from errorplane.policy._checks import Check, Remark
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Path as Keys
from errorplane.policy._sampling_when import SamplingAlternative, SamplingConditions, SamplingWhen

_RULES: Keys = ("sampling", "rules")
_ROUNDING = 1e-9  # thirds of a total come to a little more than one


def _shares(policy: Policy) -> Iterator[Remark]:
    """The rules of a total cannot have more of it than there is."""
    given: defaultdict[str, float] = defaultdict(float)
    for number, rule in enumerate(policy.sampling.rules):
        if rule.share_of is None or rule.share is None:
            continue
        given[rule.share_of] += rule.share
        if given[rule.share_of] > 1.0 + _ROUNDING:
            yield Remark(
                (*_RULES, number, "share"),
                f"with it the rules have {given[rule.share_of]:.4g} of sampling.totals.{rule.share_of}: at most 1",
            )
    for number, rule in enumerate(policy.sampling.rules):
        if rule.share_of is not None and rule.share is None and given[rule.share_of] > 1.0 - _ROUNDING:
            yield Remark((*_RULES, number, "share_of"), "the other rules leave nothing of it: give them smaller shares")


def _totals_are_used(policy: Policy) -> Iterator[Remark]:
    used = {rule.share_of for rule in policy.sampling.rules}
    for name in policy.sampling.totals:
        if name not in used:
            yield Remark(("sampling", "totals", name), "no rule has a share of it", "warning", rests_on=(_RULES,))


def _waits(policy: Policy) -> Iterator[Remark]:
    sampling = policy.sampling
    if sampling.root_wait is not None and sampling.root_wait >= sampling.decision_wait:
        yield Remark(
            ("sampling", "root_wait"),
            "is not shorter than decision_wait, so it changes nothing",
            "warning",
            rests_on=(("sampling", "decision_wait"),),
        )


def _conditions_can_hold(policy: Policy) -> Iterator[Remark]:
    for number, rule in enumerate(policy.sampling.rules):
        for path, when in _parts((*_RULES, number, "when"), rule.when):
            reason = _never(when)
            if reason is not None:
                yield Remark(path, f"never matches: {reason}", "warning")


def _budgets_decide(policy: Policy) -> Iterator[Remark]:
    if policy.sampling.match == "all":
        for number, rule in enumerate(policy.sampling.rules):
            if rule.budget is not None:
                yield Remark(
                    (*_RULES, number, "budget"),
                    "needs match: first, since with all another rule may keep what it holds back and counts",
                    rests_on=(("sampling", "match"),),
                )


def _parts(path: Keys, when: SamplingWhen) -> Iterator[tuple[Keys, SamplingConditions]]:
    """The conditions of a rule with their paths, those of ``not`` left out."""
    yield path, when
    alternatives: tuple[SamplingAlternative, ...] = when.any_of or ()
    for number, alternative in enumerate(alternatives):
        yield (*path, "any_of", number), alternative


def _never(when: SamplingConditions) -> str | None:
    """Why conditions that only sampling rules have cannot hold together."""
    over, under = when.duration_over, when.duration_under
    if over is not None and under is not None and over >= under:
        return "duration_over is not below duration_under"
    if when.status == "ok" and when.fingerprint:
        return "what is ok has no error"
    about_spans = (when.duration_under, when.spans, when.span_status, when.trace_state, when.sampled_flag)
    if when.signal == "log" and any(condition is not None for condition in about_spans):
        return "a log record has no span"
    return None


SAMPLING_CHECKS: tuple[Check, ...] = (
    _shares,
    _totals_are_used,
    _waits,
    _budgets_decide,
    _conditions_can_hold,
)
