"""structlog's instrumentation writes only text of an exception: lets our log processor see the exception itself."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from types import ModuleType
from typing import Any, Final

from errorplane.errors import ask
from errorplane.hooks._attachment import HANDLED, Attachment
from errorplane.hooks._guard import GUARD
from errorplane.hooks._imports import after_import

MODULE: Final = "opentelemetry.instrumentation.structlog"


def see_structlog(attachment: Attachment) -> Callable[[], None]:
    """Do so as soon as the instrumentation is imported, which may never be; returns what takes it back."""
    undo: list[Callable[[], None]] = []

    def imported(module: ModuleType) -> None:
        if attachment.active:
            undo.append(_see(attachment, module))

    after_import(MODULE, imported)

    def take_back() -> None:
        for step in undo:
            step()

    return take_back


def _see(attachment: Attachment, module: ModuleType) -> Callable[[], None]:
    processor: Any = module.StructlogProcessor
    previous = processor.__call__

    @functools.wraps(previous)
    def call(self: Any, logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> Any:
        error = _error_of(event_dict) if attachment.active else None
        if error is None:
            return previous(self, logger, method_name, event_dict)
        token = HANDLED.set(error)
        try:
            return previous(self, logger, method_name, event_dict)
        finally:
            HANDLED.reset(token)

    processor.__call__ = call

    def undo() -> None:
        if processor.__call__ is call:  # else somebody has chained to ours
            processor.__call__ = previous

    return undo


def _error_of(event: Mapping[str, Any]) -> BaseException | None:
    error = error_given(event.get("exc_info"))
    return GUARD.run("structlog", error_written, event.get("exception")) if error is None else error


def error_given(info: object) -> BaseException | None:
    """As structlog takes `exc_info`: an exception, what `sys.exc_info()` returns, or anything true for the current one."""
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if len(info) == 3 and isinstance(info[1], BaseException) else None
    return sys.exception() if ask(lambda: bool(info), False) else None


def error_written(formatted: object) -> BaseException | None:
    """The current exception, if it is the one of which a processor has written this text or these dictionaries."""
    error = sys.exception()
    if error is None:
        return None
    if isinstance(formatted, str):
        line = traceback.format_exception_only(error)[0].strip()
        return error if f"{line}\n" in f"{formatted}\n" else None
    first = formatted[0] if isinstance(formatted, list) and formatted else None
    if type(first) is not dict or first.get("exc_type") != type(error).__name__:
        return None
    return error if first.get("exc_value") == ask(lambda: str(error), None) else None
