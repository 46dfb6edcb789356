"""What happens to a span: a full record of an exception once per trace, and a reference on every span it reaches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.trace import Span
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import Attributes

from errorplane.context import service_of
from errorplane.errors import (
    ERROR_TYPE,
    EXCEPTION_MESSAGE,
    MESSAGE_LENGTH,
    UNPRINTABLE,
    ErrorEvent,
    Occurrence,
    ask,
    known_occurrence,
    message_of,
    remember,
    shorten,
)
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._callbacks import anybody_asks
from errorplane.hooks._describe import Value, Where, deployment_of, event_of, full, short, words_of
from errorplane.hooks._emit import emit, open_logger
from errorplane.hooks._guard import GUARD
from errorplane.hooks._signal import EXCEPTION_EVENT, Signal, event_name, is_artificial, severity_of
from errorplane.hooks._stand_in import StandIn

RecordException = Callable[[Any, BaseException, Attributes, int | None, bool], None]


class Writer(NamedTuple):
    """How attributes that are known to be good, and an event with such, get onto a span."""

    attributes: Callable[[Span, Mapping[str, Value]], None]
    event: Callable[[Span, str, Mapping[str, Value], int | None], None]


_ESCAPED: Final = "exception.escaped"
_AWAITED: Final = (SpanKind.CLIENT, SpanKind.PRODUCER)
_TEXT_BEFORE: Final = 200  # the longest `Type: ` that is looked for before the message in the text of a status


class Caller(NamedTuple):
    """Who records an exception: whether it is leaving the span, and whether that is an instrumentation's own code."""

    leaves: bool
    instrumentation: bool = False


class Recording(NamedTuple):
    """One call of `Span.record_exception`."""

    span: Span
    error: BaseException
    attributes: Attributes
    timestamp: int | None
    escaped: bool
    caller: Caller


def record(attachment: Attachment, previous: RecordException, writer: Writer, call: Recording, *, chain: bool) -> None:
    """Stand in for `Span.record_exception`, with what was there before as `previous`: with `chain` not the SDK's own.

    The first span of a trace gets the event with the stack trace; each span gets our attributes. An outer span gets a
    further event only where the caller gave attributes of its own for it. The others see each first exception, too, and
    what they add to the event is on ours.
    """
    span, error = call.span, call.error
    if not span.is_recording():
        return
    seen = GUARD.run("record_exception", _see, attachment, call)
    if seen is None:  # our failure: better the SDK's own record than none
        previous(span, error, call.attributes, call.timestamp, call.escaped)
        return
    occurrence, event = seen
    added: Attributes = None
    if chain and not occurrence.recorded and message_of(error) is not UNPRINTABLE:
        others = StandIn(span)
        previous(others, error, call.attributes, call.timestamp, call.escaped)
        added = others.added
    if event is None:
        remember(error, occurrence)
        return
    if not GUARD.run("record_exception", _write, attachment, writer, call, occurrence, event, added):
        previous(span, error, call.attributes, call.timestamp, call.escaped)


def _see(attachment: Attachment, call: Recording) -> tuple[Occurrence, ErrorEvent | None]:
    span = call.span
    attempt = attempt_of(span.attributes or {}, call.error)
    return event_of(attachment, call.error, _where(span), handled=_handled(span, call.caller), attempt=attempt)


def _where(span: Span) -> Where:
    resource = span.resource.attributes
    return Where(span.get_span_context().trace_id, service_of(resource), deployment_of(resource), span.name)


def _handled(span: Span, caller: Caller) -> bool | None:
    """Recorded by the application's own code it is handled, as far as that tells; at the edge of the service it is not.

    What leaves a call to others, the code around that call may still handle, also where no span is around it.
    """
    if not caller.leaves and not caller.instrumentation:
        return True
    parent = span.parent
    at_the_edge = (parent is None or parent.is_remote) and span.kind not in _AWAITED
    return False if at_the_edge else None


