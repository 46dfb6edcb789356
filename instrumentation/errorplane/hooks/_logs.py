"""What happens to a log record: context fields, and our attributes of the exception that it reports."""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, cast

from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord

from errorplane.context import fields, service_of
from errorplane.errors import (
    ERROR_DROPPED,
    ERROR_ID,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    STACKTRACE_LENGTH,
    ErrorEvent,
    Occurrence,
    known_occurrence,
    qualified_type,
    remember,
    shorten,
    stacktrace,
)
from errorplane.hooks._attachment import BY_LIBRARY, HANDLED, REPORTED, Attachment
from errorplane.hooks._describe import Value, Where, chains, deployment_of, event_of, short, stack_of, words_of
from errorplane.hooks._extras import extras
from errorplane.hooks._guard import GUARD

_NOBODY: Final = False


class ContextLogProcessor(LogRecordProcessor):
    """Writes the context fields on every log record, and on those of exceptions what spans get too, and their trace.

    Must stand before the exporting processors, which copy or send the record at once.
    """

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._attachment.active and not GUARD.run("on_emit", self._emit, log_record):
            GUARD.run("on_emit", _at_least_the_stack_trace, log_record.log_record)

    def enabled(self, **_: Any) -> bool:
        """A logger is enabled when any processor says so; this one only adds to what others want."""
        return _NOBODY

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True

    def _emit(self, readable: ReadWriteLogRecord) -> bool:
        record = readable.log_record
        attributes = cast(MutableMapping[str, object], record.attributes)
        reported = REPORTED.get()
        if reported is not None and attributes.get(ERROR_ID) != reported.event.id:
            reported = None  # an exporter that logs something while it takes ours
        if reported is not None:
            record.exception = reported.event.exception  # all attributes are on it already
        else:
            self._describe(readable, record, attributes)
        if self._attachment.bridge and (reported is None or not reported.on_span):
            bridge(record)
        return True

    def _describe(
        self, readable: ReadWriteLogRecord, record: LogRecord, attributes: MutableMapping[str, object]
    ) -> None:
        error = record.exception if record.exception is not None else HANDLED.get()
        if error is None:
            error = _being_handled(attributes)
        if error is None:
            _add(attributes, fields(record.context))
            return
        resource = readable.resource.attributes if readable.resource else {}
        where = Where(
            record.trace_id or 0, service_of(resource), deployment_of(resource), _operation(record), record.context
        )
        occurrence, event = event_of(self._attachment, error, where, handled=None if BY_LIBRARY.get() else True)
        if not occurrence.logged:
            occurrence = occurrence._replace(logged=True)
        if occurrence is not known_occurrence(error):
            remember(error, occurrence)
        if not record.trace_id and occurrence.trace_id:
            # Logged where its trace is over: without the id, the record would not go where its trace goes.
            record.trace_id = occurrence.trace_id
        if event is None:
            _drop(record, attributes)
            _add(attributes, {**fields(record.context), ERROR_DROPPED: True})
            return
        _spell_as_on_spans(attributes, event, occurrence)
        found = short(event)
        if not occurrence.recorded:
            found |= {**chains(event), **extras(self._attachment, event)}
        _add(attributes, found)


def _at_least_the_stack_trace(record: LogRecord) -> None:
    """Our failure must not cost what the handler has left to us."""
    attributes = cast(MutableMapping[str, object], record.attributes)
    error = HANDLED.get()
    if error is not None and EXCEPTION_STACKTRACE not in attributes:
        attributes[EXCEPTION_STACKTRACE] = shorten(stacktrace(error), STACKTRACE_LENGTH)


def bridge(record: LogRecord) -> None:
    """The event to span event bridge of OpenTelemetry's specification (specification/logs/sdk.md, v1.56).

    A record with an event name becomes an event of the current span too, if that is recording and the one it names.
    """
    if not record.event_name or not record.trace_id or not record.span_id:
        return
    span = trace.get_current_span(record.context)
    own = span.get_span_context()
    if span.is_recording() and (own.trace_id, own.span_id) == (record.trace_id, record.span_id):
        span.add_event(record.event_name, record.attributes, record.timestamp or record.observed_timestamp)


def _add(attributes: MutableMapping[str, object], found: Mapping[str, Value]) -> None:
    if found:
        written = set(attributes)  # asking the SDK's mapping for each name that is not there is dear
        for name, value in found.items():
            if name not in written:
                attributes[name] = value


def _drop(record: LogRecord, attributes: MutableMapping[str, object]) -> None:
    """The line stays, since the application wrote it, but tells of no error."""
    record.exception = None
    for name in [name for name in attributes if name.startswith("exception.")]:
        del attributes[name]


def _operation(record: LogRecord) -> str | None:
    """The name of the span in which it is logged."""
    name = getattr(trace.get_current_span(record.context), "name", None)
    return name if isinstance(name, str) else None


def _being_handled(attributes: Mapping[str, object]) -> BaseException | None:
    """The exception of a record that has only text of it, as bridges of other logging libraries write them."""
    error = sys.exc_info()[1]
    if error is None or attributes.get(EXCEPTION_TYPE) not in (type(error).__name__, qualified_type(error)):
        return None
    return error


def _spell_as_on_spans(attributes: MutableMapping[str, object], event: ErrorEvent, occurrence: Occurrence) -> None:
    """Handlers and bridges of logging libraries write the bare class name and the first argument."""
    for name, value in words_of(event).items():
        if attributes.get(name) != value:
            attributes[name] = value
    stack = attributes.get(EXCEPTION_STACKTRACE)
    if not isinstance(stack, str) or occurrence.changes:
        attributes[EXCEPTION_STACKTRACE] = stack_of(event, occurrence)
    elif len(stack) > STACKTRACE_LENGTH:
        attributes[EXCEPTION_STACKTRACE] = shorten(stack, STACKTRACE_LENGTH)
