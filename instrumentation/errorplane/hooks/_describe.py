"""The attributes that an exception gets wherever it is seen: on the span event, the span and the log record."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context

from errorplane.context import bound, error_fields, fields
from errorplane.errors import (
    ERROR_CATEGORY,
    ERROR_FINGERPRINT,
    ERROR_ID,
    ERROR_KIND,
    Occurrence,
    keep_fields,
    kept_fields,
)


def describe(
    error: BaseException, occurrence: Occurrence, service: str | None, context: Context | None = None
) -> dict[str, str]:
    """All attributes of an exception, in the one vocabulary.

    Of the context fields those that are bound here come first, then those kept from further in, then baggage.
    """
    trace_id = occurrence.trace_id
    found = fields(context)
    if trace_id:
        kept = kept_fields(error, trace_id)
        if kept:
            found = {**found, **kept, **bound()}
        elif found:
            keep_fields(error, trace_id, found)
    attributes = error_fields(found, service, trace_id)
    attributes[ERROR_ID] = occurrence.id
    attributes[ERROR_FINGERPRINT] = occurrence.fingerprint
    attributes[ERROR_KIND] = occurrence.kind.value
    if occurrence.category is not None:
        attributes[ERROR_CATEGORY] = occurrence.category.value
    return attributes


def keep_bound(error: BaseException, found: Mapping[str, str]) -> None:
    """Keep the fields of a block that an exception leaves, for the spans around that block.

    Only within a trace: elsewhere nothing tells a new error from a prepared object that is raised once more.
    """
    trace_id = trace.get_current_span().get_span_context().trace_id
    if trace_id and isinstance(error, Exception):
        keep_fields(error, trace_id, found)
