"""JSON lines from the standard library's logging, for applications whose output is collected from a file."""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.instrumentation.log_utils import std_to_otel

from errorplane.context import fields, service_of
from errorplane.errors import (
    ERROR_FINGERPRINT,
    ERROR_ID,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    SERVICE_NAME,
    ask,
    message_of,
    occurrence_of,
    qualified_type,
    random_id,
)
from errorplane.hooks import is_enabled
from errorplane.hooks._describe import describe
from errorplane.logs._json import text_of, to_json
from errorplane.masking import Mask, default_mask

# What every record has, as logging.makeLogRecord({}) shows, and what other formatters and the OpenTelemetry
# instrumentation leave on it. All other attributes came in through `extra`.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime", "message", "taskName", "otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName",
}  # fmt: skip
_SEVERITY: Final[Mapping[str, str]] = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_IDS: Final = frozenset(("timestamp", "trace_id", "span_id", "trace_flags", ERROR_ID, ERROR_FINGERPRINT))
_NANOSECONDS: Final = 1_000_000_000


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, severity, body, trace context, exception, context fields, `extra`.

    Exceptions carry the same type, message, error id and fingerprint as on spans. Values that JSON does not know are
    described; nothing that is logged can make it raise. For `dictConfig`: `{"()": "errorplane.logs.JsonFormatter"}`.

    `service_name` defaults to that of OpenTelemetry (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, or the resource
    of the tracer provider). With `mask` (True: the one of the settings), nothing that must be hidden reaches the line.
    """

    def __init__(
        self,
        service_name: str | None = None,
        *,
        mask: Mask | bool = False,
        environ: Mapping[str, str] = os.environ,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        super().__init__()
        self._mask = default_mask() if mask is True else mask or None
        self._service = service_name or _service_from(environ)
        self._enabled = is_enabled(environ)
        self._new_id = new_id

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline."""
        span = trace.get_current_span().get_span_context()
        line: dict[str, object] = {
            "timestamp": _rfc3339(int(record.created * 1e9)),
            "severity_text": _SEVERITY.get(record.levelname, record.levelname),
            "severity_number": ask(lambda: std_to_otel(record.levelno).value, 0),
            "body": _body(record),
            "otel.scope.name": record.name,
        }
        if service := self._service_name():
            line[SERVICE_NAME] = service
        if span.is_valid:
            line["trace_id"] = trace.format_trace_id(span.trace_id)
            line["span_id"] = trace.format_span_id(span.span_id)
            line["trace_flags"] = f"{span.trace_flags:02x}"
        line |= self._error(record, service, span.trace_id)
        if extra := {name: value for name, value in vars(record).items() if name not in _OWN}:
            line["attributes"] = extra
        return to_json(line if self._mask is None else _masked(line, self._mask))

    def _error(self, record: logging.LogRecord, service: str | None, trace_id: int) -> Mapping[str, object]:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is None:
            # A QueueHandler has turned the exception into text.
            text = {EXCEPTION_STACKTRACE: record.exc_text} if record.exc_text else {}
            return {**text, **(fields() if self._enabled else {})}
        found: dict[str, object] = {
            EXCEPTION_TYPE: qualified_type(error),
            EXCEPTION_MESSAGE: message_of(error),
            EXCEPTION_STACKTRACE: "".join(traceback.format_exception(error)),
        }
        if self._enabled:
            occurrence = occurrence_of(error, trace_id, self._new_id)
            found |= describe(error, occurrence, service)
            if not trace_id and occurrence.trace_id:  # logged where its trace is over
                found["trace_id"] = trace.format_trace_id(occurrence.trace_id)
        return found

    def _service_name(self) -> str | None:
        if self._service is None:
            # Asked each time until there is an answer: the provider may be set after logging is configured.
            resource: Any = getattr(trace.get_tracer_provider(), "resource", None)
            self._service = service_of(resource.attributes) if resource is not None else None
        return self._service


def _masked(line: Mapping[str, object], mask: Mask) -> dict[str, object]:
    return {name: value if name in _IDS else mask.value(value, name) for name, value in line.items()}


def _service_from(environ: Mapping[str, str]) -> str | None:
    if name := environ.get("OTEL_SERVICE_NAME"):
        return name
    for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, _, value = pair.partition("=")
        if key.strip() == SERVICE_NAME and value.strip():
            return value.strip()
    return None


def _body(record: logging.LogRecord) -> str:
    # Arguments may not fit, or their __str__ may fail: the line must come out all the same.
    return ask(record.getMessage, "") or f"{text_of(record.msg)} {text_of(record.args or '')}".rstrip()


def _rfc3339(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _NANOSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"
