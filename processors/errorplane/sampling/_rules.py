"""The sampling rules of the policy, compiled into one function: the first that matches decides, or all are asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from errorplane.classification import Subject
from errorplane.policy import Policy, SamplingRule, SamplingTotal
from errorplane.sampling._conditions import TierOf, compile_sampling_when
from errorplane.sampling._limits import Limit, compile_limits
from errorplane.sampling._probability import randomness, rejection_threshold
from errorplane.sampling._verdict import Reason, Verdict

NO_RULE = Verdict(keep=False, reason=Reason.NO_RULE, rule="no_rule", probability=0.0)
Decide = Callable[[Subject, bytes], Verdict]
_Ask = Callable[[Subject, bytes], Verdict | None]
_DEFAULT_TIER = 3


def compile_sampling(policy: Policy, clock: Callable[[], float]) -> Decide:
    """Section ``sampling`` of a policy as one function; ``clock`` is monotonic, in seconds."""
    sampling = policy.sampling
    return compile_rules(sampling.rules, clock, match=sampling.match, totals=sampling.totals, tier_of=policy.tier_of)


def compile_rules(
    rules: Sequence[SamplingRule],
    clock: Callable[[], float],
    *,
    match: Literal["first", "all"] = "first",
    totals: Mapping[str, SamplingTotal] | None = None,
    tier_of: TierOf = lambda service: _DEFAULT_TIER,
) -> Decide:
    """Rules as one function of a subject and the bytes that decide by chance.

    ``clock`` is monotonic, in seconds. Equal trace ids get equal probabilistic decisions, here and in every other
    sampler that follows the OpenTelemetry specification.
    """
    shares = _shares(rules, totals or {})
    asks = [(rule, _compile_rule(rule, shares.get(rule.name), clock, tier_of)) for rule in rules]
    if match == "first":
        return _decided_by(_first([ask for _, ask in asks]))
    return _decided_by(_all(_grouped(asks)))


def _decided_by(ask: _Ask) -> Decide:
    def decide(subject: Subject, trace_id: bytes) -> Verdict:
        return ask(subject, trace_id) or NO_RULE

    return decide


def _first(asks: Sequence[_Ask]) -> _Ask:
    def ask_in_order(subject: Subject, trace_id: bytes) -> Verdict | None:
        for ask in asks:
            verdict = ask(subject, trace_id)
            if verdict is not None:
                return verdict
        return None

    return ask_in_order


def _all(asks: Sequence[_Ask]) -> _Ask:
    """One that drops drops; else the most probable of those that keep, else of those that would have kept, tells.

    All chances are taken by the same randomness, so the most probable one is the probability of the whole.
    """

    def ask_everyone(subject: Subject, trace_id: bytes) -> Verdict | None:
        best: Verdict | None = None
        for ask in asks:
            verdict = ask(subject, trace_id)
            if verdict is None:
                continue
            if verdict.reason is Reason.DROP:
                return verdict
            if best is None or (verdict.keep, verdict.probability) > (best.keep, best.probability):
                best = verdict
        return best

    return ask_everyone


def _grouped(asks: Iterable[tuple[SamplingRule, _Ask]]) -> list[_Ask]:
    """Who is asked where all are: those that drop first, so that what is dropped uses no limit; the rules of one total
    as one, where its first stands.
    """
    drops, groups = [], dict[str, list[_Ask]]()
    for rule, ask in asks:
        if rule.action == "drop":
            drops.append(ask)
        else:
            # A name may be that of a total and of a rule: they are told apart by their first letter.
            group = f"rule {rule.name}" if rule.share_of is None else f"total {rule.share_of}"
            groups.setdefault(group, []).append(ask)
    return [*drops, *(_first(group) for group in groups.values())]


def _shares(rules: Sequence[SamplingRule], totals: Mapping[str, SamplingTotal]) -> dict[str, float]:
    """Of each rule with a share of a total: spans a second. Those that name no share have equal parts of the rest."""
    sharing: defaultdict[str, list[SamplingRule]] = defaultdict(list)
    for rule in rules:
        if rule.share_of is not None:
            sharing[rule.share_of].append(rule)
    shares = {}
    for name, group in sharing.items():
        given = [rule.share for rule in group if rule.share is not None]
        rest = max(0.0, 1.0 - sum(given)) / max(1, len(group) - len(given))
        for rule in group:
            shares[rule.name] = totals[name].spans_per_second * (rest if rule.share is None else rule.share)
    return shares


def _compile_rule(rule: SamplingRule, share: float | None, clock: Callable[[], float], tier_of: TierOf) -> _Ask:
    matches = compile_sampling_when(rule.when, tier_of)
    verdict = _verdict(rule, compile_limits(rule, share, clock))
    if rule.when.unconditional:
        return verdict
    return lambda subject, trace_id: verdict(subject, trace_id) if matches(subject) else None


def _verdict(rule: SamplingRule, limit: Limit | None) -> Decide:
    """What a rule says about what it matches."""
    if rule.action == "drop":
        dropped = Verdict(False, Reason.DROP, rule.name, 0.0)
        return lambda subject, trace_id: dropped
    by_chance = _by_chance(rule)
    if limit is None:
        return lambda subject, trace_id: by_chance(trace_id)
    too_many = Verdict(False, Reason.RATE, rule.name, rule.keep)

    def limited(subject: Subject, trace_id: bytes) -> Verdict:
        verdict = by_chance(trace_id)
        return too_many if verdict.keep and not limit(subject) else verdict

    return limited


def _by_chance(rule: SamplingRule) -> Callable[[bytes], Verdict]:
    if rule.keep >= 1.0:
        always = Verdict(True, Reason.RULE, rule.name, 1.0)
        return lambda trace_id: always
    kept = Verdict(True, Reason.PROBABILITY, rule.name, rule.keep)
    dropped = Verdict(False, Reason.PROBABILITY, rule.name, rule.keep)
    threshold = rejection_threshold(rule.keep)
    return lambda trace_id: kept if randomness(trace_id) >= threshold else dropped
