"""The attributes that an exception gets wherever it is seen: on the span event, the span and the log record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.context import Context

from errorplane.context import error_fields
from errorplane.errors import ERROR_CATEGORY, ERROR_FINGERPRINT, ERROR_ID, ERROR_KIND, Occurrence, occurrence_of

NewId = Callable[[], str]


def describe(occurrence: Occurrence, service: str | None, context: Context | None = None) -> dict[str, str]:
    """All attributes of an occurrence, in the one vocabulary."""
    attributes = error_fields(service, occurrence.trace_id, context)
    attributes[ERROR_ID] = occurrence.id
    attributes[ERROR_FINGERPRINT] = occurrence.fingerprint
    attributes[ERROR_KIND] = occurrence.kind.value
    if occurrence.category is not None:
        attributes[ERROR_CATEGORY] = occurrence.category.value
    return attributes


def describe_error(
    error: BaseException, trace_id: int, service: str | None, new_id: NewId, context: Context | None = None
) -> Mapping[str, str]:
    """As `describe`, for an exception that is looked up first."""
    return describe(occurrence_of(error, trace_id, new_id), service, context)
