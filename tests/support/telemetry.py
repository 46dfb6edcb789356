"""Small Export requests for tests: spans, log records and metrics with just what a test cares about."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

Scalar = str | bool | int | float | Sequence[str]
NOW_NS = 1_790_000_000 * 10**9
_ids = itertools.count(1)


def new_trace_id() -> bytes:
    """A random trace id."""
    return os.urandom(16)


def span_id() -> bytes:
    """A span id that no other call of this process returns."""
    return next(_ids).to_bytes(8, "big")


def any_value(value: Scalar) -> AnyValue:
    """An ``AnyValue`` of a Python scalar or list of strings."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=item) for item in value]))


def pairs(attributes: Mapping[str, Scalar]) -> list[KeyValue]:
    """Attributes of a mapping."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(
    name: str = "GET /cart",
    *,
    trace_id: bytes | None = None,
    parent: bytes = b"",
    own_id: bytes | None = None,
    error: bool = False,
    exception: Mapping[str, Scalar] | None = None,
    attributes: Mapping[str, Scalar] | None = None,
    seconds: float = 0.01,
    kind: Span.SpanKind.ValueType = Span.SPAN_KIND_SERVER,
) -> Span:
    """One span that started at ``NOW_NS``; ``exception`` holds the attributes of an exception event."""
    made = Span(
        trace_id=trace_id or new_trace_id(),
        span_id=own_id or span_id(),
        parent_span_id=parent,
        name=name,
        kind=kind,
        start_time_unix_nano=NOW_NS,
        end_time_unix_nano=NOW_NS + int(seconds * 1e9),
        attributes=pairs(attributes or {}),
    )
    if error:
        made.status.code = Status.STATUS_CODE_ERROR
    if exception is not None:
        made.events.append(Span.Event(name="exception", time_unix_nano=NOW_NS, attributes=pairs(exception)))
    return made


def log(
    body: str = "paid",
    *,
    trace_id: bytes = b"",
    own_span_id: bytes = b"",
    severity: int = 9,
    attributes: Mapping[str, Scalar] | None = None,
) -> LogRecord:
    """One log record, INFO unless told otherwise."""
    return LogRecord(
        time_unix_nano=NOW_NS,
        severity_number=severity,  # type: ignore[arg-type]  # the enum's numbers are the point
        body=AnyValue(string_value=body),
        trace_id=trace_id,
        span_id=own_span_id,
        attributes=pairs(attributes or {}),
    )


def resource(service: str, **more: Scalar) -> Resource:
    """A resource with ``service.name``; further attributes with ``_`` for ``.``."""
    named = {key.replace("_", "."): value for key, value in more.items()}
    return Resource(attributes=pairs({"service.name": service, **named}))


def traces(spans: Iterable[Span], service: str = "shop") -> ExportTraceServiceRequest:
    """An Export request of spans of one service."""
    group = ResourceSpans(resource=resource(service), scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[group])


def logs(records: Iterable[LogRecord], service: str = "shop") -> ExportLogsServiceRequest:
    """An Export request of log records of one service."""
    group = ResourceLogs(resource=resource(service), scope_logs=[ScopeLogs(log_records=records)])
    return ExportLogsServiceRequest(resource_logs=[group])


def metrics(names: Iterable[str], service: str = "shop") -> ExportMetricsServiceRequest:
    """An Export request of counters with one data point each."""
    made = [
        Metric(name=name, sum=Sum(data_points=[NumberDataPoint(time_unix_nano=NOW_NS, as_int=1)])) for name in names
    ]
    group = ResourceMetrics(resource=resource(service), scope_metrics=[ScopeMetrics(metrics=made)])
    return ExportMetricsServiceRequest(resource_metrics=[group])
