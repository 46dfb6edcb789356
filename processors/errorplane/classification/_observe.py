"""Reading one error from a span or a log record: its type, kind, fingerprint and place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from errorplane.classification._fields import Value, attributes, flag, number, text
from errorplane.detectors import DataClass
from errorplane.errors import (
    ERROR_DROPPED,
    Category,
    Kind,
    Severity,
    fingerprint_of_text,
    kind_of_grpc_status,
    kind_of_http_status,
    kind_of_type,
    message_template,
)

Source = Literal["span", "log"]
ERROR_SEVERITY = 17  # SEVERITY_NUMBER_ERROR (OpenTelemetry logs data model)
_FINGERPRINT_MAX = 80
_SUPPRESSED_MAX = 10**9  # what a sender says must not run over a counter
_EXCEPTION_EVENTS = frozenset({"exception", "error"})
_GRPC_STATUS_NAMES = {
    name: code
    for code, name in enumerate(
        (
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        )
    )
}


@dataclass(frozen=True, slots=True)
class ObservedError:
    """One error as one span or log record tells it. ``item`` is its number in the request; times are Unix ns.

    ``known`` names what the application had already set on the item, so that it is not written twice; ``data_class``
    is the most sensitive one of what was hidden in the item, ``operation`` the name of the span, ``instance`` what tells
    the service's processes apart. ``handled``, ``attempt`` (from 1 on) and ``severity`` are what the application says.
    ``unsampled`` says that head sampling in the application had dropped the trace, of which only errors left;
    ``suppressed`` how many more errors of this fingerprint the application held back, for which this one stands, too.
    """

    item: int
    source: Source
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    time_ns: int
    error_id: str | None
    fingerprint: str
    type: str
    message: str
    kind: Kind
    hint: Category | None
    has_exception: bool
    service: str
    component: str | None
    environment: str | None
    zone: str | None
    correlation_id: str | None
    known: frozenset[str]
    data_class: DataClass | None = None
    operation: str | None = None
    instance: str | None = None
    handled: bool | None = None
    attempt: int | None = None
    severity: Severity | None = None
    unsampled: bool = False
    suppressed: int = 0


def span_is_error(span: Span) -> bool:
    """Status ERROR; or, unless the status says OK, an exception event or OpenTracing's ``error=true``."""
    if span.status.code == Status.STATUS_CODE_ERROR:
        return True
    if span.status.code == Status.STATUS_CODE_OK:
        return False
    if _exception_event(span) is not None:
        return True
    return any(pair.key == "error" and pair.value.bool_value for pair in span.attributes)


def log_is_error(record: LogRecord) -> bool:
    """Severity ERROR or above, or any ``exception.*`` attribute (``exception.type`` or its older names).

    Not what an application logged about an error that it had dropped (``on_error``, ``ERRORPLANE_IGNORE``).
    """
    if any(pair.key == ERROR_DROPPED and pair.value.bool_value for pair in record.attributes):
        return False
    if record.severity_number >= ERROR_SEVERITY:
        return True
    if not record.severity_number and record.severity_text.upper() in {"ERROR", "FATAL", "CRITICAL"}:
        return True
    return any(pair.key.startswith("exception.") for pair in record.attributes)


def observe_span(
    item: int, span: Span, resource: Mapping[str, Value], data_class: DataClass | None = None
) -> ObservedError:
    """The error that an error span tells; ``resource`` holds the attributes of its resource."""
    own = attributes(span.attributes)
    event = _exception_event(span)
    exception = attributes(event.attributes) if event is not None else {}
    is_client = span.kind in (Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER)
    message = text("exception.message", exception, own) or span.status.message
    time_ns = event.time_unix_nano if event is not None else span.end_time_unix_nano
    return _observed(
        item,
        "span",
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        time_ns,
        message,
        is_client,
        data_class,
        resource,
        exception,
        own,
        operation=span.name or None,
    )


def observe_log(
    item: int, record: LogRecord, resource: Mapping[str, Value], data_class: DataClass | None = None
) -> ObservedError:
    """The error that an error log record tells."""
    own = attributes(record.attributes)
    body = record.body.string_value
    message = text("exception.message", own) or body
    time_ns = record.time_unix_nano or record.observed_time_unix_nano
    return _observed(
        item, "log", record.trace_id, record.span_id, b"", time_ns, message, False, data_class, resource, own
    )


