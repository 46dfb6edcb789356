"""Budgets of errors in a running processor: samples, counts on the next one, and trace states."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    logs_in,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import NOW_NS, log, logs, new_trace_id, span, traces

from errorplane.otlp import Signal

BUDGET = {"samples": 3, "window": "1h", "decay": 1}
RULES = [{"name": "errors", "when": {"status": "error"}, "budget": BUDGET}, {"name": "rest", "keep": 0}]
SUPPRESSED = "errorplane.suppressed_count"


def failure(kind: str, *, trace_id: bytes | None = None, parent: bytes = b"") -> Span:
    """A span that failed with an exception of its own type, so with a fingerprint of its own."""
    exception = {"exception.type": f"shop.{kind}", "exception.message": "it broke"}
    return span(trace_id=trace_id, parent=parent, error=True, exception=exception)


def sampling(**sections: Any) -> dict[str, Any]:
    """Section ``sampling`` with a short wait and the rules above."""
    return {"decision_wait": "300ms", "rules": RULES, **sections}


def settled(processor: RunningProcessor, decided: int) -> None:
    """Wait until so many traces and lone logs are decided, and everything kept is delivered."""

    def done() -> bool:
        stats = processor.stats()
        subjects = (stats["traces"], stats["logs_without_trace"])
        count = sum(subject["kept"] + subject["dropped"] for subject in subjects)
        return bool(count >= decided and not stats["journal"]["pending_deliveries"])

    wait_until(done, f"{decided} decisions and all deliveries", 30.0)


def kept_by_type(folder: Path) -> Counter[str]:
    """Error spans in the output by what they carry: their samples, and the counts on them."""
    found = Counter[str]()
    for each in spans_in(read_lines(folder / "out.jsonl")):
        if not each.get("events"):
            continue
        kind = attribute_values(each["events"][0])["exception.type"]
        found[kind] += 1 + int(attribute_values(each).get(SUPPRESSED, 0))
    return found


def totals(processor: RunningProcessor, kind: str = "trace") -> Mapping[str, int]:
    """The counts of the budget of the rule ``errors``."""
    found: Mapping[str, int] = processor.stats()["budgets"]["errors"][kind]
    return found


def test_a_flood_leaves_samples_and_an_exact_count(tmp_path: Path) -> None:
    """Of two floods three samples each are kept, a rare error is kept too, and the rest is dropped for the budget."""
    kinds = ["Flood"] * 40 + ["Other"] * 20 + ["Rare"]
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        for kind in kinds:
            processor.send(Signal.TRACES, traces([failure(kind)]))
        settled(processor, len(kinds))
        found = totals(processor)
        stats = processor.stats()
        metrics = processor.admin("/metrics").decode()
    assert kept_by_type(tmp_path) == {"shop.Flood": 3, "shop.Other": 3, "shop.Rare": 1}
    assert (found["offered"], found["kept"], found["suppressed"]) == (61, 7, 54)
    assert found["fingerprints"] == 3
    assert stats["dropped"]["traces"] == {"budget": 54}
    assert stats["traces"]["by_reason"]["errors"] == {"kept: budget": 7, "dropped: budget": 54}
    assert re.search(r'errorplane_budget_errors_total\{kind="trace",.*outcome="suppressed",rule="errors"} 54', metrics)
    assert re.search(r'errorplane_budget_fingerprints\{kind="trace",.*rule="errors"} 3', metrics)


def test_the_next_sample_carries_what_was_suppressed(tmp_path: Path) -> None:
    """When the window is over, one more sample says how many there were, on the span that failed alone."""
    budget = {"samples": 1, "window": "5s", "decay": 1}
    rules = [{"name": "errors", "when": {"status": "error"}, "budget": budget}]
    with run_processor(policy(tmp_path, sampling=sampling(rules=rules))) as processor:
        for _ in range(8):
            processor.send(Signal.TRACES, traces([failure("Flood")]))
        settled(processor, 8)
        decided = 8

        def carried() -> list[dict[str, Any]]:
            nonlocal decided
            root = span()
            parts = [root, failure("Flood", trace_id=root.trace_id, parent=root.span_id)]
            processor.send(Signal.TRACES, traces(parts))
            decided += 1
            settled(processor, decided)
            spans = spans_in(read_lines(tmp_path / "out.jsonl"))
            return [each for each in spans if SUPPRESSED in attribute_values(each)]

        (told,) = wait_until(carried, "a sample of the next window", 20.0)
    assert told["status"]["code"] == 2
    assert kept_by_type(tmp_path) == {"shop.Flood": decided}


@pytest.mark.e2e
def test_kill_changes_no_count(tmp_path: Path) -> None:
    """Killed again and again under load: every error that was acknowledged is offered once, kept or suppressed."""
    path = policy(tmp_path, sampling=sampling())
    sent = 0
    for _ in range(3):
        with run_processor(path) as processor:
            before = processor.stats()["budgets"].get("errors", {}).get("trace", {}).get("offered", 0)
            started = time.monotonic()
            while time.monotonic() - started < 1.5:
                processor.send(Signal.TRACES, traces([failure("Flood"), failure("Other")]))
                sent += 2
            wait_until(lambda seen=before: totals(processor)["offered"] > seen, "a decision", 20.0)  # type: ignore[misc]  # bound at definition
            processor.kill()
    with run_processor(path) as processor:
        wait_until(lambda: totals(processor)["offered"] >= sent, "all decisions", 30.0)
        wait_until(lambda: not processor.stats()["journal"]["pending_deliveries"], "all deliveries", 30.0)
        found = totals(processor)
    assert (found["offered"], found["kept"], found["suppressed"]) == (sent, 6, sent - 6)
    out = {each["traceId"] for each in spans_in(read_lines(tmp_path / "out.jsonl"))}
    assert len(out) == 6


def attempt(parent: Span, *, error: bool, after: int, url: str = "http://ledger/pay") -> Span:
    """A call by ``parent`` that ended some nanoseconds after it began."""
    attributes = {"url.full": url}
    exception = {"exception.type": "TimeoutError", "exception.message": "no answer"} if error else None
    made = span(
        "POST", trace_id=parent.trace_id, parent=parent.span_id, error=error, exception=exception, attributes=attributes
    )
    made.kind = Span.SPAN_KIND_CLIENT
    made.start_time_unix_nano, made.end_time_unix_nano = NOW_NS + after, NOW_NS + after + 1000
    return made


def test_errors_that_a_retry_healed_do_not_use_the_budget(tmp_path: Path) -> None:
    """Time-outs after which the same call succeeded have one sample of their own; those that failed for good three."""
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        for _ in range(10):
            root = span()
            processor.send(Signal.TRACES, traces([attempt(root, error=True, after=0), root]))
            processor.send(Signal.TRACES, traces([attempt(root, error=False, after=5000)]))
        settled(processor, 10)
        healed = totals(processor, "healed")
        for _ in range(10):
            root = span(error=True)
            processor.send(Signal.TRACES, traces([root, attempt(root, error=True, after=0)]))
        settled(processor, 20)
        failed = totals(processor)
    assert (healed["offered"], healed["kept"], healed["suppressed"]) == (10, 1, 9)
    assert (failed["offered"], failed["kept"], failed["suppressed"]) == (10, 3, 7)


def test_another_call_that_succeeds_heals_nothing(tmp_path: Path) -> None:
    """A call to something else, or one that ended before, is no retry; the error uses the budget."""
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        root = span()
        other = attempt(root, error=False, after=5000, url="http://ledger/status")
        processor.send(Signal.TRACES, traces([root, attempt(root, error=True, after=0), other]))
        root = span()
        earlier = attempt(root, error=False, after=0)
        processor.send(Signal.TRACES, traces([root, attempt(root, error=True, after=5000), earlier]))
        settled(processor, 2)
        assert totals(processor)["kept"] == 2
        assert "healed" not in processor.stats()["budgets"]["errors"]


def test_logs_without_a_trace_have_a_budget_of_their_own(tmp_path: Path) -> None:
    """Lone error records use nothing of the traces' budget; one of each that is kept later tells the count."""
    attributes = {"exception.type": "shop.Flood", "exception.message": "it broke"}
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        for _ in range(10):
            processor.send(Signal.LOGS, logs([log("it broke", severity=17, attributes=attributes)]))
        processor.send(Signal.TRACES, traces([failure("Flood")]))
        settled(processor, 11)
        assert totals(processor, "log") == {
            "fingerprints": 1,
            "offered": 10,
            "kept": 3,
            "suppressed": 7,
            "carried": 0,
            "untold": 0,
        }
        assert totals(processor)["kept"] == 1
    assert len(logs_in(read_lines(tmp_path / "out.jsonl"))) == 3


