"""Which exceptions are expected, so that the hooks do not write them down as errors of the program."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from errorplane.errors import ErrorEvent, ask
from errorplane.hooks import on_error

Expects = Callable[[BaseException], bool]

_SCOPES: Final[ContextVar[tuple[Expects, ...]]] = ContextVar("errorplane_expected", default=())
_MARK: Final = "__errorplane_expected__"
_state_of: Final[Callable[[BaseException], dict[str, Any]]] = BaseException.__dict__["__dict__"].__get__

seen: Final[list[Callable[[ErrorEvent], bool]]] = []
"""Asked for every error that the hooks see whether it is a business error by itself; one that is is recorded."""


def enter(expects: Expects) -> None:
    """From now on, until `leave`, exceptions for which this holds are expected."""
    _SCOPES.set((*_SCOPES.get(), expects))


def leave(expects: Expects) -> None:
    """End what `enter` began last. Without a token, which would not be valid in another context."""
    scopes = _SCOPES.get()
    if scopes and scopes[-1] is expects:
        _SCOPES.set(scopes[:-1])


def first_time(error: BaseException, trace_id: int) -> bool:
    """Mark the exception as expected; whether it was not, in this trace. A prepared exception object counts anew in
    each trace."""
    state = _state_of(error)
    known = state.get(_MARK)
    state[_MARK] = trace_id or known or 0
    return known is None or bool(trace_id and known and known != trace_id)


def _show(event: ErrorEvent) -> ErrorEvent | None:
    error = event.exception
    if any(_holds(expects, error) for expects in _SCOPES.get()) or any(own(event) for own in seen):
        return None
    return None if _MARK in _state_of(error) else event


def _holds(expects: Expects, error: BaseException) -> bool:
    return ask(lambda: expects(error), False)


on_error(_show)
