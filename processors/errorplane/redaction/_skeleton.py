"""What is left of an item that could not be looked at: ids, times and numbers, no text of the sender's."""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from errorplane.errors import QUARANTINE_REASON
from errorplane.otlp import Signal

_NAME = "quarantined"
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8


def skeleton(signal: Signal, item: bytes, reason: str) -> bytes:
    """The item with its texts, attributes, events, links and data points left out, and ``reason`` as an attribute."""
    why = [KeyValue(key=QUARANTINE_REASON, value=AnyValue(string_value=reason))]
    match signal:
        case Signal.TRACES:
            return _span(Span.FromString(item), why).SerializeToString()
        case Signal.LOGS:
            return _log(LogRecord.FromString(item), why).SerializeToString()
        case Signal.METRICS:
            return Metric(name=_NAME, metadata=why).SerializeToString()


def _span(span: Span, why: list[KeyValue]) -> Span:
    return Span(
        trace_id=_id(span.trace_id, _TRACE_ID_BYTES),
        span_id=_id(span.span_id, _SPAN_ID_BYTES),
        parent_span_id=_id(span.parent_span_id, _SPAN_ID_BYTES),
        flags=span.flags,
        name=_NAME,
        kind=span.kind,
        start_time_unix_nano=span.start_time_unix_nano,
        end_time_unix_nano=span.end_time_unix_nano,
        attributes=why,
        status=Status(code=span.status.code),
    )


def _log(record: LogRecord, why: list[KeyValue]) -> LogRecord:
    return LogRecord(
        time_unix_nano=record.time_unix_nano,
        observed_time_unix_nano=record.observed_time_unix_nano,
        severity_number=record.severity_number,
        attributes=why,
        flags=record.flags,
        trace_id=_id(record.trace_id, _TRACE_ID_BYTES),
        span_id=_id(record.span_id, _SPAN_ID_BYTES),
    )


def _id(value: bytes, length: int) -> bytes:
    return value if len(value) == length else b""
