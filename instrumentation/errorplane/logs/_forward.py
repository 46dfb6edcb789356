"""From loguru to OpenTelemetry, which has no instrumentation for it: every message once, whoever passes it on as well."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.context import get_current

from errorplane.errors import ask
from errorplane.hooks import GUARD
from errorplane.logs import _vocabulary as names
from errorplane.logs._event import Event
from errorplane.logs._json import plain
from errorplane.logs._loguru import Message, RecordSink, event_of_loguru
from errorplane.settings import LOG_CODE, flag

_CALL_HANDLERS: Final = logging.Logger.callHandlers.__code__
_FRAMES: Final = 16  # between a handler of the standard library that calls loguru and this sink
_SCOPE: Final = "loguru"
_LOGGING: Final = "logging"


class OpenTelemetrySink(RecordSink):
    """A sink for loguru that hands each message to OpenTelemetry's logger provider, by default the global one.

    Add it with `logger.add(**loguru_handler(OpenTelemetrySink()))`. The record has the trace in which it was logged, the
    severity, what was bound, and the exception itself, so that errorplane's hooks tell of it what they tell on the
    span. It must not be added with `enqueue=True`, which takes the trace away; OpenTelemetry has a queue of its own.

    What reaches OpenTelemetry through the standard library as well is sent once: where loguru's messages are passed on
    to `logging`, and where a handler passes those of `logging` on to loguru. `code` is as in `Options`.
    """

    def __init__(
        self,
        logger_provider: LoggerProvider | None = None,
        *,
        code: bool | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._provider = logger_provider
        self._code = flag(environ, LOG_CODE) if code is None else code
        _watch_handlers()

    def write(self, message: Message) -> None:
        """Send the record of a message. Never raises."""
        GUARD.run("loguru", self._forward, message.record)

    def _forward(self, record: dict[str, Any]) -> None:
        _watch_handlers()
        if _ONCE.is_new(record["extra"], _SCOPE) and not _is_passed_on(sys._getframe(1), record["message"]):
            event = event_of_loguru(record)
            provider = self._provider or get_logger_provider()
            provider.get_logger(event.scope or _SCOPE).emit(self._record(event))

    def _record(self, event: Event) -> LogRecord:
        attributes: dict[str, Any] = dict(plain(event.attributes))
        given = attributes.pop(names.EVENT_NAME, None), attributes.pop(names.DEPRECATED_EVENT_NAME, None)
        if self._code and event.code:
            attributes[names.CODE_FILE], attributes[names.CODE_LINE], attributes[names.CODE_FUNCTION] = event.code
        return LogRecord(
            timestamp=event.nanoseconds,
            context=get_current(),
            severity_text=event.severity_text,
            severity_number=SeverityNumber(event.severity_number),
            body=event.body,
            attributes=attributes,
            event_name=next((name for name in given if isinstance(name, str)), None),
            exception=event.error,
        )


class _Once(logging.Filter):
    """On OpenTelemetry's handler for the standard library: lets through what loguru has not sent by itself already.

    loguru gives the records that it makes for `logging` the very mapping `extra` of its own record.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        extra = vars(record).get("extra")
        return not isinstance(extra, dict) or self.is_new(extra, _LOGGING)

    def is_new(self, extra: dict[str, Any], library: str) -> bool:
        """Whether the other library has not sent this thread's last message: an application may give one mapping often."""
        last, sender = getattr(self._last, "sent", (None, library))
        if last is extra and sender != library:
            return False
        self._last.sent = extra, library
        return True


_ONCE: Final = _Once()


def _watch_handlers() -> None:
    for handler in logging.getLogger().handlers:
        if _is_of_opentelemetry(type(handler)) and _ONCE not in handler.filters:
            handler.addFilter(_ONCE)


def _is_passed_on(frame: FrameType | None, message: str) -> bool:
    """Whether the standard library's logging is on its way to OpenTelemetry with this very message."""
    for _ in range(_FRAMES):
        if frame is None:
            return False
        if frame.f_code is _CALL_HANDLERS:
            logger, record = frame.f_locals["self"], frame.f_locals["record"]
            return ask(record.getMessage, None) == message and _reaches(logger, record.levelno)
        frame = frame.f_back
    return False


def _reaches(logger: logging.Logger | None, level: int) -> bool:
    while logger is not None:
        if any(level >= handler.level and _is_of_opentelemetry(type(handler)) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _is_of_opentelemetry(handler: type) -> bool:
    """There are two of them, one in the SDK and one in the instrumentation; neither need be installed."""
    return any(
        base.__name__ == "LoggingHandler" and base.__module__.startswith("opentelemetry.") for base in handler.__mro__
    )
