"""The sampling rules of the policy, compiled into one function: the first rule that matches decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from errorplane.classification import Subject, compile_when
from errorplane.policy import SamplingRule
from errorplane.sampling._probability import randomness, rejection_threshold
from errorplane.sampling._verdict import Reason, Verdict

NO_RULE = Verdict(keep=False, reason=Reason.NO_RULE, rule="no_rule", probability=0.0)
Decide = Callable[[Subject, bytes], Verdict]


class TokenBucket:
    """At most ``rate`` takes a second on average, bursts up to one second's worth and never below one."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._burst = max(rate, 1.0)
        self._tokens = self._burst
        self._at = clock()

    def take(self) -> bool:
        """Use one token, if there is one."""
        now = self._clock()
        # A clock that steps back must not make the bucket negative.
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def compile_rules(rules: Sequence[SamplingRule], clock: Callable[[], float]) -> Decide:
    """The policy's rules as one function of a subject and the bytes that decide by chance.

    ``clock`` is monotonic, in seconds. Equal trace ids get equal probabilistic decisions, here and in every other
    sampler that follows the OpenTelemetry specification.
    """
    compiled = tuple((compile_when(rule.when), _compile_rule(rule, clock)) for rule in rules)

    def decide(subject: Subject, trace_id: bytes) -> Verdict:
        for matches, verdict in compiled:
            if matches(subject):
                return verdict(trace_id)
        return NO_RULE

    return decide


def _compile_rule(rule: SamplingRule, clock: Callable[[], float]) -> Callable[[bytes], Verdict]:
    by_chance = _by_chance(rule)
    if rule.traces_per_second is None:
        return by_chance
    bucket = TokenBucket(rule.traces_per_second, clock)
    too_many = Verdict(False, Reason.RATE, rule.name, rule.keep)

    def limited(trace_id: bytes) -> Verdict:
        verdict = by_chance(trace_id)
        return too_many if verdict.keep and not bucket.take() else verdict

    return limited


def _by_chance(rule: SamplingRule) -> Callable[[bytes], Verdict]:
    if rule.keep >= 1.0:
        always = Verdict(True, Reason.RULE, rule.name, 1.0)
        return lambda trace_id: always
    kept = Verdict(True, Reason.PROBABILITY, rule.name, rule.keep)
    dropped = Verdict(False, Reason.PROBABILITY, rule.name, rule.keep)
    threshold = rejection_threshold(rule.keep)
    return lambda trace_id: kept if randomness(trace_id) >= threshold else dropped
