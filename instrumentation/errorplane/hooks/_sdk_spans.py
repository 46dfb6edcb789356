"""The private parts of the SDK's spans, beside those in `_sdk`: how attributes are kept, and who records exceptions."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, Final

from opentelemetry.context import get_current

from errorplane.context import bound, fields
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._guard import GUARD

_CHAINED: Final = 3  # others' functions around `record_exception`, each calling the next
_INSTRUMENTATION: Final = "opentelemetry.instrumentation"
_FIRST: Final = "errorplane.error."
_OTHERS: Final = ("sentry_sdk", "errorplane.hooks")


def put(span: Any, found: Mapping[str, Any]) -> None:
    """`span.set_attributes` for names and values that are known to be good: a tenth of its cost, where no limit is near.

    On a span that is full the SDK would drop the application's oldest attributes for ours: only what has room is set.
    """
    try:
        attributes = span._attributes
        held = attributes._dict
        if attributes.maxlen is not None and len(held) + len(found) > attributes.maxlen:
            found = _fitting(found, held, attributes.maxlen - len(held))
        if attributes.max_value_len is None:
            with span._lock:
                if span._end_time is None:
                    held.update(found)
                    return
    except AttributeError:
        pass  # another SDK keeps them elsewhere
    span.set_attributes(found)


def _fitting(found: Mapping[str, Any], held: Mapping[str, Any], room: int) -> Mapping[str, Any]:
    """What is on the span already, and of the rest as much as there is room for: first what tells of the error."""
    new = sorted((name for name in found if name not in held), key=lambda name: not name.startswith(_FIRST))
    taken = {*new[: max(0, room)]}
    return {name: value for name, value in found.items() if name in held or name in taken}


def chain_start(attachment: Attachment, previous: Callable[..., None]) -> Callable[..., None]:
    """`Span.start` with the context fields on the span, before any processor sees it.

    A span processor would do, but the SDK calls each three times a span; most spans have no fields.
    """
    baggage_key = importlib.import_module("opentelemetry.baggage")._BAGGAGE_KEY
    current = _current_context()

    @functools.wraps(previous)
    def start(self: Any, start_time: int | None = None, parent_context: Any = None) -> None:
        found = bound()
        if baggage_key in (current() if parent_context is None else parent_context):
            found = GUARD.run("on_start", fields, parent_context) or found
        if found and attachment.active:
            GUARD.run("on_start", put, self, found)
        previous(self, start_time, parent_context)

    return start


def _current_context() -> Callable[[], Any]:
    """`get_current`, without the two functions that the SDK puts around its context variable."""
    runtime = getattr(importlib.import_module("opentelemetry.context"), "_RUNTIME_CONTEXT", None)
    variable = getattr(runtime, "_current_context", None)
    return variable.get if isinstance(variable, ContextVar) else get_current


def add_event(span: Any, name: str, attributes: Mapping[str, Any], timestamp: int | None) -> None:
    """`span.add_event`, likewise."""
    try:
        limits = span._limits
        if limits.max_attribute_length is None and (
            limits.max_event_attributes is None or len(attributes) <= limits.max_event_attributes
        ):
            event_class = importlib.import_module("opentelemetry.sdk.trace").Event
            held = type(span._attributes)(limits.max_event_attributes, immutable=False)
            held._dict.update(attributes)
            held._immutable = True
            span._add_event(event_class(name=name, attributes=held, timestamp=timestamp))
            return
    except AttributeError:
        pass  # another SDK makes them otherwise
    span.add_event(name, attributes, timestamp)


def leaving_codes() -> frozenset[CodeType]:
    """The code that records an exception because it leaves a span."""
    use_span = importlib.import_module("opentelemetry.trace").use_span
    span_class = importlib.import_module("opentelemetry.sdk.trace").Span
    return frozenset((use_span.__wrapped__.__code__, span_class.__exit__.__code__))


def caller_of(frame: FrameType | None, codes: frozenset[CodeType]) -> tuple[bool, bool]:
    """Whether the exception is leaving the span, and whether an instrumentation records it: by who calls."""
    outer = frame
    for _ in range(_CHAINED):
        if outer is None:
            break
        if outer.f_code in codes:
            return True, False
        outer = outer.f_back
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OTHERS):
        frame = frame.f_back
    return False, frame is not None and frame.f_globals.get("__name__", "").startswith(_INSTRUMENTATION)


def is_of_the_sdk(function: Callable[..., Any]) -> bool:
    """Whether a method of the SDK's is the one it came with: wrappers take its name, but not its code."""
    code = getattr(function, "__code__", None)
    sdk = importlib.import_module("opentelemetry.sdk.trace")
    return isinstance(code, CodeType) and code.co_filename == sdk.__file__ and not hasattr(function, "__wrapped__")


def frame_of_caller() -> FrameType | None:
    """The frame that called the function that asks."""
    return sys._getframe(2)
