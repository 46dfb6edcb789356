"""What the application says about its errors: `on_error` callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from errorplane.errors import ErrorEvent
from errorplane.hooks._guard import GUARD

OnError = Callable[[ErrorEvent], ErrorEvent | None]
_callbacks: Final[list[OnError]] = []


def on_error(callback: OnError) -> Callable[[], None]:
    """Show every error to the callback before anything is written of it; returns what takes the callback back.

    It returns the event, one made from it with `event.replace`, or None, with which the error is dropped everywhere.
    A callback that raises is counted (see `GUARD`), and the event goes on unchanged.
    """
    _callbacks.append(callback)

    def take_back() -> None:
        if callback in _callbacks:
            _callbacks.remove(callback)

    return take_back


def shown(event: ErrorEvent) -> ErrorEvent | None:
    """What the callbacks leave of the event, one after the other."""
    current: ErrorEvent | None = event
    for callback in tuple(_callbacks):
        if current is None:
            return None
        current = _one(callback, current)
    return current


def _one(callback: OnError, event: ErrorEvent) -> ErrorEvent | None:
    answers: list[ErrorEvent | None] = []
    GUARD.run("on_error", lambda: answers.append(_answer(callback, event)))
    return answers[0] if answers else event


def _answer(callback: OnError, event: ErrorEvent) -> ErrorEvent | None:
    answer: object = callback(event)
    if answer is None or isinstance(answer, ErrorEvent):
        return answer
    raise TypeError(f"an on_error callback returns the event or None, not {type(answer).__name__}")
