"""Errors of traces that head sampling drops leave, marked, and nothing else about sampling changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace._sampling_experimental import composable_traceid_ratio_based, composite_sampler
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, TraceState
from tests.export.conftest import Start
from tests.instrumentation.sink import Sink, attributes

from errorplane.export import Rates
from errorplane.export.spans import ErrorExport, RecordingSampler
from errorplane.hooks import _sdk, detach
from errorplane.sdk import RedactingSpanProcessor
from errorplane.testing import FixedClock

UNSAMPLED, CARRIED = "errorplane.export.unsampled", "errorplane.export.suppressed_count"


def test_an_error_of_a_dropped_trace_leaves_marked(start: Start, sink: Sink) -> None:
    """The span arrives with its exception, all attributes it was started with, the mark, and counts as one."""
    app = start()
    app.fail(attributes={"http.route": "/orders"})
    app.provider.force_flush()
    (span,) = sink.spans.values()
    found = attributes(span.attributes)
    assert found["http.route"] == "/orders"
    assert found[UNSAMPLED] is True
    assert CARRIED not in found
    assert span.trace_state == "ot=th:0"
    assert span.status.code == 2
    (event,) = span.events
    assert "order 17" in attributes(event.attributes)["exception.stacktrace"]


def test_what_is_no_error_stays_dropped(start: Start, sink: Sink) -> None:
    """Spans that end well, or whose status says that all is well, do not leave."""
    app = start()
    tracer = app.tracer
    with tracer.start_as_current_span("fine"):
        pass
    with tracer.start_as_current_span("caught") as span:
        span.record_exception(KeyError("order"))
        span.set_status(Status(StatusCode.OK))
    app.provider.force_flush()
    assert not sink.spans


def test_the_sampled_flag_downstream_stays_off(start: Start) -> None:
    """A recorded span of a dropped trace tells the services that it calls that the trace is not sampled."""
    app = start()
    carrier: dict[str, str] = {}
    with app.tracer.start_as_current_span("call") as span:
        assert span.is_recording()
        inject(carrier)
    assert not int(carrier["traceparent"].rpartition("-")[2], 16) & TraceFlags.SAMPLED
    assert "tracestate" not in carrier


def test_sampled_traces_leave_as_ever(start: Start, sink: Sink) -> None:
    """A sampled trace leaves whole, once, without a mark, its errors too."""
    app = start(sampler=ParentBased(ALWAYS_ON))
    with app.tracer.start_as_current_span("root"):
        app.fail()
    app.provider.force_flush()
    assert {name: UNSAMPLED in attributes(span.attributes) for name, span in sink.spans.items()} == {
        "root": False,
        "checkout": False,
    }
    assert len(sink.all_spans) == 2


def test_decisions_of_the_sampler_do_not_change() -> None:
    """Of ten thousand traces the same are sampled with and without the export."""
    ratio = TraceIdRatioBased(0.1)
    recording = RecordingSampler(ratio, lambda: True)
    for number in range(10_000):
        trace_id = (number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128
        plain, ours = (each.should_sample(None, trace_id, "x") for each in (ratio, recording))
        assert ours.decision is (
            plain.decision if plain.decision is Decision.RECORD_AND_SAMPLE else Decision.RECORD_ONLY
        )


def test_tracers_made_before_are_recorded_too(start: Start, sink: Sink) -> None:
    """A tracer that its provider made before errorplane came exports its errors as well."""
    app = start(environ={})
    export = ErrorExport(Rates(), _sdk)
    export.adopt(app.provider)
    app.fail()
    export.close()
    app.provider.force_flush()
    assert set(sink.spans) == {"checkout"}


def test_nested_spans_of_one_error_leave_together(start: Start, sink: Sink) -> None:
    """All spans that an exception passes, and a failed one around them, are one occurrence, and use one token."""
    app = start(environ={"ERRORPLANE_EXPORT_ERRORS": "true", "ERRORPLANE_EXPORT_BURST": "1"})
    tracer = app.tracer
    for number in range(3):
        with tracer.start_as_current_span(f"server{number}", record_exception=False) as server:
            outer, inner = (tracer.start_as_current_span(f"{name}{number}") for name in ("outer", "inner"))
            with pytest.raises(KeyError), outer, inner:
                raise KeyError
            server.set_status(Status(StatusCode.ERROR))
    app.provider.force_flush()
    assert set(sink.spans) == {"server0", "outer0", "inner0"}


def test_what_a_budget_holds_back_is_carried(start: Start, sink: Sink) -> None:
    """Beyond the burst errors wait; the next one says how many, and has no threshold: nobody knows its probability."""
    clock = FixedClock()
    app = start(rates=Rates(burst=3), clock=clock)
    for _ in range(10):
        app.fail()
    clock.advance(1)
    app.fail()
    app.provider.force_flush()
    assert len(sink.all_spans) == 4
    found = attributes(sink.all_spans[-1].attributes)
    assert found[CARRIED] == 7
    assert sink.all_spans[-1].trace_state == ""


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ("ot=rv:7f000000000000", "ot=rv:7f000000000000;th:0"),
        ("vendor=1,ot=th:c;rv:7f000000000000", "ot=rv:7f000000000000;th:0,vendor=1"),
        ("vendor=1", "ot=th:0,vendor=1"),
    ],
)
def test_trace_state_keeps_what_others_wrote(start: Start, sink: Sink, parent: str, expected: str) -> None:
    """Randomness and entries of others stay in the trace state of an exported span."""
    app = start()
    remote = SpanContext(7, 8, True, TraceFlags(0), TraceState.from_header([parent]))
    app.fail(context=trace.set_span_in_context(NonRecordingSpan(remote)))
    app.provider.force_flush()
    assert sink.spans["checkout"].trace_state == expected


def test_errors_count_as_often_as_they_happened(start: Start, sink: Sink) -> None:
    """With a sampler that writes thresholds, the adjusted counts of all errors that arrive add up to their number."""
    app = start(rates=Rates(burst=1000, total=1000), sampler=composite_sampler(composable_traceid_ratio_based(0.25)))
    for number in range(200):
        with app.tracer.start_as_current_span("healthy"):
            pass
        app.fail(f"failed{number}")
    app.provider.force_flush()
    failed = [span for span in sink.all_spans if span.name.startswith("failed")]
    assert len(failed) == 200
    assert {span.trace_state.rpartition("th:")[2].partition(",")[0] for span in failed} == {"0"}
    healthy = [span for span in sink.all_spans if span.name == "healthy"]
    assert 20 <= len(healthy) <= 80
    assert {"th:c" in span.trace_state for span in healthy} == {True}


def test_switched_off_nothing_is_recorded(start: Start, sink: Sink) -> None:
    """Without the variable, and after `detach`, dropped spans are not recorded, and cost what they cost without us."""
    app = start(environ={})
    assert not app.tracer.start_span("x").is_recording()
    app = start()
    assert app.tracer.start_span("x").is_recording()
    detach()
    assert not app.tracer.start_span("x").is_recording()
    assert not app.provider.get_tracer("other").start_span("x").is_recording()


def test_redaction_in_the_application_comes_first(start: Start) -> None:
    """Errors of dropped traces take the same way as sampled spans: what is masked for those is masked for these."""
    exporter = InMemorySpanExporter()
    app = start()
    app.provider.add_span_processor(RedactingSpanProcessor(SimpleSpanProcessor(exporter)))
    app.fail(attributes={"user.email": "maria@example.com"})
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {})[UNSAMPLED] is True
    assert "maria" not in span.to_json()


class Slotted(SpanExporter):
    """Can neither be watched nor be referred to weakly."""

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def test_an_exporter_that_cannot_be_watched_exports_all_the_same(start: Start) -> None:
    """An exporter with slots gets the errors, without back-off."""
    exporter = Slotted()
    app = start()
    app.provider.add_span_processor(SimpleSpanProcessor(exporter))
    app.fail()
    assert [span.name for span in exporter.spans] == ["checkout"]


def test_without_a_way_out_nothing_is_counted(start: Start) -> None:
    """Where no processor exports, the budget is not asked, and nothing is said to have been exported."""
    app = start(rates=Rates())
    other = TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    app.export.adopt(other)
    with other.get_tracer("x").start_as_current_span("failed") as span:
        span.set_status(StatusCode.ERROR)
    assert sum(app.export.budget.counts().values()) == 0
    other.shutdown()


def test_a_processor_without_an_exporter_sees_each_span_once(start: Start) -> None:
    """Processors that do not export see the span that ended, and not the copy that leaves."""
    seen: list[str] = []

    class Counting(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)

    app = start()
    app.provider.add_span_processor(Counting())
    app.fail()
    assert seen == ["checkout"]
