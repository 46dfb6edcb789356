"""JSON lines from the standard library's logging, for applications whose output is collected from a file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Unpack, cast

from errorplane.errors import ask
from errorplane.hooks._records import ARGUMENTS, COMPOSED, is_event
from errorplane.logs._event import NOTHING, Event, exception_in, extra_of, severity, severity_text
from errorplane.logs._json import text_of
from errorplane.logs._line import Lines, Options
from errorplane.logs._structlog import event_of_entries
from errorplane.logs._vocabulary import TIMESTAMP


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, severity, body, trace context, exception, context fields, `extra`.

    Exceptions carry the same type, message, error id and fingerprint as on spans. Values that JSON does not know are
    described; nothing that is logged can make it raise. For `dictConfig`: `{"()": "errorplane.logs.JsonFormatter"}`.

    `service_name` defaults to that of OpenTelemetry (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, or the resource
    of the tracer provider). Nothing that must be hidden reaches the line, unless `mask` is False; see `Options`.
    """

    def __init__(self, service_name: str | None = None, **options: Unpack[Options]) -> None:
        super().__init__()
        self._lines = Lines(service_name, **options)

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline."""
        composed = vars(record).get(COMPOSED)
        if isinstance(composed, dict) and TIMESTAMP in composed:
            return self._lines.written(composed, extra_of(record), vars(record).get(ARGUMENTS, NOTHING))
        return self._lines.line(event_of, record)


def event_of(record: logging.LogRecord) -> Event:
    """What a record says."""
    if is_event(record):
        return event_of_entries(cast(Mapping[str, Any], record.msg), record)
    error = exception_in(record.exc_info)
    return Event(
        nanoseconds=int(record.created * 1e9),
        severity_text=severity_text(record.levelname),
        severity_number=severity(record.levelno),
        body=_body(record),
        scope=record.name,
        attributes=extra_of(record),
        error=error,
        error_text=record.exc_text if error is None else None,
        stack=record.stack_info,
        code=(record.pathname, record.lineno, record.funcName),
        thread=(record.thread, record.threadName),
        arguments=record.args if isinstance(record.args, Mapping) else NOTHING,
    )


def _body(record: logging.LogRecord) -> str:
    # Arguments may not fit, or their __str__ may fail: the line must come out all the same.
    return ask(record.getMessage, "") or f"{text_of(record.msg)} {text_of(record.args or '')}".rstrip()
