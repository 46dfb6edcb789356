"""What the application says about its errors: `on_error` callbacks and the ignore list."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from errorplane.errors import DROPPED, ErrorEvent, leaves, qualified_type
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._guard import GUARD

OnError = Callable[[ErrorEvent], ErrorEvent | None]
_callbacks: Final[list[OnError]] = []
_asking: Final[ContextVar[bool]] = ContextVar("errorplane_asking", default=False)
_CHANGEABLE: Final = (
    "category",
    "fingerprint",
    "kind",
    "severity",
    "type",
    "message",
    "attempt",
    "handled",
    "component",
)


def on_error(callback: OnError) -> Callable[[], None]:
    """Show every error to the callback before anything is written of it; returns what takes the callback back.

    It returns the event, one made from it with `event.replace`, or None, with which the error is dropped everywhere.
    A callback that raises is counted (see `GUARD`), and the event goes on unchanged. Each occurrence is shown once.
    """
    _callbacks.append(callback)

    def take_back() -> None:
        if callback in _callbacks:
            _callbacks.remove(callback)

    return take_back


def named(name: str) -> OnError:
    """The callback `module:function`, which is imported with the first error: at the start it may not be complete."""
    module, _, path = name.partition(":")

    def call(event: ErrorEvent) -> ErrorEvent | None:
        return _found(module, path)(event)

    return call


@lru_cache(maxsize=8)
def _found(module: str, path: str) -> OnError:
    target: Any = importlib.import_module(module)
    for part in path.split("."):
        target = getattr(target, part)
    found: OnError = target
    return found


def anybody_asks(attachment: Attachment) -> bool:
    """Whether the application has anything to say about errors."""
    return bool(_callbacks or attachment.ignore)


def verdict(attachment: Attachment, event: ErrorEvent) -> Mapping[str, Any]:
    """What the application makes of the event, by field: nothing where it leaves it as it is, DROPPED where it drops it.

    Of `fields` only those that it changed, with None for what it took away.
    """
    if attachment.ignore and _is_ignored(attachment.ignore, event.exception):
        return DROPPED
    if _asking.get():
        return {}  # a callback logs the error that it is shown
    token = _asking.set(True)
    try:
        answer = _answer_of_all(event)
    finally:
        _asking.reset(token)
    if answer is None:
        return DROPPED
    return {} if answer is event else dict(_changes(event, answer))


def changed(event: ErrorEvent, changes: Mapping[str, Any]) -> ErrorEvent:
    """The event with the changes that `verdict` found."""
    if "fields" not in changes:
        return event.replace(**changes)
    fields = {**event.fields, **changes["fields"]}
    return event.replace(**{**changes, "fields": {name: value for name, value in fields.items() if value is not None}})


def _answer_of_all(event: ErrorEvent) -> ErrorEvent | None:
    current: ErrorEvent | None = event
    for callback in tuple(_callbacks):
        if current is None:
            return None
        current = _ask(callback, current)
    return current


def _ask(callback: OnError, event: ErrorEvent) -> ErrorEvent | None:
    answers: list[ErrorEvent | None] = []
    GUARD.run("on_error", lambda: answers.append(_answer(callback, event)))
    return answers[0] if answers else event


def _answer(callback: OnError, event: ErrorEvent) -> ErrorEvent | None:
    answer: object = callback(event)
    if answer is None or isinstance(answer, ErrorEvent):
        return answer
    raise TypeError(f"an on_error callback returns the event or None, not {type(answer).__name__}")


def _changes(before: ErrorEvent, after: ErrorEvent) -> Iterator[tuple[str, Any]]:
    for name in _CHANGEABLE:
        if getattr(before, name) != getattr(after, name):
            yield name, getattr(after, name)
    if before.fields != after.fields:
        gone = {name: None for name in before.fields if name not in after.fields}
        new = {name: value for name, value in after.fields.items() if before.fields.get(name) != value}
        yield "fields", {**gone, **new}


def _is_ignored(ignored: frozenset[str], error: BaseException) -> bool:
    """A group is, if all of its members are."""
    if _is_of(ignored, type(error)):
        return True
    members = list(leaves(error))
    return bool(members) and all(_is_of(ignored, type(member)) for member in members)


def _is_of(ignored: frozenset[str], cls: type[BaseException]) -> bool:
    return not ignored.isdisjoint(map(qualified_type, cls.__mro__))
