"""structlog's instrumentation writes only text of an exception: lets our log processor see the exception itself."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any, Final

from errorplane.hooks._attachment import HANDLED, Attachment
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
        error = _exception(event_dict.get("exc_info"))
        if not attachment.active or error is None:
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


def _exception(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if len(given) == 3 and isinstance(given[1], BaseException) else None
    return sys.exception() if given else None
