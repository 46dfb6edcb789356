"""JSON lines from structlog, which need not be installed for it."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from types import FrameType
from typing import Any, Final, Unpack

from errorplane.errors import ask
from errorplane.hooks._structlog import error_given, error_written
from errorplane.logs._event import Event, extra_of, severity, severity_text
from errorplane.logs._json import text_of
from errorplane.logs._line import Lines, Options

_LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "msg": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "err": logging.ERROR,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "fatal": logging.CRITICAL,
    "critical": logging.CRITICAL,
}
_CONSUMED: Final = ("exc_info", "stack_info", "_record", "_from_structlog")  # the last two: ProcessorFormatter's
_MESSAGES: Final = ("event", "message", "msg")  # the latter as EventRenamer is told by those who write JSON
_PLUMBING: Final = (
    "structlog",
    "logging",
    "errorplane.logs",
    "errorplane.hooks",
    "opentelemetry",
    "concurrent.futures",
)


class StructlogRenderer:
    """The last of structlog's processors: renders an event as the line that `JsonFormatter` would write of it.

    For structlog's own loggers in `structlog.configure(processors=[..., StructlogRenderer()])`, and for the bridge to
    the standard library in `ProcessorFormatter(processors=[..., StructlogRenderer()])`; with `wrap_for_formatter` and
    with `render_to_log_kwargs`, a `JsonFormatter` on the handler does the same. Nothing that is logged can make it raise.

    Of the event `event`, `level`, `timestamp`, `logger`, `exc_info`, `exception` and `stack` are read as structlog's own
    processors write them, and none of these is needed. Everything else stands under `attributes`. An exception that is
    text already is recognised while it is handled.
    """

    def __init__(self, service_name: str | None = None, **options: Unpack[Options]) -> None:
        self._lines = Lines(service_name, **options)

    def __call__(self, logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> str:
        """The line, without a newline."""
        return self._lines.line(self._event, logger, method_name, event_dict)

    def _event(self, logger: object, method_name: str, entries: Mapping[str, Any]) -> Event:
        record = entries.get("_record")
        if isinstance(record, logging.LogRecord):
            return event_of_entries(entries, record)
        level, text = _level(entries.get("level"), method_name)
        frame = _caller() if self._lines.code else None
        thread = threading.current_thread() if self._lines.thread else None
        return _event(
            entries,
            nanoseconds=_nanoseconds(entries.get("timestamp")) or time.time_ns(),
            severity_number=level,
            severity_text=text,
            scope=_scope(logger, entries),
            code=(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) if frame else None,
            thread=(thread.ident, thread.name) if thread else None,
        )


def event_of_entries(entries: Mapping[str, Any], record: logging.LogRecord) -> Event:
    """The event of structlog that a record of the standard library brings with it."""
    foreign = entries.get("_from_structlog") is False  # the standard library logged it, and has told no processor all
    return _event(
        {**extra_of(record), **entries} if foreign else entries,
        nanoseconds=int(record.created * 1e9),
        severity_number=severity(record.levelno),
        severity_text=severity_text(record.levelname),
        scope=record.name,
        code=(record.pathname, record.lineno, record.funcName),
        thread=(record.thread, record.threadName),
    )


def _event(entries: Mapping[str, Any], **known: Any) -> Event:
    error, formatted = error_given(entries.get("exc_info")), entries.get("exception")
    left = _left(entries)
    if error is None and (error := error_written(formatted)) is not None:
        left.pop("exception", None)  # the same once more, in words of structlog's
    message = next((name for name in _MESSAGES if name in entries), "event")
    left.pop(message, None)
    return Event(
        body=text_of(entries.get(message, "")),
        attributes=left,
        error=error,
        error_text=formatted if error is None and isinstance(formatted, str) else None,
        stack=_stack(entries),
        **known,
    )


def _stack(entries: Mapping[str, Any]) -> str | None:
    """As a processor or the standard library wrote it; where nobody has yet, that of the code that logs."""
    for stack in (entries.get("stack"), entries.get("stack_info")):
        if isinstance(stack, str):
            return stack
    if not ask(lambda: bool(entries.get("stack_info")), False):
        return None
    return "".join(["Stack (most recent call last):\n", *traceback.format_stack(_caller())]).rstrip("\n")


def _left(entries: Mapping[str, Any]) -> dict[str, Any]:
    """What is told nowhere else: an application may mean something of its own by `timestamp` or `level`."""
    left = {key: value for key, value in entries.items() if key not in _CONSUMED}
    for key in ("logger", "exception", "stack"):
        if isinstance(left.get(key), str):
            del left[key]
    if _nanoseconds(left.get("timestamp")):
        del left["timestamp"]
    if isinstance(level := left.get("level"), str) and level.lower() in _LEVELS:
        del left["level"]
    return left


def _level(given: object, method_name: str) -> tuple[int, str]:
    name = given.lower() if isinstance(given, str) and given.lower() in _LEVELS else method_name
    level = _LEVELS.get(name)
    if level is None:
        return 0, name.upper()
    return severity(level), severity_text(logging.getLevelName(level))


def _nanoseconds(given: object) -> int | None:
    """What structlog's TimeStamper writes: seconds since 1970, or ISO 8601; without a zone it cannot be told when."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return ask(lambda: int(given * 1e9), None)
    if not isinstance(given, str):
        return None
    then = ask(lambda: datetime.fromisoformat(given), None)
    return None if then is None or then.tzinfo is None else int(then.timestamp() * 1e9)


def _scope(logger: object, entries: Mapping[str, Any]) -> str | None:
    name = entries.get("logger")
    if not isinstance(name, str):
        name = ask(lambda: getattr(logger, "name", None), None)
    return name if isinstance(name, str) else None


def _caller() -> FrameType | None:
    """The frame that logged: the innermost one that belongs to no logging library."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_plumbing(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return frame


def _is_plumbing(module: object) -> bool:
    return isinstance(module, str) and module.startswith(_PLUMBING)