def test_late_items_do_not_bring_back_what_was_suppressed(tmp_path: Path) -> None:
    """A log record that tells of an error again after its trace was suppressed changes nothing; a new error does."""
    attributes = {"exception.type": "shop.Flood", "exception.message": "it broke"}
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        failed = [failure("Flood") for _ in range(5)]
        for each in failed:
            processor.send(Signal.TRACES, traces([each]))
        settled(processor, 5)
        suppressed = failed[-1]
        again = log(
            "it broke", trace_id=suppressed.trace_id, own_span_id=suppressed.span_id, severity=17, attributes=attributes
        )
        processor.send(Signal.LOGS, logs([again]))
        settled(processor, 6)
        found = totals(processor)
        assert (found["offered"], found["kept"], found["suppressed"]) == (5, 3, 2)
        processor.send(Signal.TRACES, traces([failure("Rare", trace_id=suppressed.trace_id)]))
        settled(processor, 7)
        found = totals(processor)
        assert (found["offered"], found["kept"], found["suppressed"]) == (6, 4, 2)
    out = [
        each for each in spans_in(read_lines(tmp_path / "out.jsonl")) if each["traceId"] == suppressed.trace_id.hex()
    ]
    assert len(out) == 2


def with_state(trace_id: bytes, state: str, *, error: bool = False) -> Span:
    """A span with a trace state."""
    made = failure("Flood", trace_id=trace_id) if error else span(trace_id=trace_id)
    made.trace_state = state
    return made


