"""Which spans are errors, and the copies of them that leave although their trace was not sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes, AttributeValue

from errorplane.errors import (
    ERROR_FINGERPRINT,
    ERROR_ID,
    ERROR_TYPE,
    EXPORT_SUPPRESSED_COUNT,
    EXPORT_UNSAMPLED,
)

_EXCEPTION: Final = "exception"
_KEY: Final = "ot"
_THRESHOLD: Final = "th"
_CERTAIN: Final = f"{_THRESHOLD}:0"
_MAX_MEMBERS: Final = 32  # W3C trace context
_TYPE_LENGTH: Final = 100


def is_sampled(span: ReadableSpan) -> bool:
    """Whether the span's trace was sampled."""
    context = span.get_span_context()
    return context is not None and bool(context.trace_flags & TraceFlags.SAMPLED)


def is_error(span: ReadableSpan) -> bool:
    """Status ERROR; or, unless the status says OK, an exception event. The pipeline sees errors in the same way."""
    code = span.status.status_code
    if code is StatusCode.ERROR:
        return True
    return code is not StatusCode.OK and any(event.name == _EXCEPTION for event in span.events)


def is_marked(span: ReadableSpan) -> bool:
    """Whether this is a copy that `unsampled_copy` made."""
    return span.attributes is not None and EXPORT_UNSAMPLED in span.attributes


def occurrence_id(span: ReadableSpan) -> str | None:
    """`errorplane.error.id`, if an exception reached the span."""
    return _text(span, ERROR_ID)


def fingerprint_of(span: ReadableSpan) -> str:
    """`errorplane.error.fingerprint`; of a span that failed without an exception, its scope, name and `error.type`."""
    found = _text(span, ERROR_FINGERPRINT)
    if found is not None:
        return found
    scope = span.instrumentation_scope
    kind = (_text(span, ERROR_TYPE) or "")[:_TYPE_LENGTH]
    return f"{scope.name if scope else ''}\0{span.name[:_TYPE_LENGTH]}\0{kind}"


def unsampled_copy(span: ReadableSpan, suppressed: int) -> ReadableSpan:
    """The span as it is exported: marked, and sampled as far as exporting processors look at it.

    Such a span leaves with probability 1, so it counts as one, and its trace state says `ot=th:0`. One that carries a
    count of `suppressed` others has no threshold: nobody can say with which probability it was chosen.
    """
    marks: dict[str, AttributeValue] = {EXPORT_UNSAMPLED: True}
    if suppressed:
        marks[EXPORT_SUPPRESSED_COUNT] = suppressed
    attributes = BoundedAttributes(attributes={**(span.attributes or {}), **marks})
    attributes.dropped = span.dropped_attributes
    context = span.get_span_context()
    assert context is not None  # every span that was started has one
    state = with_threshold(context.trace_state, None if suppressed else _CERTAIN)
    return _copy(span, _with(context, TraceFlags(context.trace_flags | TraceFlags.SAMPLED), state), attributes)


def certain(spans: Sequence[ReadableSpan]) -> Sequence[ReadableSpan]:
    """The spans of a batch, with `ot=th:0` on the sampled ones that are errors.

    Errors of sampled and of other traces all leave, so each counts as one. With the threshold of the sampler, which
    says how many spans a sampled one stands for, errors would be counted twice.
    """
    return [_certain(span) for span in spans]


def _certain(span: ReadableSpan) -> ReadableSpan:
    context = span.get_span_context()
    if context is None or _KEY not in context.trace_state:
        return span  # its sampler says nothing, and what is not said counts as one
    if not is_error(span) or is_marked(span):
        return span
    state = with_threshold(context.trace_state, _CERTAIN)
    return _copy(span, _with(context, context.trace_flags, state), span.attributes)


def with_threshold(state: TraceState, threshold: str | None) -> TraceState:
    """The trace state with this `th:` in its entry `ot`, or without one. Everything else in it stays.

    The entry is that of OpenTelemetry's "TraceState Handling": pairs `key:value` between semicolons.
    """
    given = state.get(_KEY) or ""
    pairs = [pair for pair in given.split(";") if pair and pair.partition(":")[0] != _THRESHOLD]
    if threshold is not None:
        pairs.append(threshold)
    if not pairs:
        return state.delete(_KEY) if given else state
    if not given and len(state) >= _MAX_MEMBERS:
        return state  # there is no room, and what is not said counts as one
    return state.update(_KEY, ";".join(pairs))


def _with(context: SpanContext, flags: TraceFlags, state: TraceState) -> SpanContext:
    return SpanContext(context.trace_id, context.span_id, context.is_remote, flags, state)


def _copy(span: ReadableSpan, context: SpanContext, attributes: Attributes) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _text(span: ReadableSpan, name: str) -> str | None:
    value = span.attributes.get(name) if span.attributes else None
    return value if isinstance(value, str) else None
