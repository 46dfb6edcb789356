"""What happens to a span: context fields when it starts, and a full record of an exception once per trace."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.util.types import Attributes

from errorplane.context import fields, service_of
from errorplane.errors import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    UNPRINTABLE,
    Occurrence,
    mark_recorded,
    message_of,
    occurrence_of,
    qualified_type,
)
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._describe import describe
from errorplane.hooks._guard import GUARD

RecordException = Callable[[Span, BaseException, Attributes, int | None, bool], None]
_EVENT: Final = "exception"


class ContextSpanProcessor(SpanProcessor):
    """Writes the context fields on every span, if there are any."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self._attachment.active:
            GUARD.run("on_start", _start, span, parent_context)


def _start(span: Span, context: Context | None) -> None:
    if found := fields(context):
        span.set_attributes(found)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to write of an exception that reaches a span."""

    occurrence: Occurrence
    attributes: dict[str, str]


def record(
    attachment: Attachment,
    previous: RecordException,
    span: Span,
    error: BaseException,
    attributes: Attributes,
    timestamp: int | None,
    escaped: bool,
) -> None:
    """Stand in for `Span.record_exception`, with what was there before as `previous`.

    The first span of a trace gets the event with the stack trace; each span gets our attributes. An outer span gets a
    further event only where the caller gave attributes of its own for it.
    """
    plan = GUARD.run("record_exception", _plan, attachment, span, error)
    if plan is None:
        previous(span, error, attributes, timestamp, escaped)
        return
    merged = {**plan.attributes, **(attributes or {})}
    if not plan.occurrence.recorded:
        _first(previous, span, error, merged, timestamp, escaped)
        GUARD.run("mark_recorded", mark_recorded, error, plan.occurrence)
    elif attributes:
        span.add_event(_EVENT, {**_type_and_message(error), **merged}, timestamp)


def _plan(attachment: Attachment, span: Span, error: BaseException) -> _Plan | None:
    if not isinstance(error, BaseException) or not span.is_recording():
        return None
    occurrence = occurrence_of(error, span.get_span_context().trace_id, attachment.new_id)
    attributes = describe(error, occurrence, service_of(span.resource.attributes))
    span.set_attributes(attributes)
    return _Plan(occurrence, attributes)


def _first(
    previous: RecordException,
    span: Span,
    error: BaseException,
    attributes: Attributes,
    timestamp: int | None,
    escaped: bool,
) -> None:
    if message_of(error) is not UNPRINTABLE:
        previous(span, error, attributes, timestamp, escaped)
        return
    # The SDK would let the failure of the application's __str__ out, in place of the exception itself.
    stack = "".join(traceback.format_exception(error))
    event = {**_type_and_message(error), EXCEPTION_STACKTRACE: stack, **(attributes or {})}
    span.add_event(_EVENT, event, timestamp)


def _type_and_message(error: BaseException) -> dict[str, str]:
    return {EXCEPTION_TYPE: qualified_type(error), EXCEPTION_MESSAGE: message_of(error)}
