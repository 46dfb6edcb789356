"""What was hidden in telemetry decides where it goes: rules about data classes, in a real processor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    logs_in,
    metrics_in,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import Scalar, log, logs, metrics, new_trace_id, pairs, span, traces

from errorplane.otlp import Signal

CARD, MAIL = "4111 1111 1111 1111", "jane.doe@example.org"
ROUTES: dict[str, Any] = {
    "destinations": {"pci": {"file": {"path": "./pci.jsonl"}}, "rest": {"file": {"path": "./rest.jsonl"}}},
    "retention": {
        "classes": {
            "pci": {"days": 365, "destinations": ["pci"]},
            "default": {"days": 7, "destinations": ["rest"]},
        },
        "rules": [{"when": {"data_class": ["payment", "secret"]}, "class": "pci"}],
    },
    "sampling": {
        "decision_wait": "300ms",
        "rules": [
            {"name": "leaks", "when": {"data_class": "payment"}},
            {"name": "errors", "when": {"status": "error"}},
            {"name": "rest", "keep": 0.0},
        ],
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared processor works."""
    return tmp_path_factory.mktemp("classes")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningProcessor]:
    """A processor that sends what held payment data or a secret to `pci`, everything else to `rest`."""
    with run_processor(policy(folder, **ROUTES)) as processor:
        yield processor


def spans_of(folder: Path, destination: str, trace_id: bytes) -> list[dict[str, Any]]:
    """The spans of one trace that a destination has."""
    lines = read_lines(folder / f"{destination}.jsonl")
    return [each for each in spans_in(lines) if each["traceId"] == trace_id.hex()]


def arrived(folder: Path, destination: str, trace_id: bytes, count: int = 1) -> list[dict[str, Any]]:
    """The spans of one trace, once there are so many at a destination."""

    def there() -> list[dict[str, Any]] | None:
        found = spans_of(folder, destination, trace_id)
        return found if len(found) >= count else None

    return wait_until(there, f"spans at {destination}", 20.0)


def test_a_span_with_a_card_goes_to_its_class_and_others_do_not(running: RunningProcessor, folder: Path) -> None:
    """The trace that held a card goes to the destination of the class pci alone, one with an address to the rest."""
    with_card, with_mail = new_trace_id(), new_trace_id()
    card = span(trace_id=with_card, error=True, attributes={"note": f"card {CARD}"})
    mail = span(trace_id=with_mail, error=True, attributes={"note": MAIL})
    running.send(Signal.TRACES, traces([card, mail]))
    (found,) = arrived(folder, "pci", with_card)
    tags = attribute_values(found)
    assert tags["errorplane.retention.class"] == "pci"
    assert (tags["errorplane.data_class"], tags["errorplane.redacted.credit_card"]) == ("payment", "1")
    (other,) = arrived(folder, "rest", with_mail)
    assert attribute_values(other)["errorplane.data_class"] == "personal"
    assert not spans_of(folder, "rest", with_card)
    assert not spans_of(folder, "pci", with_mail)


def test_a_sampling_rule_can_ask_for_the_class(running: RunningProcessor, folder: Path) -> None:
    """A healthy trace that held a card is kept by the rule about it, whole; a healthy one without is dropped."""
    leaking, clean = new_trace_id(), new_trace_id()
    before = running.stats()["traces"]["dropped"]
    spans = [span(trace_id=leaking), span("POST /pay", trace_id=leaking, attributes={"q": CARD}), span(trace_id=clean)]
    running.send(Signal.TRACES, traces(spans))
    found = arrived(folder, "pci", leaking, 2)
    assert {attribute_values(each)["errorplane.sampling.rule"] for each in found} == {"leaks"}
    wait_until(lambda: running.stats()["traces"]["dropped"] > before, "the verdict")