def attempt_of(attributes: Mapping[str, Any], error: BaseException) -> int | None:
    """Which attempt it was, from 1 on, as instrumentations (HTTP, Celery) and retrying libraries (tenacity) tell."""
    for name in ("http.request.resend_count", "celery.retries"):
        again = attributes.get(name)
        if type(again) is int:
            return again + 1
    last = ask(lambda: getattr(getattr(error, "last_attempt", None), "attempt_number", None), None)
    return last if type(last) is int else None


def _write(
    attachment: Attachment,
    writer: Writer,
    call: Recording,
    occurrence: Occurrence,
    event: ErrorEvent,
    added: Attributes,
) -> bool:
    reference = short(event)
    writer.attributes(call.span, reference)
    is_first = not occurrence.recorded
    if is_first:
        remember(call.error, occurrence._replace(recorded=True))
    elif occurrence is not known_occurrence(call.error):
        remember(call.error, occurrence)
    if is_first:
        record_of_it = full(attachment, event, occurrence)
    elif call.attributes:
        record_of_it = {**reference, **words_of(event)}
    else:
        return True
    own = call.attributes or {}
    as_log = attachment.signal is not Signal.EVENTS and _write_log(attachment, call, event, {**record_of_it, **own})
    if as_log and attachment.signal is Signal.LOGS:
        return True
    written = {**record_of_it, _ESCAPED: str(call.escaped)}
    if own or added:
        theirs = {**(added or {}), **own, **_changed(occurrence, event)}
        call.span.add_event(EXCEPTION_EVENT, _bounded({**written, **theirs}), call.timestamp)
    else:
        writer.event(call.span, EXCEPTION_EVENT, written, call.timestamp)
    return True


def _changed(occurrence: Occurrence, event: ErrorEvent) -> Mapping[str, Value]:
    """What the application had changed holds also against what others wrote."""
    return words_of(event) if occurrence.changes else {}


def _bounded(attributes: dict[str, Any]) -> dict[str, Any]:
    message = attributes[EXCEPTION_MESSAGE]
    if isinstance(message, str) and len(message) > MESSAGE_LENGTH:
        attributes[EXCEPTION_MESSAGE] = shorten(message, MESSAGE_LENGTH)
    return attributes


def _write_log(attachment: Attachment, call: Recording, event: ErrorEvent, attributes: Mapping[str, Any]) -> bool:
    """Whether a log record stands for the exception now, or none is to."""
    span = call.span
    own = span.attributes or {}
    scope = span.instrumentation_scope
    name, severity = event_name(span.kind, own), severity_of(event, span.kind)
    logger = open_logger(scope.name if scope else "errorplane", name, severity)
    if logger is None:
        return False
    if ERROR_TYPE not in own:
        span.set_attribute(ERROR_TYPE, event.type)  # nothing else tells it there
    if not is_artificial(event.exception):
        on_span = attachment.signal is Signal.BOTH
        emit(
            logger,
            event,
            attributes,
            event_name=name,
            severity=severity,
            span=span,
            on_span=on_span,
            timestamp=call.timestamp,
        )
    return True


def settle(attachment: Attachment, span: Span, text: str) -> str | None:
    """The text of an ERROR status as it is to be written; None for one that only tells of an error that is dropped."""
    error = sys.exc_info()[1]
    if error is None or not anybody_asks(attachment) or not _tells(text, error):
        return shorten(text, MESSAGE_LENGTH)
    occurrence, event = event_of(attachment, error, _where(span))
    if occurrence is not known_occurrence(error):
        remember(error, occurrence)
    if event is None:
        return None
    if occurrence.changes:
        text = f"{event.type.rpartition('.')[2]}: {event.message}"
    return shorten(text, MESSAGE_LENGTH)


def _tells(text: str, error: BaseException) -> bool:
    message = message_of(error)
    return not text or (text.endswith(message) and len(text) - len(message) <= _TEXT_BEFORE)
