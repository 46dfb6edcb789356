"""What happens to a log record: context fields, and our attributes of the exception that it reports."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, cast

from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord

from errorplane.context import fields, service_of
from errorplane.errors import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    message_of,
    occurrence_of,
    qualified_type,
)
from errorplane.hooks._attachment import HANDLED, Attachment
from errorplane.hooks._describe import describe
from errorplane.hooks._guard import GUARD

_NOBODY: Final = False


class ContextLogProcessor(LogRecordProcessor):
    """Writes the context fields on every log record, and on those of exceptions what spans get too, and their trace.

    Must stand before the exporting processors, which copy or send the record at once.
    """

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if self._attachment.active:
            GUARD.run("on_emit", self._emit, log_record)

    def enabled(self, **_: Any) -> bool:
        """A logger is enabled when any processor says so; this one only adds to what others want."""
        return _NOBODY

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        return True

    def _emit(self, readable: ReadWriteLogRecord) -> None:
        record = readable.log_record
        attributes = cast(MutableMapping[str, object], record.attributes)
        handled = HANDLED.get() if record.exception is None else None
        error = record.exception if handled is None else handled
        if error is None:
            error = _being_handled(attributes)
        if error is None:
            found = fields(record.context)
        else:
            service = service_of(readable.resource.attributes) if readable.resource else None
            occurrence = occurrence_of(error, record.trace_id or 0, self._attachment.new_id)
            found = describe(error, occurrence, service, record.context)
            if not record.trace_id and occurrence.trace_id:
                # Logged where its trace is over: without the id, the record would not go where its trace goes.
                record.trace_id = occurrence.trace_id
        if handled is not None:
            _spell_as_on_spans(attributes, handled)
        if found:
            written = set(attributes)  # asking the SDK's mapping for each name that is not there is dear
            for name, value in found.items():
                if name not in written:
                    attributes[name] = value


def _being_handled(attributes: Mapping[str, object]) -> BaseException | None:
    """The exception of a record that has only text of it, as bridges of other logging libraries write them."""
    error = sys.exc_info()[1]
    if error is None or attributes.get(EXCEPTION_TYPE) not in (type(error).__name__, qualified_type(error)):
        return None
    return error


def _spell_as_on_spans(attributes: MutableMapping[str, object], error: BaseException) -> None:
    """The handlers of the standard library's logging write the bare class name and the first argument."""
    attributes[EXCEPTION_TYPE] = qualified_type(error)
    attributes[EXCEPTION_MESSAGE] = message_of(error)
    if EXCEPTION_STACKTRACE not in attributes:
        attributes[EXCEPTION_STACKTRACE] = "".join(traceback.format_exception(error))