def test_a_mark_from_upstream_counts(running: RunningProcessor, folder: Path) -> None:
    """What an earlier errorplane hid decides as if it had been hidden here."""
    trace_id = new_trace_id()
    marked: dict[str, Scalar] = {
        "errorplane.data_class": "payment",
        "errorplane.redacted.credit_card": 1,
        "note": "<CREDIT_CARD>",
    }
    running.send(Signal.TRACES, traces([span(trace_id=trace_id, attributes=marked)]))
    (found,) = arrived(folder, "pci", trace_id)
    assert [pair["key"] for pair in found["attributes"]].count("errorplane.data_class") == 1


def test_a_late_span_with_a_card_goes_where_cards_go(running: RunningProcessor, folder: Path) -> None:
    """After a trace went to the rest, its late spans follow, except the one that a rule about its data claims."""
    trace_id = new_trace_id()
    running.send(Signal.TRACES, traces([span(trace_id=trace_id, error=True)]))
    arrived(folder, "rest", trace_id)
    running.send(Signal.TRACES, traces([span(trace_id=trace_id, attributes={"note": CARD})]))
    arrived(folder, "pci", trace_id)
    running.send(Signal.TRACES, traces([span("late", trace_id=trace_id)]))
    arrived(folder, "rest", trace_id, 2)
    assert len(spans_of(folder, "pci", trace_id)) == 1


def test_lone_log_records_and_metrics_are_judged_one_by_one(running: RunningProcessor, folder: Path) -> None:
    """Of one request only the record, or the metric, that held a card goes to its destination."""
    running.send(Signal.LOGS, logs([log(f"card {CARD}", severity=17), log("plain failure", severity=17)]))
    request: ExportMetricsServiceRequest = metrics(["with.card", "plain"])
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]
    point.attributes.extend(pairs({"pan": CARD}))
    running.send(Signal.METRICS, request)

    def seen(destination: str) -> tuple[set[str], set[str]]:
        lines = read_lines(folder / f"{destination}.jsonl")
        bodies = {each["body"]["stringValue"] for each in logs_in(lines)}
        return bodies, {each["name"] for each in metrics_in(lines)}

    wait_until(lambda: all(seen("pci")) and all(seen("rest")), "both destinations", 20.0)
    assert seen("pci") == ({"card <CREDIT_CARD>"}, {"with.card"})
    assert seen("rest") == ({"plain failure"}, {"plain"})


def test_an_error_fact_has_the_class_of_its_error(running: RunningProcessor, folder: Path) -> None:
    """The fact of an error in which a card was hidden says payment, also when only its log record held it."""
    trace_id, own_id = new_trace_id(), b"\x07" * 8
    exception = {"exception.type": "Declined", "exception.message": "declined"}
    failed = span(trace_id=trace_id, own_id=own_id, error=True, exception=exception)
    running.send(Signal.TRACES, traces([failed]))
    record = log(f"card {CARD}", trace_id=trace_id, own_span_id=own_id, severity=17, attributes=exception)
    running.send(Signal.LOGS, logs([record]))

    def fact() -> dict[str, Any] | None:
        facts = logs_in(read_lines(folder / "pci.jsonl"), facts=True)
        return next((each for each in facts if each.get("traceId") == trace_id.hex()), None)

    assert attribute_values(wait_until(fact, "the fact", 20.0))["errorplane.data_class"] == "payment"


def test_the_class_survives_a_crash(tmp_path: Path) -> None:
    """Killed before it decided, the processor reads the class from the journal, and the trace goes to pci."""
    trace_id = new_trace_id()
    waiting = ROUTES | {"sampling": ROUTES["sampling"] | {"decision_wait": "1h"}}
    with run_processor(policy(tmp_path, **waiting)) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id, attributes={"note": CARD})]))
        processor.kill()
    with run_processor(policy(tmp_path, **ROUTES)):
        arrived(tmp_path, "pci", trace_id)
    assert not spans_of(tmp_path, "rest", trace_id)