def test_chance_writes_thresholds_and_budgets_erase_them(tmp_path: Path) -> None:
    """Each kept span tells the highest threshold it passed; one that only a budget kept tells none, and no probability."""
    rules = [RULES[0], {"name": "rest", "keep": 0.25}]
    high, low = bytes(9) + b"\xff" * 7, b"\x01" * 9 + bytes(7)
    late = b"\x02" * 9 + b"\xff" * 7
    with run_processor(policy(tmp_path, sampling=sampling(rules=rules))) as processor:
        parts = [with_state(high, state) for state in ("", "ot=th:8", "ot=th:e", "dd=s:1")]
        processor.send(Signal.TRACES, traces(parts))
        processor.send(Signal.TRACES, traces([with_state(low, "ot=rv:ffffffffffffff")]))
        processor.send(Signal.TRACES, traces([with_state(b"\x03" * 9 + b"\xff" * 7, "ot=rv:00000000000000")]))
        processor.send(Signal.TRACES, traces([with_state(late, "ot=th:8;rv:ffffffffffffff", error=True)]))
        settled(processor, 4)
        processor.send(Signal.TRACES, traces([with_state(late, "ot=th:8;rv:ffffffffffffff")]))
        processor.send(Signal.TRACES, traces([with_state(high, "a=1")]))
        wait_until(lambda: len(spans_in(read_lines(tmp_path / "out.jsonl"))) == 8, "eight spans", 20.0)
    found: dict[str, list[tuple[str, Any]]] = {}
    for each in spans_in(read_lines(tmp_path / "out.jsonl")):
        probability = attribute_values(each).get("errorplane.sampling.probability")
        found.setdefault(each["traceId"], []).append((each.get("traceState", ""), probability))
    assert found == {
        high.hex(): [
            ("ot=th:c", 0.25),
            ("ot=th:c", 0.25),
            ("ot=th:e", 0.25),
            ("ot=th:c,dd=s:1", 0.25),
            ("ot=th:c,a=1", 0.25),
        ],
        low.hex(): [("ot=rv:ffffffffffffff;th:c", 0.25)],
        late.hex(): [("ot=rv:ffffffffffffff", None), ("ot=rv:ffffffffffffff", None)],
    }, json.dumps(found, indent=1)


def test_chance_beside_a_budget_tells_one_count_only(tmp_path: Path) -> None:
    """What chance keeps carries a threshold and no count; what the budget keeps besides carries neither threshold nor
    probability, and the count waits for it.
    """
    budget = {"samples": 2, "window": "1h", "decay": 1}
    rules = [{"name": "errors", "when": {"status": "error"}, "keep": 0.5, "budget": budget}]
    with run_processor(policy(tmp_path, sampling=sampling(rules=rules))) as processor:
        for number in range(6):
            low = number.to_bytes(9, "big") + b"\x01" * 7
            processor.send(Signal.TRACES, traces([failure("Flood", trace_id=low)]))
            settled(processor, number + 1)
        processor.send(Signal.TRACES, traces([failure("Flood", trace_id=bytes(9) + b"\xff" * 7)]))
        settled(processor, 7)
        found = totals(processor)
    states = [each.get("traceState", "") for each in spans_in(read_lines(tmp_path / "out.jsonl"))]
    assert states == ["", "", "ot=th:8"]
    assert kept_by_type(tmp_path) == {"shop.Flood": 3}
    assert (found["offered"], found["kept"], found["suppressed"], found["carried"]) == (7, 3, 4, 0)


def test_senders_cannot_forge_a_count(tmp_path: Path) -> None:
    """A count of suppressed errors that comes in with a span is taken out."""
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        forged = span(trace_id=new_trace_id(), error=True, attributes={SUPPRESSED: 1000})
        processor.send(Signal.TRACES, traces([forged]))
        settled(processor, 1)
    (kept,) = spans_in(read_lines(tmp_path / "out.jsonl"))
    assert SUPPRESSED not in attribute_values(kept)
