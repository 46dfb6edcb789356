"""Export requests as spans and log records of the SDK, for its exporters: what was kept, as the pipeline left it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import SpanContext, TraceState

from errorplane.sdk._copies import CopiedSpan

_KINDS = {kind.value + 1: kind for kind in SpanKind}
_IS_REMOTE = 0x200  # SpanFlags
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_STATES = 1024
_RESOURCES = 256


def decode_spans(payload: bytes) -> Iterator[ReadableSpan]:
    """The spans of an ExportTraceServiceRequest."""
    for group in ExportTraceServiceRequest.FromString(payload).resource_spans:
        resource = _resource(group.resource.SerializeToString(), group.schema_url)
        for scoped in group.scope_spans:
            scope = _scope(scoped.scope, scoped.schema_url)
            for span in scoped.spans:
                yield _span(span, resource, scope)


def decode_logs(payload: bytes) -> Iterator[ReadableLogRecord]:
    """The log records of an ExportLogsServiceRequest."""
    for group in ExportLogsServiceRequest.FromString(payload).resource_logs:
        resource = _resource(group.resource.SerializeToString(), group.schema_url)
        for scoped in group.scope_logs:
            scope = _scope(scoped.scope, scoped.schema_url)
            for record in scoped.log_records:
                yield ReadableLogRecord(_log(record), resource, scope)


class _Resource(Resource):
    """One whose hash is known: exporters ask for it with every span."""

    def __init__(self, attributes: dict[str, Any], schema_url: str) -> None:
        super().__init__(attributes, schema_url)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash


@functools.lru_cache(_RESOURCES)
def _resource(serialized: bytes, schema_url: str) -> Resource:
    return _Resource(_attributes(resource_pb2.Resource.FromString(serialized).attributes), schema_url)


def _scope(scope: common_pb2.InstrumentationScope, schema_url: str) -> InstrumentationScope | None:
    if not scope.name:
        return None
    return InstrumentationScope(scope.name, scope.version or None, schema_url or None, _attributes(scope.attributes))


def _span(span: trace_pb2.Span, resource: Resource, scope: InstrumentationScope | None) -> ReadableSpan:
    trace_id, state = int.from_bytes(span.trace_id, "big"), _trace_state(span.trace_state)
    parent = None
    if span.parent_span_id:
        remote = bool(span.flags & _IS_REMOTE)
        parent = SpanContext(trace_id, int.from_bytes(span.parent_span_id, "big"), remote, _SAMPLED, state)
    return CopiedSpan(
        (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
        name=span.name,
        context=SpanContext(trace_id, int.from_bytes(span.span_id, "big"), False, _SAMPLED, state),
        parent=parent,
        resource=resource,
        attributes=_attributes(span.attributes),
        events=[_event(event) for event in span.events],
        links=[_link(link) for link in span.links],
        kind=_KINDS[span.kind],
        status=_status(span.status),
        start_time=span.start_time_unix_nano,
        end_time=span.end_time_unix_nano,
        instrumentation_scope=scope,
    )


def _event(event: trace_pb2.Span.Event) -> Event:
    return Event(event.name, _bounded(event.attributes, event.dropped_attributes_count), event.time_unix_nano)


def _link(link: trace_pb2.Span.Link) -> Link:
    trace_id, span_id = int.from_bytes(link.trace_id, "big"), int.from_bytes(link.span_id, "big")
    context = SpanContext(trace_id, span_id, bool(link.flags & _IS_REMOTE), _SAMPLED, _trace_state(link.trace_state))
    return Link(context, _bounded(link.attributes, link.dropped_attributes_count))


def _status(status: trace_pb2.Status) -> Status:
    code = StatusCode(status.code)
    return Status(code, status.message or None if code is StatusCode.ERROR else None)


@functools.lru_cache(_STATES)
def _trace_state(header: str) -> TraceState:
    return TraceState.from_header([header]) if header else TraceState()


def _log(record: logs_pb2.LogRecord) -> LogRecord:
    decoded = LogRecord(
        timestamp=record.time_unix_nano or None,
        observed_timestamp=record.observed_time_unix_nano,
        severity_text=record.severity_text or None,
        severity_number=SeverityNumber(record.severity_number) if record.severity_number else None,
        body=_value(record.body),
        attributes=_bounded(record.attributes, record.dropped_attributes_count),
        event_name=record.event_name or None,
    )
    # Not of the context that happens to be current here.
    decoded.trace_id = int.from_bytes(record.trace_id, "big")
    decoded.span_id = int.from_bytes(record.span_id, "big")
    decoded.trace_flags = TraceFlags(record.flags & 0xFF)
    return decoded


def _bounded(pairs: Iterable[common_pb2.KeyValue], dropped: int) -> BoundedAttributes:
    bounded = BoundedAttributes(None, _attributes(pairs), immutable=False)
    bounded.dropped = dropped
    return bounded


def _attributes(pairs: Iterable[common_pb2.KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: common_pb2.AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "array_value":
        return tuple(_value(each) for each in found.values)
    if kind == "kvlist_value":
        return _attributes(found.values)
    return found
