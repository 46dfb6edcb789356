"""What `errorplane.logs.ContextFilter` and structlog leave on records of the standard library's logging, and what was
logged."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from typing import Any, Final, cast

from opentelemetry import trace
from opentelemetry.context import Context, get_current

from errorplane.errors import EXCEPTION_STACKTRACE, EXCEPTION_TYPE

COMPOSED: Final = "errorplane_composed"
"""Attribute of a record with what was known where it was logged, as a line of JSON tells it."""
SET: Final = "errorplane_set"
"""Attribute with the names that the filter has set for format strings, which nobody gave as `extra`."""
ARGUMENTS: Final = "errorplane_arguments"
"""Attribute with what went into the message by name, which a queue makes text of."""
OF_STRUCTLOG: Final = ("_logger", "_name")
"""Attributes with which structlog's `wrap_for_formatter` marks a record whose message is a whole event."""
_TOLD: Final = ("exception.", "errorplane.")


def is_event(record: logging.LogRecord) -> bool:
    """Whether structlog made it with `wrap_for_formatter`."""
    return OF_STRUCTLOG[0] in vars(record) and isinstance(record.msg, Mapping)


def is_marked(record: logging.LogRecord) -> bool:
    """Whether it has to be made what it was when it was logged."""
    return COMPOSED in vars(record) or is_event(record)


def as_logged(record: logging.LogRecord) -> tuple[logging.LogRecord, Context]:
    """The record without what the filter or structlog has put on it, and the context in which it was logged.

    Up to Python 3.11 handlers that come after the filter see the former, too. Behind a queue, which takes the exception
    away, the record has its attributes instead. Of an event of structlog's, message and exception are the record's, the
    rest its `extra`, with `_` at the end of names that each record has.
    """
    record = copy(record)
    known = vars(record)
    composed: Mapping[str, Any] | None = known.pop(COMPOSED, None)
    if composed is None:
        _take_apart(record)
        return record, get_current()
    names = known.pop(SET, ())
    for name in names:
        known.pop(name, None)
    from_structlog = OF_STRUCTLOG[0] in names
    if from_structlog:
        _add(known, composed.get("attributes", {}))
    if from_structlog or (not record.exc_info and EXCEPTION_TYPE in composed):
        record.msg, record.args = composed["body"], None
        known.update({name: value for name, value in composed.items() if name.startswith(_TOLD)})
    return record, _context(composed)


def _take_apart(record: logging.LogRecord) -> None:
    # Here, since what knows structlog need not be loaded by applications that do not use it.
    from errorplane.logs._structlog import event_of_entries

    known = vars(record)
    event = event_of_entries(cast(Mapping[str, Any], record.msg), record)
    for name in OF_STRUCTLOG:
        known.pop(name, None)
    record.msg, record.args = event.body, None
    if event.error is not None:
        record.exc_info = (type(event.error), event.error, event.error.__traceback__)
    elif event.error_text:
        known[EXCEPTION_STACKTRACE] = event.error_text
    _add(known, event.attributes)


def _add(known: dict[str, Any], attributes: Mapping[str, object]) -> None:
    for name, value in attributes.items():
        known[f"{name}_" if name in known else name] = value


def _context(composed: Mapping[str, Any]) -> Context:
    here, span = get_current(), trace.get_current_span().get_span_context()
    if "span_id" not in composed or trace.format_span_id(span.span_id) == composed["span_id"]:
        return here
    there = trace.SpanContext(
        int(composed["trace_id"], 16),
        int(composed["span_id"], 16),
        is_remote=False,
        trace_flags=trace.TraceFlags(int(composed["trace_flags"], 16)),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(there), here)
