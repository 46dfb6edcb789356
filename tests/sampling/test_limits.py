"""Limits of rules, and the shares that rules have of a total."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from errorplane.classification import Subject
from errorplane.policy import Sampling
from errorplane.sampling import Decide, Reason, TokenBucket, compile_rules

TEN = Subject("trace", spans=10, size=1000)


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def compiled(clock: Clock, *rules: dict[str, Any], **rest: Any) -> Decide:
    """Rules as a policy would have them."""
    section = Sampling.model_validate({"rules": rules, **rest})
    return compile_rules(section.rules, clock, match=section.match, totals=section.totals)


def kept(decide: Decide, clock: Clock, seconds: int, a_second: int, subject: Subject = TEN) -> Counter[str]:
    """How many of so many subjects a second are kept, by rule; what is over a limit under ``rate``."""
    found: Counter[str] = Counter()
    for number in range(seconds * a_second):
        clock.now = number / a_second
        verdict = decide(subject, os.urandom(16))
        found[verdict.rule if verdict.keep else verdict.reason.value] += 1
    return found


@pytest.mark.parametrize(
    ("rule", "a_second", "burst"),
    [
        ({"traces_per_second": 5}, 5, 5),
        ({"spans_per_second": 50}, 5, 5),
        ({"bytes_per_second": "5kB"}, 5, 10),
        ({"bytes_per_second": "5kB", "burst": "30kB"}, 5, 30),
        ({"spans_per_second": 50, "bytes_per_second": "2kB"}, 2, 4),
        ({"spans_per_second": 20, "bytes_per_second": "9kB", "traces_per_second": 8}, 2, 2),
    ],
)
def test_limits_hold_over_time(rule: dict[str, Any], a_second: int, burst: int) -> None:
    """Over a minute a rule keeps its rate and one burst; the tightest of several limits is the one that counts."""
    clock = Clock()
    found = kept(compiled(clock, {"name": "it", **rule}), clock, 60, 40)
    assert abs(found["it"] - (60 * a_second + burst)) <= 2
    assert found["it"] + found["rate"] == 2400


def test_what_does_not_pass_one_limit_uses_no_other() -> None:
    """A trace over the limit of bytes leaves that of traces as it was."""
    clock = Clock()
    decide = compiled(clock, {"name": "it", "traces_per_second": 2, "bytes_per_second": "1kB", "burst": "1kB"})
    first = [decide(TEN, bytes(16)).keep for _ in range(5)]
    small = [decide(Subject("trace", spans=1, size=0), bytes(16)).keep for _ in range(2)]
    assert (first, small) == ([True, False, False, False, False], [True, False])


def test_what_is_larger_than_the_burst_passes_with_a_debt() -> None:
    """One trace larger than all that may come at once is kept when the bucket is full, and the others wait for it."""
    clock = Clock()
    bucket = TokenBucket(10.0, clock)
    assert bucket.take(100.0)
    clock.now = 9.0
    assert not bucket.take()
    clock.now = 9.2
    assert bucket.take()


def test_a_log_record_counts_as_one_span() -> None:
    """Records without a trace use a limit of spans, too."""
    clock = Clock()
    decide = compiled(clock, {"name": "it", "spans_per_second": 3})
    assert [decide(Subject("log"), bytes(16)).keep for _ in range(4)] == [True, True, True, False]


def test_shares_of_a_total() -> None:
    """Each rule has its share and no more; those that name none have equal parts of what is left."""
    clock = Clock()
    whens: tuple[dict[str, Any], ...] = ({"tier": 1}, {"duration_over": "1s"}, {"spans": {"min": 10}}, {})
    shares: tuple[dict[str, float], ...] = ({"share": 0.5}, {"share": 0.3}, {}, {})
    rules = [
        {"name": f"r{number}", "when": when, "share_of": "all", **share}
        for number, (when, share) in enumerate(zip(whens, shares, strict=True))
    ]
    decide = compiled(clock, *rules, totals={"all": {"spans_per_second": 1000}})
    found: Counter[str] = Counter()
    subjects = (Subject("trace", spans=10, duration_s=2.0), TEN, Subject("trace", spans=5))
    for number in range(30 * 200):
        clock.now = number / 200
        for subject in subjects:
            verdict = decide(subject, os.urandom(16))
            if verdict.keep:
                found[verdict.rule] += subject.spans
    assert set(found) == {"r1", "r2", "r3"}
    for rule, rate in (("r1", 300), ("r2", 100), ("r3", 100)):
        assert abs(found[rule] - rate * 31) <= 2 * rate / 10 + 10


def test_rules_of_one_total_are_asked_as_one() -> None:
    """Where all rules are asked, of those that share a total only the first that matches is, so it alone is used up."""
    clock = Clock()
    decide = compiled(
        clock,
        {"name": "errors", "when": {"status": "error"}},
        {"name": "slow", "when": {"duration_over": "1s"}, "share_of": "all", "share": 0.5},
        {"name": "rest", "share_of": "all", "share": 0.5},
        match="all",
        totals={"all": {"spans_per_second": 20}},
    )
    slow = Subject("trace", spans=10, duration_s=2.0)
    assert [decide(slow, bytes(16)).rule for _ in range(2)] == ["slow", "slow"]
    assert decide(slow, bytes(16)).reason is Reason.RATE
    assert decide(TEN, bytes(16)).rule == "rest"
    assert decide(TEN, bytes(16)).reason is Reason.RATE
    assert decide(Subject("trace", error=True, spans=10), bytes(16)).rule == "errors"


def test_what_is_dropped_uses_no_limit() -> None:
    """Where all rules are asked, those that drop are asked first, wherever they stand."""
    clock = Clock()
    decide = compiled(
        clock,
        {"name": "some", "traces_per_second": 1},
        {"name": "probes", "when": {"service": "probe"}, "action": "drop"},
        match="all",
    )
    probe = Subject("trace", services=frozenset({"probe"}))
    assert {decide(probe, bytes(16)).rule for _ in range(5)} == {"probes"}
    assert decide(probe, bytes(16)).reason is Reason.DROP
    assert decide(TEN, bytes(16)).keep


def test_of_all_rules_the_most_probable_tells() -> None:
    """Where all rules are asked, a trace is kept with the highest of their chances, and its verdict says so."""
    clock = Clock()
    decide = compiled(
        clock,
        {"name": "tenth", "keep": 0.1},
        {"name": "half", "when": {"spans": {"min": 10}}, "keep": 0.5},
        {"name": "fifth", "keep": 0.2},
        match="all",
    )
    verdicts = [decide(TEN, os.urandom(16)) for _ in range(20_000)]
    assert {(verdict.rule, verdict.probability) for verdict in verdicts} == {("half", 0.5)}
    assert abs(sum(verdict.keep for verdict in verdicts) - 10_000) < 6 * (20_000 * 0.25) ** 0.5
    small = Subject("trace", spans=1)
    assert {decide(small, os.urandom(16)).rule for _ in range(100)} == {"fifth"}
