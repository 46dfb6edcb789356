"""Metrics of the traffic, held against the traffic: whatever is sampled, late, rescued, or running when it is killed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    metrics_in,
    policy,
    read_lines,
    run_processor,
)
from tests.support.telemetry import log, logs, new_trace_id, span, traces

from errorplane.otlp import Signal

REQUESTS = "errorplane_service_requests_total"
DURATIONS = "errorplane_service_request_duration_seconds"
ERRORS = "errorplane_service_errors_total"
FINGERPRINTS = "errorplane_service_fingerprint_errors_total"
EXCEPTION = {"exception.type": "KeyError", "exception.message": "no cart"}
DEADLINE_S = 30.0


def samples(running: RunningProcessor, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
    """Samples of the page that carry these labels."""
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(running.admin("/metrics").decode())
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def total(running: RunningProcessor, name: str, **labels: str) -> float:
    """Their sum."""
    return sum(value for _, value in samples(running, name, **labels))


def counted(running: RunningProcessor, name: str, count: int, **labels: str) -> None:
    """Wait until so many are counted; more is an error at once."""

    def enough() -> bool:
        found = total(running, name, **labels)
        assert found <= count, f"{name}: {found} of {count}"
        return found == count

    wait_until(enough, f"{count} in {name}", DEADLINE_S)


def decided(running: RunningProcessor) -> None:
    """Wait until no trace is open."""
    wait_until(lambda: running.stats()["traces"]["undecided"] == 0, "all verdicts", DEADLINE_S)


def exported(folder: Path, name: str) -> list[dict[str, Any]]:
    """Data points of the last export of a metric."""
    found = [metric for metric in metrics_in(read_lines(folder / "out.jsonl")) if metric["name"] == name]
    (points,) = (found[-1][kind]["dataPoints"] for kind in ("sum", "exponentialHistogram") if kind in found[-1])
    return list(points)


def failing(trace_id: bytes, name: str = "POST /pay", message: str = "no cart") -> Iterable[Span]:
    """A trace of a request that fails in a call deep inside it."""
    exception = {**EXCEPTION, "exception.message": message}
    root = span(name, trace_id=trace_id, error=True)
    inner = span(
        "SELECT", trace_id=trace_id, parent=root.span_id, error=True, exception=exception, kind=Span.SPAN_KIND_CLIENT
    )
    return root, inner


def test_counts_are_those_of_the_traffic_whatever_sampling_keeps(tmp_path: Path) -> None:
    """Requests, durations and errors are exact though nearly everything is dropped; late and rescued items count once."""
    with run_processor(policy(tmp_path)) as running:
        late, rescued = new_trace_id(), new_trace_id()
        for _ in range(5):
            running.send(Signal.TRACES, traces([span(seconds=0.25) for _ in range(40)]))
        running.send(Signal.TRACES, traces([span(trace_id=each, seconds=0.25) for each in (late, rescued)]))
        running.send(Signal.TRACES, traces([each for _ in range(7) for each in failing(new_trace_id())]))
        running.send(Signal.LOGS, logs([log("no disk", severity=17), log("fine")]))
        counted(running, REQUESTS, 209)
        counted(running, ERRORS, 8)
        decided(running)
        running.send(Signal.TRACES, traces([span(trace_id=late, seconds=0.25)]))
        running.send(Signal.TRACES, traces(failing(rescued)))
        counted(running, REQUESTS, 211)
        counted(running, ERRORS, 9)
        decided(running)
        assert running.stats()["traces"]["dropped"] >= 202
        assert total(running, ERRORS, errorplane_operation="POST /pay", error_type="KeyError") == 8
        assert total(running, FINGERPRINTS) == total(running, ERRORS) == 9
        assert total(running, REQUESTS, error_type="_OTHER") == 8
        assert total(running, f"{DURATIONS}_count") == 211
        assert total(running, f"{DURATIONS}_bucket", le="0.125") == 8
        assert total(running, f"{DURATIONS}_bucket", le="0.25") == 211


def test_calls_inside_a_service_are_no_requests(tmp_path: Path) -> None:
    """Only spans with which work enters a service count: servers and consumers whose parent is not known to be local."""
    local, remote = 0x100, 0x300
    root = span("root")
    spans = [root, span("consumer", kind=Span.SPAN_KIND_CONSUMER)]
    for name, kind, flags in (
        ("client", Span.SPAN_KIND_CLIENT, remote),
        ("internal", Span.SPAN_KIND_INTERNAL, local),
        ("nested", Span.SPAN_KIND_SERVER, local),
        ("called", Span.SPAN_KIND_SERVER, remote),
    ):
        made = span(name, trace_id=root.trace_id, parent=root.span_id, kind=kind)
        made.flags = flags
        spans.append(made)
    root.flags = local  # SDKs say so of spans without a parent too
    with run_processor(policy(tmp_path)) as running:
        running.send(Signal.TRACES, traces(spans))
        counted(running, REQUESTS, 3)
        named = {labels["errorplane_operation"] for labels, _ in samples(running, REQUESTS)}
        assert named == {"root", "consumer", "called"}


def test_no_name_on_the_page_holds_what_was_hidden(tmp_path: Path) -> None:
    """Labels come from redacted names, also where an error or another string of the same request says more."""
    secret = "jane.doe@example.org"
    with run_processor(policy(tmp_path)) as running:
        named = [span(f"GET /users/{secret}"), span("GET /cart"), span("GET /cart", attributes={"note": secret})]
        failed = span(f"POST /users/{secret}", error=True, exception={**EXCEPTION, "exception.message": secret})
        running.send(Signal.TRACES, traces([*named, failed], service=f"shop of {secret}"))
        counted(running, REQUESTS, 4)
        counted(running, ERRORS, 1)
        assert secret not in running.admin("/metrics").decode()
        assert total(running, REQUESTS, errorplane_operation="GET /cart") == 2


def test_nothing_counts_twice_across_kill_9(tmp_path: Path) -> None:
    """What was counted before a kill is not counted again after it; what was not decided yet is, once."""
    path = policy(
        tmp_path,
        sampling={"decision_wait": "3s", "rules": [{"name": "errors", "when": {"status": "error"}}]},
    )
    with run_processor(path) as running:
        for _ in range(10):
            running.send(Signal.TRACES, traces([each for _ in range(5) for each in failing(new_trace_id())]))
        counted(running, REQUESTS, 50)
        before = total(running, ERRORS)
        running.kill()
    with run_processor(path) as running:
        counted(running, ERRORS, 50 - round(before))
        decided(running)
        running.send(Signal.TRACES, traces([span()]))
        counted(running, REQUESTS, 1)
        assert total(running, ERRORS) == 50 - before


def test_series_leave_as_otlp_with_exemplars_of_kept_traces(tmp_path: Path) -> None:
    """The last export, at the stop, has what the last decisions counted, and points only at traces that were kept."""
    path = policy(tmp_path, telemetry={"metrics_interval": "1h"})
    kept = new_trace_id()
    with run_processor(path) as running:
        running.send(Signal.TRACES, traces([span(seconds=1.0) for _ in range(20)]))
        running.send(Signal.TRACES, traces(failing(kept)))
        counted(running, REQUESTS, 21)
        assert running.stop() == 0
    (error,) = exported(tmp_path, "errorplane.service.errors")
    assert {key: value for key, value in attribute_values(error).items() if key != "errorplane.error.severity"} == {
        "service.name": "shop",
        "errorplane.operation": "POST /pay",
        "error.type": "KeyError",
        "errorplane.error.category": "persistent",
    }
    assert error["asInt"] == "1"
    assert [each["traceId"] for each in error["exemplars"]] == [kept.hex()]
    points = exported(tmp_path, "errorplane.service.request.duration")
    assert sum(int(point["count"]) for point in points) == 21
    pointed = [each["traceId"] for point in points for each in point.get("exemplars", ())]
    assert pointed == [kept.hex()]


def test_a_policy_without_metrics_counts_nothing(tmp_path: Path) -> None:
    """With metrics switched off there are no such series, and the processor does its work."""
    with run_processor(policy(tmp_path, metrics={"enabled": False})) as running:
        running.send(Signal.TRACES, traces(failing(new_trace_id())))
        wait_until(lambda: running.stats()["traces"]["kept"] == 1, "the verdict", DEADLINE_S)
        assert "errorplane_service" not in running.admin("/metrics").decode()


def test_an_explosion_of_names_is_bounded_and_counted(tmp_path: Path) -> None:
    """Far more operations than the budget allows: few series, the exact sum, and a counter that says why."""
    budget = {"labels": {"operation": {"values": 5}}}
    with run_processor(policy(tmp_path, metrics=budget)) as running:
        for batch in range(5):
            running.send(Signal.TRACES, traces([span(f"op {chr(97 + batch)}{chr(97 + n % 26)}") for n in range(100)]))
        counted(running, REQUESTS, 500)
        assert len(samples(running, REQUESTS)) == 6
        over = total(running, REQUESTS, otel_metric_overflow="true")
        assert over > 400
        assert total(running, "errorplane_overflow_measurements_total", label="operation") >= 1
