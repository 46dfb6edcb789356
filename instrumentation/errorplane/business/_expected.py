"""Which exceptions are expected, so that the hooks do not write them down as errors of the program."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from errorplane.errors import DROPPED, ErrorEvent, ask, leaves, occurrence_of, remember
from errorplane.hooks import on_error

Expects = Callable[[BaseException], bool]

_SCOPES: Final[ContextVar[tuple[Expects, ...]]] = ContextVar("errorplane_expected", default=())
_MARK: Final = "__errorplane_business__"
_state_of: Final[Callable[[BaseException], dict[str, Any]]] = BaseException.__dict__["__dict__"].__get__
_plain_setattr: Final = BaseException.__setattr__
_aside: Final[dict[int, tuple[weakref.ref[BaseException], int]]] = {}

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


def expected_in(error: BaseException, expects: Expects) -> Sequence[BaseException]:
    """The exception if it is expected, or the members of a group if all of them are; else nothing."""
    if _holds(expects, error):
        return (error,)
    members = tuple(leaves(error))
    return members if all(map(partial(_holds, expects), members)) else ()


def _holds(expects: Expects, error: BaseException) -> bool:
    return ask(lambda: expects(error), False)


def first_time(error: BaseException, trace_id: int) -> bool:
    """Drop the exception for the hooks; whether it was not recorded yet. A prepared one counts anew in each trace."""
    occurrence = occurrence_of(error, trace_id)
    if occurrence.changes is not DROPPED:
        remember(error, occurrence._replace(changes=DROPPED))
    known = _mark(error)
    _write(error, trace_id or known or 0)
    return known is None or bool(trace_id and known and known != trace_id)


def _mark(error: BaseException) -> int | None:
    """The trace in which it was recorded last, 0 for none; None if it was not."""
    if type(error).__setattr__ is _plain_setattr:
        found = _state_of(error).get(_MARK)
        return found if type(found) is int else None
    return _aside.get(id(error), (None, None))[1]


def _write(error: BaseException, trace_id: int) -> None:
    """Beside the exceptions that guard their attributes: unpickling sets these one by one, and would fail."""
    if type(error).__setattr__ is _plain_setattr:
        _state_of(error)[_MARK] = trace_id
        return
    key = id(error)
    with contextlib.suppress(TypeError):  # with slots and no place for weak references it cannot be known again
        _aside[key] = (weakref.ref(error, lambda _: _aside.pop(key, None)), trace_id)


def _show(event: ErrorEvent) -> ErrorEvent | None:
    if any(expected_in(event.exception, expects) for expects in _SCOPES.get()):
        return None
    return None if any(own(event) for own in seen) else event


on_error(_show)
