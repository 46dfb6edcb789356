"""Tail sampling inside an application: when it decides, what it keeps, and what it writes on that."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision, StaticSampler
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from tests.sdk.applications import DEADLINE_S, Application, Logs, Spans, accounts, application, policy
from tests.support.collector_tools import wait_until

from errorplane.otlp import HttpReceiver, Receipt, ReceiveLimits, Signal
from errorplane.policy import PolicyError
from errorplane.sdk import RedactingSpanExporter, RedactingSpanProcessor, TailSampling, TailSamplingSpanProcessor
from errorplane.sdk._decode import decode_spans

ERROR, INFO = SeverityNumber.ERROR, SeverityNumber.INFO


def state_of(span: ReadableSpan) -> str:
    """Its trace state, as a header."""
    assert span.context is not None
    return str(span.context.trace_state.to_header())


def test_a_trace_is_kept_or_dropped_as_a_whole() -> None:
    """An error in a child keeps its whole trace, with class and rule on every span and the error's facts on its own."""
    with application() as app:
        with app.span("root"), app.span("child", failed=True) as span:
            span.set_attribute("error.type", "Boom")
        with app.span("healthy"), app.span("below"):
            pass
        assert app.tracer_provider.force_flush()
        assert sorted(app.spans.names) == ["child", "root"]
        tags = {span.name: dict(span.attributes or {}) for span in app.spans.spans}
        shared = {"errorplane.retention.class": "standard", "errorplane.sampling.rule": "errors"}
        assert tags["root"] == shared
        assert shared.items() <= tags["child"].items()
        assert tags["child"]["error.type"] == "Boom"
        assert str(tags["child"]["errorplane.error.fingerprint"]).startswith("v1:")
        resource = app.spans.spans[0].resource.attributes
        assert (resource["service.name"], resource["errorplane.retention.class"]) == ("shop", "standard")
        assert app.items()["dropped"] == {"probability": 2}


def test_it_is_decided_a_moment_after_its_root() -> None:
    """With root_wait nothing but the end of the root makes a trace due, though its window is an hour."""
    with application(root_wait="50ms") as app:
        app.root("alone")
        app.decided(1)
        with app.span("root") as root:
            app.root("child", failed=True, context=set_span_in_context(root))
            assert app.sampling.stats()["traces"]["kept"] == 0
        app.decided(2)
        wait_until(lambda: len(app.spans.spans) == 2, "two exported spans", DEADLINE_S)


def test_a_trace_without_a_root_is_decided_at_the_end_of_its_window() -> None:
    """A span below a remote parent waits for decision_wait and no longer."""
    remote = NonRecordingSpan(SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1)))
    with application(decision_wait="100ms", root_wait="0s") as app:
        app.root("below", failed=True, context=set_span_in_context(remote))
        wait_until(lambda: app.spans.names == ["below"], "the span", DEADLINE_S)


def test_a_giant_trace_is_decided_at_its_bound_and_cut() -> None:
    """At max_spans_per_trace it is decided; of what comes then only errors and what leads to them are kept."""
    with application(max_spans_per_trace=10) as app:
        root = app.root("root", failed=True)
        context = set_span_in_context(root)
        for _ in range(9):
            app.root("early", context=context)
        app.decided(1)
        for _ in range(5):
            app.root("late", context=context)
        app.root("late error", failed=True, context=context)
        assert app.tracer_provider.force_flush()
        assert sorted(app.spans.names) == [*["early"] * 9, "late error", "root"]
        assert app.items()["dropped"] == {"cut": 5}
        assert dict(app.spans.spans[-1].attributes or {})["errorplane.trace.cut"] is True


def test_late_spans_follow_the_verdict_and_a_late_error_brings_back_the_trace() -> None:
    """What comes after a drop is dropped; when an error comes, everything that was dropped is exported with it."""
    with application() as app:
        root = app.root("root")
        assert app.tracer_provider.force_flush()
        app.root("late", context=set_span_in_context(root))
        assert app.tracer_provider.force_flush()
        assert app.spans.names == []
        assert app.items()["dropped"] == {"late": 1, "probability": 1}
        app.root("failed", failed=True, context=set_span_in_context(root))
        assert app.tracer_provider.force_flush()
        assert sorted(app.spans.names) == ["failed", "late", "root"]
        app.root("later", context=set_span_in_context(root))
        assert app.tracer_provider.force_flush()
        assert len(app.spans.names) == accounts(app.items()) == 4


def test_without_a_window_for_rescues_nothing_is_held_for_them() -> None:
    """With rescue_window 0s a late error is kept alone, and dropped spans use no memory."""
    with application(rescue_window="0s") as app:
        root = app.root("root")
        assert app.tracer_provider.force_flush()
        assert app.sampling.core.journal.rescue_bytes == 0
        app.root("failed", failed=True, context=set_span_in_context(root))
        assert app.tracer_provider.force_flush()
        assert app.spans.names == ["failed"]


