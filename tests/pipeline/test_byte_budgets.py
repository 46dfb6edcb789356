"""Daily byte budgets of destinations in a running processor and beside slow or broken files."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import log, logs, span, traces

from errorplane.otlp import Signal
from errorplane.pipeline._byte_budgets import ByteBudgets, within_share
from errorplane.pipeline._counters import Counters
from errorplane.policy import Policy, load
from errorplane.sampling import DAY_S, Day, Reason, Spending, Verdict

HIGH, LOW = bytes(9) + b"\xff" * 7, bytes(16)
KEPT = Verdict(True, Reason.PROBABILITY, "rest", 0.5)


@pytest.fixture
def loaded(tmp_path: Path) -> Policy:
    """A policy with a budget for its destination."""
    sampling = {"daily_bytes": {"destinations": {"out": "1MiB"}}}
    return load(policy(tmp_path, sampling=sampling))


@pytest.mark.parametrize(
    ("verdict", "share", "bits", "expected"),
    [
        (KEPT, 1.0, HIGH, KEPT),
        (KEPT, 0.5, HIGH, Verdict(True, Reason.PROBABILITY, "rest", 0.25)),
        (KEPT, 0.5, LOW, Verdict(False, Reason.BYTES, "rest", 0.25)),
        (Verdict(True, Reason.RULE, "slow", 1.0), 0.5, HIGH, Verdict(True, Reason.PROBABILITY, "slow", 0.5)),
        (Verdict(False, Reason.NO_RULE, "no_rule", 0.0), 0.5, HIGH, Verdict(False, Reason.NO_RULE, "no_rule", 0.0)),
        (Verdict(True, Reason.BOOST, "rest", 1.0), 0.5, LOW, Verdict(True, Reason.BOOST, "rest", 1.0)),
    ],
)
def test_a_share_raises_the_threshold_of_the_rule(
    verdict: Verdict, share: float, bits: bytes, expected: Verdict
) -> None:
    """The rule's chance and the share are one probability; boosts and what is dropped anyway stay as they are."""
    assert within_share(verdict, share, bits) == expected


class Fake:
    """A shared day that fails when told to, and remembers reports."""

    def __init__(self) -> None:
        self.reports: list[dict[str, int]] = []
        self.failure: Exception | None = None

    def exchange(self, sent: Mapping[str, int], now: float) -> Mapping[str, Spending]:
        """Fail, or say a quarter."""
        if self.failure is not None:
            raise self.failure
        self.reports.append(dict(sent))
        return {"out": Spending(used=7, share=0.25)}


def test_without_an_answer_the_last_share_stays_and_nothing_is_lost(loaded: Policy) -> None:
    """What could not be reported is reported later, once; the failure is counted."""
    counters, day = Counters(), Fake()
    budgets = ByteBudgets(loaded, counters, lambda policy: day)
    assert budgets.share(["out"]) == 1.0
    budgets.exchange()
    day.failure = OSError("the share is gone")
    budgets.sent("out", 100)
    budgets.exchange()
    assert budgets.share(["elsewhere", "out"]) == 0.25
    assert counters.total("internal_errors", where="daily_bytes") == 1
    day.failure = None
    budgets.sent("out", 20)
    budgets.sent("elsewhere", 5)
    budgets.exchange()
    budgets.exchange()
    assert day.reports == [{}, {"out": 120}, {}]


def test_a_policy_without_budgets_keeps_everything(loaded: Policy, tmp_path: Path) -> None:
    """After a reload without budgets no share holds any more."""
    budgets = ByteBudgets(loaded, Counters(), lambda policy: Fake())
    budgets.exchange()
    assert budgets.share(["out"]) == 0.25
    budgets.limit(load(policy(tmp_path / "other")))
    assert budgets.share(["out"]) == 1.0
    assert budgets.page() == {}


def decided(processor: RunningProcessor) -> int:
    """How many traces and log records without one have a verdict."""
    stats = processor.stats()
    return sum(stats[each][verdict] for each in ("traces", "logs_without_trace") for verdict in ("kept", "dropped"))


@pytest.mark.e2e
def test_a_destination_gets_less_healthy_data_and_every_error(tmp_path: Path) -> None:
    """With a share of a quarter in the shared file, a quarter of the healthy traces is kept, with that threshold, and
    all errors; what was sent is in the file afterwards.
    """
    shared = tmp_path / "days.json"
    now = time.time()
    day = Day(int(now // DAY_S), now + 3600, {"out": Spending(used=5, counted=5, demand=1e12, share=0.25)})
    shared.write_bytes(day.pack())
    sampling = {
        "decision_wait": "300ms",
        "rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 1}],
        "daily_bytes": {"destinations": {"out": "1MiB"}, "least": 0.25, "shared": "./days.json"},
    }
    with run_processor(policy(tmp_path, sampling=sampling)) as processor:
        healthy = [span() for _ in range(400)]
        processor.send(Signal.TRACES, traces([*healthy, *(span(error=True) for _ in range(20))]))
        processor.send(Signal.LOGS, logs([log(f"record {number}") for number in range(400)]))
        wait_until(lambda: decided(processor) == 820, "all decisions", 20.0)
        wait_until(lambda: not processor.stats()["journal"]["pending_deliveries"], "all deliveries", 20.0)
        stats = processor.stats()
    spans = spans_in(read_lines(tmp_path / "out.jsonl"))
    failed = [each for each in spans if each.get("status", {}).get("code") == 2]
    kept = [each for each in spans if each not in failed]
    assert len(failed) == 20
    assert 55 < len(kept) < 150  # 100 expected; five standard deviations of 9
    assert {each["traceState"] for each in kept} == {"ot=th:c"}
    assert {attribute_values(each)["errorplane.sampling.probability"] for each in kept} == {0.25}
    assert {each.get("traceState", "") for each in failed} == {""}
    assert 55 < stats["logs_without_trace"]["kept"] < 150
    assert stats["dropped"]["traces"] == {"bytes": 400 - len(kept)}
    assert stats["daily_bytes"]["out"]["share"] == 0.25
    after = json.loads(shared.read_text())["destinations"]["out"]
    assert after[0] >= 5 + stats["destinations"]["out"]["bytes"] > 1000
