"""Limits of rules: token buckets, taken together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from errorplane.classification import Subject
from errorplane.policy import SamplingRule

Limit = Callable[[Subject], bool]
_BURST_OF_BYTES = 2.0  # seconds' worth, as tail_sampling's bytes_limiting has by default


class TokenBucket:
    """At most ``rate`` a second on average; ``burst`` at once, by default one second's worth and never below one.

    What costs more than the burst passes when the bucket is full and leaves a debt: it is rare, not impossible.
    ``clock`` is monotonic, in seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float], burst: float | None = None) -> None:
        self._rate = rate
        self._clock = clock
        self._burst = max(rate, 1.0) if burst is None else burst
        self._tokens = self._burst
        self._at = clock()

    def has(self, cost: float = 1.0) -> bool:
        """Whether ``cost`` could be taken now."""
        now = self._clock()
        # A clock that steps back must not make the bucket negative.
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return self._tokens >= min(cost, self._burst)

    def take(self, cost: float = 1.0) -> bool:
        """Use ``cost`` tokens, if there are as many."""
        if not self.has(cost):
            return False
        self._tokens -= cost
        return True


def compile_limits(rule: SamplingRule, share: float | None, clock: Callable[[], float]) -> Limit | None:
    """Takes what a subject costs from all limits of a rule if each has it; None where the rule has no limit.

    ``share`` is what the rule has of a total, in spans a second.
    """
    buckets = tuple(_buckets(rule, share, clock))
    if not buckets:
        return None
    if len(buckets) == 1:
        bucket, cost = buckets[0]
        return lambda subject: bucket.take(cost(subject))

    def take(subject: Subject) -> bool:
        costs = [cost(subject) for _, cost in buckets]
        if not all(bucket.has(cost) for (bucket, _), cost in zip(buckets, costs, strict=True)):
            return False
        for (bucket, _), cost in zip(buckets, costs, strict=True):
            bucket.take(cost)
        return True

    return take


def _buckets(
    rule: SamplingRule, share: float | None, clock: Callable[[], float]
) -> Iterable[tuple[TokenBucket, Callable[[Subject], float]]]:
    if rule.traces_per_second is not None:
        yield TokenBucket(rule.traces_per_second, clock), _one
    if rule.spans_per_second is not None:
        yield TokenBucket(rule.spans_per_second, clock), _spans
    if share is not None:
        yield TokenBucket(share, clock), _spans
    if rule.bytes_per_second is not None:
        rate = float(rule.bytes_per_second)
        yield TokenBucket(rate, clock, rule.burst or rate * _BURST_OF_BYTES), _bytes


def _one(subject: Subject) -> float:
    return 1.0


def _spans(subject: Subject) -> float:
    return max(1.0, subject.spans)


def _bytes(subject: Subject) -> float:
    return float(subject.size)