def test_spans_and_log_records_are_decided_together() -> None:
    """An error that was only logged keeps its spans, records of dropped traces go, and both have the same class."""
    with application() as app:
        with app.span("kept"):
            app.logger.emit(body="before", severity_number=INFO)
            app.logger.emit(body="failed", severity_number=ERROR)
        with app.span("dropped"):
            app.logger.emit(body="gone", severity_number=INFO)
        assert app.logger_provider.force_flush()
        assert app.spans.names == ["kept"]
        assert sorted(app.logs.bodies) == ["before", "failed"]
        (fact,) = app.logs.facts
        assert fact.log_record.trace_id == app.logs.records[0].log_record.trace_id
        assert app.items("logs")["dropped"] == {"probability": 1}
        assert [accounts(app.items(each)) for each in ("traces", "logs")] == [2, 3]


def test_records_without_a_trace_have_budgets_of_their_own() -> None:
    """Of a lone log error that repeats one sample is kept, and the next in a trace is the first of its own budget."""
    rules = [{"name": "errors", "when": {"status": "error"}, "budget": {"samples": 1, "window": "1h"}}]
    with application(rules) as app:
        for number in range(5):
            app.logger.emit(body="no disk", severity_number=ERROR, attributes={"n": number})
        with app.span("root"):
            app.logger.emit(body="no disk", severity_number=ERROR)
        assert app.logger_provider.force_flush()
        assert app.logs.bodies == ["no disk", "no disk"]
        budgets = app.sampling.stats()["budgets"]["errors"]
        assert (budgets["log"]["suppressed"], budgets["trace"]["suppressed"]) == (4, 0)
        assert app.items("logs")["dropped"] == {"budget": 4}


def test_a_budget_counts_what_it_holds_back_and_erases_the_threshold() -> None:
    """The sample after a window carries the count of those suppressed, and no threshold that somebody could count by."""
    rules = [{"name": "errors", "when": {"status": "error"}, "budget": {"samples": 1, "window": "1s"}}]
    state = TraceState([("ot", "th:8"), ("vendor", "x")])
    traces = itertools.count(7)
    with application(rules) as app:
        for number in range(4):
            app.raise_in("pay", ValueError("no money"), number=number)
        assert app.tracer_provider.force_flush()
        assert len(app.spans.spans) == 1
        assert app.items()["dropped"] == {"budget": 3}

        def carried() -> bool:
            remote = NonRecordingSpan(SpanContext(next(traces), 8, True, TraceFlags(1), state))
            app.raise_in("pay", ValueError("no money"), context=set_span_in_context(remote))
            app.tracer_provider.force_flush()
            return "errorplane.suppressed_count" in (app.spans.spans[-1].attributes or {})

        wait_until(carried, "the next window's sample", DEADLINE_S)
        last = app.spans.spans[-1]
        assert (last.attributes or {})["errorplane.suppressed_count"] == app.items()["dropped"]["budget"]
        assert state_of(last) == "vendor=x"


def test_kept_by_chance_says_with_which() -> None:
    """Spans of a rule with a share carry the threshold of their chance, and about as many are kept."""
    with application([{"name": "some", "keep": 0.25}]) as app:
        for _ in range(400):
            app.root("x")
        assert app.tracer_provider.force_flush()
        assert 60 < len(app.spans.spans) < 145
        assert {state_of(span) for span in app.spans.spans} == {"ot=th:c"}
        assert (app.spans.spans[0].attributes or {})["errorplane.sampling.probability"] == 0.25


def test_everything_is_redacted_before_it_is_held() -> None:
    """No text that the policy hides is in what the sampler holds, nor in what is exported, facts included."""
    address = "lena.ito42@example.com"
    made = policy().model_copy(update={"redaction": type(policy().redaction)()})
    app = Application(TailSampling(made), Spans(), Logs())
    with app.span("root") as span:
        span.set_attribute("user.mail", address)
        app.logger.emit(body=f"mail to {address}", severity_number=ERROR)
    app.raise_in(f"to {address}", ValueError(address))
    wait_until(lambda: app.items()["held"] == 2, "the spans", DEADLINE_S)
    journal = app.sampling.core.journal
    held = [request.body for seq in range(1, 10) if (request := journal.request(seq)) is not None]
    assert held
    assert not any(address.encode() in body for body in held)
    app.close()
    shown = [span.to_json() for span in app.spans.spans]
    shown += [record.to_json() for record in (*app.logs.records, *app.logs.facts)]
    assert len(shown) == 5
    assert not any(address in text for text in shown)
    assert app.sampling.stats()["redaction"]["EMAIL_ADDRESS"] >= 4


@pytest.mark.parametrize("outer", [True, False], ids=["processor", "exporter"])
def test_it_composes_with_what_redacts(outer: bool) -> None:
    """Without redaction in the policy, a redacting processor before it or a redacting exporter behind it still mask."""
    spans, sampling = Spans(), TailSampling(policy([{"name": "all"}]))
    inner = TailSamplingSpanProcessor(spans if outer else RedactingSpanExporter(spans), sampling)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(RedactingSpanProcessor(inner) if outer else inner)
    provider.get_tracer("x").start_span("mail lena.ito42@example.com").end()
    provider.shutdown()
    assert spans.names == ["mail <EMAIL_ADDRESS>"]
    assert (spans.spans[0].attributes or {})["errorplane.sampling.rule"] == "all"


