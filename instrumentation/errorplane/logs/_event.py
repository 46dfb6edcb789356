"""What was logged, whichever library it was logged with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.instrumentation.log_utils import std_to_otel

from errorplane.hooks._records import COMPOSED, SET

# What every record has, as logging.makeLogRecord({}) shows, and what other formatters, the OpenTelemetry
# instrumentation and uvicorn (the message once more, in colours) leave on it. All other attributes came in as `extra`.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime", "message", "taskName", "otelTraceID", "otelSpanID", "otelTraceSampled", "otelServiceName", "color_message",
}  # fmt: skip
NOTHING: Final[Mapping[str, object]] = {}
_SEVERITY_TEXT: Final[Mapping[str, str]] = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_TRACE: Final = 1
_COMMON: Final[Mapping[int, int]] = {level: std_to_otel(level).value for level in (10, 20, 30, 40, 50)}


class Event(NamedTuple):
    """One call of a logger. `attributes` are what came with the message, by the names that it was given under.

    `error` is the exception that it reports, `error_text` what is left of one that is only text. `code` is the file, the
    line and the function that logged it, `thread` that thread's id and name, `stack` the stack there. `arguments` went
    into the message by name, besides the attributes.
    """

    nanoseconds: int
    severity_text: str
    severity_number: int
    body: str
    scope: str | None
    attributes: Mapping[str, object] = NOTHING
    error: BaseException | None = None
    error_text: str | None = None
    stack: str | None = None
    code: tuple[str, int, str] | None = None
    thread: tuple[int | None, str | None] | None = None
    arguments: Mapping[str, object] = NOTHING


def severity(level: object) -> int:
    """OpenTelemetry's severity number of a level of the standard library, as its handler counts it; 0 for none.

    That has none for levels below DEBUG (10), such as loguru's TRACE (5); here they are TRACE.
    """
    if not isinstance(level, int):
        return 0
    known = _COMMON.get(level)
    if known is not None:
        return known
    return std_to_otel(level).value if level >= 10 or level <= 0 else _TRACE


def severity_text(name: str) -> str:
    """OpenTelemetry's name of a level, as its handler spells it."""
    return _SEVERITY_TEXT.get(name, name)


def exception_in(info: object) -> BaseException | None:
    """The exception in what `sys.exc_info` returned or an `exc_info` argument was set to, if there is one."""
    if isinstance(info, tuple):
        info = info[1] if len(info) == 3 else None
    return info if isinstance(info, BaseException) else None


def extra_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """What was given as `extra`."""
    if not vars(record).keys() - _OWN:
        return NOTHING
    found = {name: value for name, value in vars(record).items() if name not in _OWN}
    if COMPOSED in found or SET in found:
        left = {COMPOSED, SET, *found.get(SET, ())}
        return {name: value for name, value in found.items() if name not in left}
    return found
