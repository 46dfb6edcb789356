"""What `errorplane.logs.ContextFilter` leaves on records of the standard library's logging, and what they were before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, get_current

from errorplane.errors import EXCEPTION_TYPE

COMPOSED: Final = "errorplane_composed"
"""Attribute of a record with what was known where it was logged, as a line of JSON tells it."""
SET: Final = "errorplane_set"
"""Attribute with the names that the filter has set for format strings, which nobody gave as `extra`."""
_TOLD: Final = ("exception.", "errorplane.")


def as_logged(record: logging.LogRecord) -> tuple[logging.LogRecord, Context]:
    """The record without what the filter has put on it, and the context in which it was logged.

    Up to Python 3.11 handlers that come after the filter see the former, too. Behind a queue, which takes the exception
    away, the record has its attributes instead.
    """
    record = copy(record)
    known = vars(record)
    composed: Mapping[str, Any] = known.pop(COMPOSED)
    for name in known.pop(SET, ()):
        known.pop(name, None)
    if not record.exc_info and EXCEPTION_TYPE in composed:
        record.msg, record.args = composed["body"], None
        known.update({name: value for name, value in composed.items() if name.startswith(_TOLD)})
    return record, _context(composed)


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