def test_actions_are_those_of_the_destination_that_is_named(tmp_path: Path) -> None:
    """Where destinations differ, the exporter gets what its own may have, and an unnamed one what holds for all."""
    path = tmp_path / "errorplane.yaml"
    path.write_text(
        "version: 1\n"
        "redaction: {actions: {EMAIL_ADDRESS: drop}, destinations: {near: {EMAIL_ADDRESS: keep_domain}}}\n"
        "sampling: {rules: [{name: all}]}\n"
        "destinations:\n"
        "  near: {file: {path: ./near/}}\n"
        "  far: {file: {path: ./far/}}\n"
    )
    names = {}
    for destination in ("near", None):
        app = Application(TailSampling(path, destination=destination), Spans(), Logs())
        app.root("mail lena.ito42@example.com")
        app.close()
        names[destination] = app.spans.names
    assert names == {"near": ["mail <EMAIL_ADDRESS>@example.com"], None: ["mail "]}
    assert not (tmp_path / "near").exists()
    with pytest.raises(ValueError, match="destination 'nowhere' is not in the policy, which has near, far"):
        TailSampling(path, destination="nowhere")


def test_a_mistake_in_the_policy_is_told_at_the_start(tmp_path: Path) -> None:
    """A file with a mistake raises what names it, before anything is traced."""
    (tmp_path / "errorplane.yaml").write_text("version: 1\nsampling: {rules: [{name: x, keep: 7}]}\n")
    with pytest.raises(PolicyError, match=r"sampling\.rules\[0\]\.keep"):
        TailSampling(tmp_path / "errorplane.yaml")


def test_one_sampler_takes_one_processor_of_each_signal() -> None:
    """A second span processor is refused: its exporter would get nothing."""
    with application() as app, pytest.raises(ValueError, match="traces have a processor already"):
        TailSamplingSpanProcessor(Spans(), app.sampling)


def test_what_the_sdk_did_not_sample_is_left_out() -> None:
    """As with the SDK's own batch processor, a span that is recorded without the sampled flag is not exported."""
    spans = Spans()
    sampling = TailSampling(policy([{"name": "all"}]))
    provider = TracerProvider(sampler=StaticSampler(Decision.RECORD_ONLY), shutdown_on_exit=False)
    provider.add_span_processor(TailSamplingSpanProcessor(spans, sampling))
    provider.get_tracer("x").start_span("unsampled").end()
    provider.shutdown()
    assert spans.names == []


def test_counts_are_published_as_metrics() -> None:
    """With a meter provider, what became of spans is read as OpenTelemetry metrics."""
    reader = InMemoryMetricReader()
    with application(options={"meter_provider": MeterProvider([reader], shutdown_on_exit=False)}) as app:
        app.root("x")
        app.root("y", failed=True)
        assert app.tracer_provider.force_flush()
        data = reader.get_metrics_data()
        assert data is not None
        points: dict[str, list[tuple[Mapping[str, Any], float]]] = {
            metric.name: [(dict(point.attributes or {}), point.value) for point in metric.data.data_points]  # type: ignore[union-attr]  # counters have numbers
            for metric in data.resource_metrics[0].scope_metrics[0].metrics
        }
        assert points["errorplane.received_items"] == [({"signal": "traces"}, 2)]
        assert points["errorplane.dropped_items"] == [({"signal": "traces", "reason": "probability"}, 1)]
        assert points["errorplane.delivered_items"] == [({"signal": "traces", "destination": "exporter"}, 1)]


def test_the_official_exporter_sends_what_is_kept() -> None:
    """Over OTLP/HTTP a real receiver gets the kept spans of a batch, with their tags."""
    bodies: list[bytes] = []

    def ingest(signal: Signal, body: bytes) -> Receipt:
        assert signal is Signal.TRACES
        bodies.append(body)
        return Receipt()

    receiver = HttpReceiver("127.0.0.1:0", ingest, ReceiveLimits(4 << 20, 8, None), None)
    port = receiver.start()
    sampling = TailSampling(policy())
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(
        TailSamplingSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces"), sampling)
    )
    tracer = provider.get_tracer("x")
    for number in range(20):
        with tracer.start_as_current_span(f"span {number}") as span:
            if number % 4 == 0:
                span.set_status(StatusCode.ERROR)
    provider.shutdown()
    receiver.stop(5.0)
    found = [span for body in bodies for span in decode_spans(body)]
    assert sorted(span.name for span in found) == [f"span {number}" for number in (0, 12, 16, 4, 8)]
    assert {(span.attributes or {})["errorplane.sampling.rule"] for span in found} == {"errors"}