def _observed(
    item: int,
    source: Source,
    trace_id: bytes,
    span_id: bytes,
    parent_span_id: bytes,
    time_ns: int,
    message: str,
    is_client: bool,
    data_class: DataClass | None,
    resource: Mapping[str, Value],
    *sources: Mapping[str, Value],
    operation: str | None = None,
) -> ObservedError:
    exception_type = text("exception.type", *sources)
    stacktrace = text("exception.stacktrace", *sources)
    kind = _kind(exception_type or text("error.type", *sources), is_client, *sources)
    error_type = exception_type or text("error.type", *sources) or _type_of_status(*sources) or "_OTHER"
    given = text("error.fingerprint", *sources)
    attempt = number("error.attempt", *sources)
    usable = given is not None and given.startswith("v") and len(given) <= _FINGERPRINT_MAX
    return ObservedError(
        item=item,
        source=source,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        time_ns=time_ns,
        error_id=_valid_id(text("error.id", *sources)),
        fingerprint=given if given is not None and usable else fingerprint_of_text(error_type, message, stacktrace),
        type=error_type,
        message=message_template(message),
        kind=kind,
        hint=_hint(text("error.category", *sources)),
        has_exception=exception_type is not None,
        service=text("service", resource) or "unknown_service",
        component=text("component", *sources, resource),
        environment=text("environment", resource, *sources),
        zone=text("zone", resource, *sources),
        correlation_id=text("correlation_id", *sources),
        known=frozenset(name for name in sources[-1] if name.startswith("errorplane.error.")),
        data_class=data_class,
        operation=operation,
        instance=text("instance", resource),
        handled=flag("error.handled", *sources),
        attempt=attempt if attempt is not None and attempt > 0 else None,
        severity=_severity_hint(text("error.severity_hint", *sources)),
        unsampled=flag("export.unsampled", *sources) or False,
        suppressed=min(max(number("export.suppressed", *sources) or 0, 0), _SUPPRESSED_MAX),
    )


def _exception_event(span: Span) -> Span.Event | None:
    """The last exception event, which is the one that left the span."""
    for event in reversed(span.events):
        if event.name in _EXCEPTION_EVENTS or any(pair.key == "exception.type" for pair in event.attributes):
            return event
    return None


def _kind(type_name: str | None, is_client: bool, *sources: Mapping[str, Value]) -> Kind:
    """By what the application said, then exception type, HTTP status, gRPC status; a failed call is a dependency's."""
    said = text("error.kind", *sources)
    if said is not None and said in Kind.__members__.values():
        return Kind(said)
    candidates = (
        kind_of_type(type_name) if type_name is not None else Kind.UNKNOWN,
        _kind_of_http(number("http.status", *sources)),
        _kind_of_grpc(text("grpc.status", *sources)),
    )
    kind = next((candidate for candidate in candidates if candidate is not Kind.UNKNOWN), Kind.UNKNOWN)
    return Kind.DEPENDENCY if kind is Kind.UNKNOWN and is_client else kind


def _kind_of_http(status: int | None) -> Kind:
    return Kind.UNKNOWN if status is None else kind_of_http_status(status)


def _kind_of_grpc(status: str | None) -> Kind:
    if status is None:
        return Kind.UNKNOWN
    code = int(status) if status.isdigit() else _GRPC_STATUS_NAMES.get(status.upper())
    return Kind.UNKNOWN if code is None else kind_of_grpc_status(code)


def _type_of_status(*sources: Mapping[str, Value]) -> str | None:
    """The status code as error type, as the semantic conventions do for HTTP and gRPC."""
    return text("http.status", *sources) or text("grpc.status", *sources)


def _hint(value: str | None) -> Category | None:
    return None if value is None or value not in Category.__members__.values() else Category(value)


def _severity_hint(value: str | None) -> Severity | None:
    return None if value is None or value not in Severity.__members__.values() else Severity(value)


def _valid_id(value: str | None) -> str | None:
    if value is None or len(value) != 32:
        return None
    return value if all(char in "0123456789abcdef" for char in value) else None
