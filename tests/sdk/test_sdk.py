"""The SDK's own processors and exporters, with the engine before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from errorplane.hooks import GUARD
from errorplane.masking import Mask
from errorplane.sdk import (
    RedactingLogExporter,
    RedactingLogRecordProcessor,
    RedactingMetricExporter,
    RedactingSpanExporter,
    RedactingSpanProcessor,
    engine_mask,
)

EMAIL, CARD = "lena.ito42@example.com", 4539148803436467
RESOURCE = Resource({"service.name": "shop", "host.owner": EMAIL}, f"https://schema/{EMAIL}")
OTHER = SpanContext(
    1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "ok"), ("b", EMAIL)])
)


@pytest.fixture(scope="module")
def mask() -> Mask:
    """One with every detector."""
    return engine_mask()


def clean(message: Message) -> Any:
    """An encoded request, in whose bytes no canary may be."""
    body = message.SerializeToString()
    text = str(message)
    assert EMAIL.encode() not in body
    assert str(CARD) not in text
    return message


def record_spans(provider: TracerProvider) -> None:
    """A span with a canary in every place that the API has."""
    tracer = provider.get_tracer("shop", EMAIL, f"https://schema/{EMAIL}", {"owner": EMAIL})
    with tracer.start_as_current_span(f"GET {EMAIL}", links=[Link(OTHER, {"mail": EMAIL})]) as span:
        span.set_attributes({"user.mail": EMAIL, "cards": [1, CARD], EMAIL: 1, "tries": 3, "ok": True})
        span.add_event(f"mail to {EMAIL}", {"to": [EMAIL]})
        span.record_exception(ValueError(EMAIL))
        span.set_status(Status(StatusCode.ERROR, f"no card {CARD}"))


@pytest.mark.parametrize("kind", ["exporter", "processor"])
def test_span_leaves_without_its_canaries(mask: Mask, kind: str) -> None:
    """Name, attributes, events, links, trace state, status, scope and resource are masked, and the rest is the same."""
    memory = InMemorySpanExporter()
    plain = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, span_limits=SpanLimits(max_attributes=4))
    simple = SimpleSpanProcessor(RedactingSpanExporter(memory, mask) if kind == "exporter" else memory)
    provider.add_span_processor(simple if kind == "exporter" else RedactingSpanProcessor(simple, mask))
    provider.add_span_processor(SimpleSpanProcessor(plain))
    record_spans(provider)
    provider.shutdown()
    (masked,) = memory.get_finished_spans()
    (original,) = plain.get_finished_spans()
    assert EMAIL in original.name
    assert masked.context == original.context
    assert (masked.start_time, masked.end_time, masked.kind) == (original.start_time, original.end_time, original.kind)
    assert masked.dropped_attributes == original.dropped_attributes == 1
    request = clean(encode_spans([masked]))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    assert span.name == "GET <EMAIL_ADDRESS>"
    assert masked.links[0].context.trace_state.to_header() == "a=ok"
    assert span.status.message == "no card <CREDIT_CARD>"


class Kept(InMemoryLogRecordExporter):
    """The SDK's, whose constructor has no annotation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # see above


def record_logs(provider: LoggerProvider) -> None:
    """A log record with a canary in every place that the API has."""
    logger = provider.get_logger("shop", EMAIL)
    logger.emit(
        severity_number=SeverityNumber.ERROR,
        severity_text=EMAIL,
        body={"mail": EMAIL, "cards": [CARD], "tries": 3},
        attributes={"user.mail": EMAIL, "nested": {"mail": [EMAIL]}},
        event_name=f"mail.{EMAIL}",
        exception=ValueError(EMAIL),
    )


@pytest.mark.parametrize("kind", ["exporter", "processor"])
def test_log_record_leaves_without_its_canaries(mask: Mask, kind: str) -> None:
    """Body, attributes, event name, severity text, exception, scope and resource are masked; others see the original."""
    memory, plain = Kept(), Kept()
    provider = LoggerProvider(resource=RESOURCE)
    simple = SimpleLogRecordProcessor(RedactingLogExporter(memory, mask) if kind == "exporter" else memory)
    provider.add_log_record_processor(simple if kind == "exporter" else RedactingLogRecordProcessor(simple, mask))
    provider.add_log_record_processor(SimpleLogRecordProcessor(plain))
    record_logs(provider)
    provider.shutdown()
    (original,) = plain.get_finished_logs()
    assert EMAIL in str(original.log_record.body)
    request = clean(encode_logs(memory.get_finished_logs()))
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert record.severity_number == SeverityNumber.ERROR.value
    assert "ValueError" in str(record)


class KeptMetrics(MetricExporter):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Keep it."""
        self.batches.append(metrics_data)
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing to do."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing to do."""
        return True


def test_series_that_look_alike_after_masking_stay_apart_and_the_same(mask: Mask) -> None:
    """Two masked series keep their own sums from one export to the next, and a clean one is left as it is."""
    kept = KeptMetrics()
    reader = PeriodicExportingMetricReader(RedactingMetricExporter(kept, mask), float("inf"))
    provider = MeterProvider([reader], resource=RESOURCE)
    counter = provider.get_meter("shop", EMAIL).create_counter("orders", f"of {EMAIL}", EMAIL)
    sums: list[dict[tuple[tuple[str, str], ...], int]] = []
    for round_number in (1, 2):
        for user, amount in ((EMAIL, 1), ("bob.ross77@example.org", 10), ("nobody", 100)):
            counter.add(amount, {"user": user})
        reader.force_flush()
        request = clean(encode_metrics(kept.batches[-1]))
        points = request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points
        found = {
            tuple(sorted((each.key, str(each.value)) for each in point.attributes)): point.as_int for point in points
        }
        assert sorted(found.values()) == [round_number, 10 * round_number, 100 * round_number]
        assert len(found) == 3
        sums.append(found)
    first, second = sums
    assert {key: 2 * value for key, value in first.items()} == second
    provider.shutdown()


class Refusing(SpanExporter):
    """May not be called."""

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """Fail."""
        raise AssertionError("was called")


def test_batch_that_cannot_be_copied_is_not_passed_on(swallowing: None, mask: Mask) -> None:
    """An object that is no span fails the export, and nothing reaches the other exporter."""
    exporter = RedactingSpanExporter(Refusing(), mask)
    assert exporter.export([object()]) is SpanExportResult.FAILURE  # type: ignore[list-item]  # the fault that is tested
    assert GUARD.failures["export_spans"] == 1


def test_metrics_reader_of_the_sdk_sees_the_original() -> None:
    """The wrapper changes what is exported, not what another reader collects."""
    reader, kept = InMemoryMetricReader(), KeptMetrics()
    wrapped = PeriodicExportingMetricReader(RedactingMetricExporter(kept, engine_mask()), float("inf"))
    provider = MeterProvider([reader, wrapped])
    provider.get_meter("shop").create_counter("orders").add(1, {"user": EMAIL})
    wrapped.force_flush()
    assert EMAIL in str(reader.get_metrics_data())
    assert EMAIL not in str(kept.batches)
    provider.shutdown()
