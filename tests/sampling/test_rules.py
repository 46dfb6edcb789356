"""The first rule that matches decides, with its reason; chance follows the trace id."""

from __future__ import annotations

import os

import pytest

from errorplane.classification import Subject
from errorplane.policy import SamplingRule, SamplingWhen
from errorplane.sampling import NO_RULE, Reason, TokenBucket, Verdict, compile_rules, rejection_threshold


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


RULES = (
    SamplingRule(name="errors", when=SamplingWhen(status="error")),
    SamplingRule(name="slow", when=SamplingWhen(duration_over=5.0)),
    SamplingRule(name="rest", keep=0.25),
)


@pytest.mark.parametrize(
    ("subject", "rule"),
    [
        (Subject("trace", error=True, duration_s=9.0), "errors"),
        (Subject("trace", duration_s=5.1), "slow"),
        (Subject("trace", duration_s=5.0), "rest"),
    ],
)
def test_first_match_decides(subject: Subject, rule: str) -> None:
    """Rules are asked in the order of the policy."""
    assert compile_rules(RULES, Clock())(subject, bytes(16)).rule == rule


def test_nothing_matches() -> None:
    """What no rule matches is dropped, and says so."""
    decide = compile_rules((SamplingRule(name="errors", when=SamplingWhen(status="error")),), Clock())
    assert decide(Subject("trace"), bytes(16)) == NO_RULE


def test_chance_follows_the_trace_id() -> None:
    """The same trace id is decided alike by every sampler of the specification: randomness >= threshold is kept."""
    decide = compile_rules(RULES, Clock())
    threshold = rejection_threshold(0.25)
    below = bytes(9) + (threshold - 1).to_bytes(7, "big")
    at = bytes(9) + threshold.to_bytes(7, "big")
    assert decide(Subject("trace"), below) == Verdict(False, Reason.PROBABILITY, "rest", 0.25)
    assert decide(Subject("trace"), at) == Verdict(True, Reason.PROBABILITY, "rest", 0.25)


def test_rates_come_out_as_asked() -> None:
    """Of 40,000 random traces a quarter is kept, within six standard deviations."""
    decide = compile_rules(RULES, Clock())
    kept = sum(decide(Subject("trace"), os.urandom(16)).keep for _ in range(40_000))
    assert abs(kept - 10_000) < 6 * (40_000 * 0.25 * 0.75) ** 0.5


def test_rate_limit_drops_the_rest_with_its_reason() -> None:
    """A rule with traces_per_second keeps that many, and more when time has passed."""
    clock = Clock()
    decide = compile_rules((SamplingRule(name="some", traces_per_second=2.0),), clock)
    first = [decide(Subject("trace"), os.urandom(16)) for _ in range(4)]
    assert [verdict.keep for verdict in first] == [True, True, False, False]
    assert first[-1].reason is Reason.RATE
    clock.now = 0.5
    assert decide(Subject("trace"), os.urandom(16)).keep


def test_a_clock_that_steps_back_does_not_starve_a_bucket() -> None:
    """After a step back the bucket goes on filling."""
    clock = Clock()
    bucket = TokenBucket(1.0, clock)
    assert bucket.take()
    clock.now = -100.0
    assert not bucket.take()
    clock.now = -99.0
    assert bucket.take()


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        (SamplingWhen(service=("checkout",)), True),
        (SamplingWhen(service=("payments", "checkout")), True),
        (SamplingWhen(service=("payments",)), False),
        (SamplingWhen(signal="log"), False),
        (SamplingWhen(kind=("timeout",)), True),
        (SamplingWhen(kind=("timeout",), category=("persistent",)), False),
        (SamplingWhen(severity=("P1", "P2")), True),
        (SamplingWhen(status="ok"), False),
        (SamplingWhen(), True),
    ],
)
def test_all_conditions_must_hold(when: SamplingWhen, matches: bool) -> None:
    """Each condition of ``when`` is looked at; lists match when one element does."""
    subject = Subject(
        "trace",
        error=True,
        services=frozenset({"checkout"}),
        kinds=frozenset({"timeout"}),
        categories=frozenset({"transient"}),
        severities=frozenset({"P2"}),
    )
    decide = compile_rules((SamplingRule(name="it", when=when),), Clock())
    assert decide(subject, bytes(16)).keep is matches
