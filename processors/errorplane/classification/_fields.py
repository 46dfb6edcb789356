"""Telemetry fields by their meaning: older semantic conventions and other SDKs' names are read as ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Value = str | bool | int | float | None

# Meaning -> names, the first one present wins. Sources: OpenTelemetry semantic conventions 1.44 and their older
# versions, OpenTracing's semantic conventions, Elastic Common Schema, Datadog's and Sentry's OTLP mappings.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "error.id": ("errorplane.error.id",),
    "error.kind": ("errorplane.error.kind",),
    "error.category": ("errorplane.error.category",),
    "error.fingerprint": ("errorplane.error.fingerprint",),
    "error.severity_hint": ("errorplane.error.severity_hint",),
    "error.handled": ("errorplane.error.handled",),
    "error.attempt": ("errorplane.error.attempt",),
    "export.unsampled": ("errorplane.export.unsampled",),
    "export.suppressed": ("errorplane.export.suppressed_count",),
    "component": ("errorplane.component", "app.component", "component.name"),
    "correlation_id": (
        "errorplane.correlation_id",
        "correlation_id",
        "correlation.id",
        "correlationId",
        "request_id",
        "request.id",
        "requestId",
        "http.request.id",
        "http.request.header.x-correlation-id",
        "http.request.header.x_correlation_id",
        "http.request.header.x-request-id",
        "http.request.header.x_request_id",
        "messaging.message.conversation_id",
    ),
    "exception.type": ("exception.type", "error.class", "exception.class", "error.kind", "error.object.class"),
    "error.type": ("error.type", "error.code"),
    "exception.message": ("exception.message", "error.message", "error.msg", "message"),
    "exception.stacktrace": ("exception.stacktrace", "error.stack", "error.stack_trace", "stack", "stacktrace"),
    "http.status": ("http.response.status_code", "http.status_code"),
    "grpc.status": ("rpc.response.status_code", "rpc.grpc.status_code", "grpc.status_code"),
    "service": ("service.name", "service", "app.name"),
    "environment": ("deployment.environment.name", "deployment.environment", "environment", "env"),
    "instance": ("service.instance.id", "k8s.pod.uid", "k8s.pod.name", "container.id", "host.id", "host.name"),
    "zone": ("cloud.availability_zone", "availability_zone", "zone"),
}


def plain(value: AnyValue) -> Value:
    """The scalar in an ``AnyValue``; an array gives its first scalar, a map or bytes give None."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return plain(value.array_value.values[0]) if value.array_value.values else None
    if kind in (None, "kvlist_value", "bytes_value"):
        return None
    scalar: str | bool | int | float = getattr(value, kind)
    return scalar


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Scalar attributes as a dictionary; of a key given twice, the last one."""
    return {pair.key: plain(pair.value) for pair in pairs}


def field(meaning: str, *sources: Mapping[str, Value]) -> Value:
    """The first value found for a meaning, looking through ``sources`` in order."""
    names = ALIASES[meaning]
    for source in sources:
        for name in names:
            value = source.get(name)
            if value is not None and value != "":
                return value
    return None


def text(meaning: str, *sources: Mapping[str, Value]) -> str | None:
    """Like ``field``, as a string."""
    value = field(meaning, *sources)
    return None if value is None else str(value)


def flag(meaning: str, *sources: Mapping[str, Value]) -> bool | None:
    """Like ``field``, if it is a boolean."""
    value = field(meaning, *sources)
    return value if isinstance(value, bool) else None


def number(meaning: str, *sources: Mapping[str, Value]) -> int | None:
    """Like ``field``, as an integer; None if it is not one."""
    value = field(meaning, *sources)
    try:
        return None if value is None else int(value)
    except ValueError:
        return None
