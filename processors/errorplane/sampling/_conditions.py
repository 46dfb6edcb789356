"""``when`` of sampling rules, compiled into closures over what is known of a trace or a log record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from errorplane.classification import Condition, Subject, tests_of
from errorplane.policy import AttributeTest, SamplingAlternative, SamplingConditions, SamplingWhen
from errorplane.sampling._hits import hit_bit

TierOf = Callable[[str], int]


def attribute_bit(key: str, test: AttributeTest) -> int:
    """The bit of what has an attribute that passes a test."""
    return hit_bit(("attribute", key, test.values, test.regex, test.min, test.max, test.is_))


def status_bit(status: Literal["unset", "ok", "error"]) -> int:
    """The bit of what has a span with a status code."""
    return hit_bit(("span_status", status))


def trace_state_bit(key: str, values: tuple[str, ...]) -> int:
    """The bit of what has a span in whose tracestate a key has one of these values."""
    return hit_bit(("trace_state", key, values))


def sampled_flag_bit() -> int:
    """The bit of what has a span with the sampled flag of W3C trace context."""
    return hit_bit("sampled_flag")


def deployment_bit(window_s: float) -> int:
    """The bit of what touched a service whose version was new for less than ``window_s``."""
    return hit_bit(("new_deployment", window_s))


def compile_sampling_when(when: SamplingWhen, tier_of: TierOf) -> Condition:
    """A closure that holds exactly when ``when`` does; ``tier_of`` gives the tier of a service, described or not."""
    tests = [*_alternative(when, tier_of)]
    if when.any_of is not None:
        alternatives = tuple(_all(_alternative(each, tier_of)) for each in when.any_of)
        tests.append(lambda subject: any(holds(subject) for holds in alternatives))
    return _all(tests)


def _all(tests: Iterable[Condition]) -> Condition:
    found = tuple(tests)
    if not found:
        return lambda subject: True
    if len(found) == 1:
        return found[0]
    return lambda subject: all(test(subject) for test in found)


def _alternative(when: SamplingAlternative, tier_of: TierOf) -> Iterator[Condition]:
    yield from _conditions(when, tier_of)
    if when.not_ is not None:
        excluded = _all(_conditions(when.not_, tier_of))
        yield lambda subject: not excluded(subject)


def _conditions(when: SamplingConditions, tier_of: TierOf) -> Iterator[Condition]:
    yield from tests_of(when)
    yield from _sizes(when)
    yield from _hits(when)
    if when.fingerprint:
        fingerprints = frozenset(when.fingerprint)
        yield lambda subject: not fingerprints.isdisjoint(subject.fingerprints)
    if when.tier:
        tiers = frozenset(when.tier)
        yield lambda subject: any(tier_of(service) in tiers for service in subject.services)


def _sizes(when: SamplingConditions) -> Iterator[Condition]:
    if when.duration_under is not None:
        limit = when.duration_under
        yield lambda subject: subject.spans > 0 and subject.duration_s < limit
    if when.spans is not None:
        least, most = when.spans.min, when.spans.max
        if most is None:
            yield lambda subject: subject.spans >= least
        else:
            yield lambda subject: least <= subject.spans <= most


def _hits(when: SamplingConditions) -> Iterator[Condition]:
    for key, test in (when.attributes or {}).items():
        yield _hit(attribute_bit(key, test))
    if when.span_status is not None:
        yield _hit(_union(status_bit(status) for status in when.span_status))
    for key, values in (when.trace_state or {}).items():
        yield _hit(trace_state_bit(key, values))
    if when.sampled_flag is not None:
        hit = _hit(sampled_flag_bit())
        yield hit if when.sampled_flag else (lambda subject: subject.spans > 0 and not hit(subject))
    if when.new_deployment is not None:
        yield _hit(deployment_bit(when.new_deployment))


def _hit(bits: int) -> Condition:
    def holds(subject: Subject) -> bool:
        return subject.hits & bits != 0

    return holds


def _union(bits: Iterable[int]) -> int:
    joined = 0
    for bit in bits:
        joined |= bit
    return joined
