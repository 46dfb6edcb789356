"""Ended spans and emitted log records of the SDK as Export requests, as the SDK's own exporter encodes them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, StatusCode
from opentelemetry.trace.span import TraceState

from errorplane.otlp._wire import delimited, encode_varint
from errorplane.sdk._encode_values import encode_attributes, encode_value, utf8
from errorplane.sdk._identity import by_identity

# Tags are written as they stand in the bytes: field number << 3 | wire type (0 varint, 1 fixed64, 2 bytes, 5 fixed32).
_KINDS = {kind: b"\x30" + bytes((kind.value + 1,)) for kind in SpanKind}
_KNOWS_REMOTE, _IS_REMOTE = 0x100, 0x200  # SpanFlags
_times = struct.Struct("<BQBQ").pack
_time = struct.Struct("<BQ").pack
_flags = struct.Struct("<I").pack
_LOCAL, _REMOTE = b"\x85\x01" + _flags(_KNOWS_REMOTE), b"\x85\x01" + _flags(_KNOWS_REMOTE | _IS_REMOTE)
_CODES = {code: b"\x18" + bytes((code.value,)) if code.value else b"" for code in StatusCode}
T = TypeVar("T", ReadableSpan, ReadableLogRecord)


def encode_spans(spans: Sequence[ReadableSpan]) -> bytes:
    """One ExportTraceServiceRequest. A link keeps its trace state, which the SDK's exporter leaves out."""
    return _grouped(spans, _span)


def encode_logs(records: Sequence[ReadableLogRecord]) -> bytes:
    """One ExportLogsServiceRequest."""
    return _grouped(records, _log)


def _grouped(items: Iterable[T], encode: Callable[[T], bytes]) -> bytes:
    """Items by resource and scope, each in the order given."""
    groups: dict[int, tuple[Resource, dict[int, tuple[InstrumentationScope | None, list[bytes]]]]] = {}
    for item in items:
        resource, scope = item.resource, item.instrumentation_scope
        _, scopes = groups.setdefault(id(resource), (resource, {}))
        _, found = scopes.setdefault(id(scope), (scope, []))
        found.append(b"\x12" + delimited(encode(item)))
    return b"".join(b"\x0a" + delimited(_group(resource, scopes.values())) for resource, scopes in groups.values())


def _group(resource: Resource, scopes: Iterable[tuple[InstrumentationScope | None, list[bytes]]]) -> bytes:
    head, tail = _resource(resource)
    return head + b"".join(b"\x12" + delimited(_scope_group(scope, items)) for scope, items in scopes) + tail


def _scope_group(scope: InstrumentationScope | None, items: list[bytes]) -> bytes:
    if scope is None:
        return b"\x0a\x00" + b"".join(items)
    head, tail = _scope(scope)
    return head + b"".join(items) + tail


@by_identity
def _resource(resource: Resource) -> tuple[bytes, bytes]:
    attributes = encode_attributes(b"\x0a", resource.attributes)
    return b"\x0a" + delimited(attributes), _text(b"\x1a", resource.schema_url)


@by_identity
def _scope(scope: InstrumentationScope) -> tuple[bytes, bytes]:
    named = _text(b"\x0a", scope.name) + _text(b"\x12", scope.version)
    return b"\x0a" + delimited(named + encode_attributes(b"\x1a", scope.attributes)), _text(b"\x1a", scope.schema_url)


def _span(span: ReadableSpan) -> bytes:
    context, parent, status = span.get_span_context(), span.parent, span.status
    assert context is not None  # every span of the SDK has one
    parts = [
        b"\x0a\x10%b\x12\x08%b" % (context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")),
        _trace_state(context.trace_state),
        b"" if parent is None else b"\x22\x08" + parent.span_id.to_bytes(8, "big"),
        _text(b"\x2a", span.name),
        _KINDS[span.kind],
        _times(0x39, span.start_time or 0, 0x41, span.end_time or 0),
        encode_attributes(b"\x4a", span.attributes),
        _count(b"\x50", span.dropped_attributes),
    ]
    if events := span.events:
        parts += [b"\x5a" + delimited(_event(event)) for event in events]
    parts.append(_count(b"\x60", span.dropped_events))
    if links := span.links:
        parts += [b"\x6a" + delimited(_link(link)) for link in links]
    parts.append(_count(b"\x70", span.dropped_links))
    parts.append(b"\x7a" + delimited(_text(b"\x12", status.description) + _CODES[status.status_code]))
    parts.append(_REMOTE if parent is not None and parent.is_remote else _LOCAL)
    return b"".join(parts)


def _event(event: Event) -> bytes:
    attributes = encode_attributes(b"\x1a", event.attributes)
    dropped = _count(b"\x20", event.dropped_attributes)
    return _time(0x09, event.timestamp) + _text(b"\x12", event.name) + attributes + dropped


def _link(link: Link) -> bytes:
    context = link.context
    return b"".join(
        (
            b"\x0a\x10%b\x12\x08%b" % (context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")),
            _trace_state(context.trace_state),
            encode_attributes(b"\x22", link.attributes),
            _count(b"\x28", link.dropped_attributes),
            b"\x35" + _flags(_KNOWS_REMOTE | _IS_REMOTE if context.is_remote else _KNOWS_REMOTE),
        )
    )


def _log(record: ReadableLogRecord) -> bytes:
    log, severity = record.log_record, record.log_record.severity_number
    return b"".join(
        (
            _time(0x09, log.timestamp or 0),
            _count(b"\x10", 0 if severity is None else severity.value),
            _text(b"\x1a", log.severity_text),
            b"\x2a" + delimited(encode_value(log.body)),
            encode_attributes(b"\x32", log.attributes),
            _count(b"\x38", record.dropped_attributes),
            b"\x45" + _flags(int(log.trace_flags or 0)),
            b"\x4a\x10" + log.trace_id.to_bytes(16, "big") if log.trace_id else b"",
            b"\x52\x08" + log.span_id.to_bytes(8, "big") if log.span_id else b"",
            _time(0x59, log.observed_timestamp or 0),
            _text(b"\x62", log.event_name),
        )
    )


def _trace_state(state: TraceState | None) -> bytes:
    return b"" if not state else _text(b"\x1a", state.to_header())


def _text(tag: bytes, text: str | None) -> bytes:
    return tag + delimited(utf8(text)) if text else b""


def _count(tag: bytes, count: int) -> bytes:
    return tag + encode_varint(count) if count else b""
