"""Writing a log record of an exception, with everything that is known of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import trace
from opentelemetry._logs import Logger, LogRecord, SeverityNumber, get_logger_provider
from opentelemetry._logs import LoggerProvider as ApiLoggerProvider
from opentelemetry.sdk._logs import LoggerProvider

from errorplane.errors import ErrorEvent
from errorplane.hooks._attachment import REPORTED, Reported

_providers: Final[list[LoggerProvider]] = []


def reporting_to(provider: LoggerProvider) -> Callable[[], None]:
    """Write to this provider instead of the global one, until what is returned is called."""
    _providers.append(provider)

    def undo() -> None:
        if provider in _providers:
            _providers.remove(provider)

    return undo


def reporting_provider() -> ApiLoggerProvider:
    """The provider to which errors are reported: that of `reporting_to`, else the global one."""
    return _providers[-1] if _providers else get_logger_provider()


def reporting_resource() -> Mapping[str, Any]:
    """The attributes of that provider's resource, nothing where nobody set up log records."""
    provider = reporting_provider()
    return provider.resource.attributes if isinstance(provider, LoggerProvider) else {}


def open_logger(name: str, event_name: str, severity: SeverityNumber) -> Logger | None:
    """Where such a record goes to, None where nobody takes it: without an exporter of log records, for one."""
    provider = reporting_provider()
    if not isinstance(provider, LoggerProvider):
        return None
    logger = provider.get_logger(name)
    if hasattr(logger, "enabled"):
        return logger if logger.enabled(severity_number=severity, event_name=event_name) else None
    from errorplane.hooks._sdk import takes_log_records  # it needs this module

    return logger if takes_log_records(provider) else None


def emit(
    logger: Logger,
    event: ErrorEvent,
    attributes: Mapping[str, Any],
    *,
    event_name: str,
    severity: SeverityNumber,
    span: trace.Span | None = None,
    on_span: bool = False,
    timestamp: int | None = None,
    body: str | None = None,
) -> None:
    """Write it, in the context of the span, by default the current one; `on_span` says that this has the event, too.

    Our own log processor, which stands first, hands on the exception itself: the SDK would print it once more.
    """
    context = None if span is None else trace.set_span_in_context(span)
    written = LogRecord(
        timestamp=time.time_ns() if timestamp is None else timestamp,  # as that of an event of a span
        context=context,
        severity_number=severity,
        severity_text=_TEXTS[severity],
        body=body,
        attributes=dict(attributes),
        event_name=event_name,
    )
    token = REPORTED.set(Reported(event, on_span))
    try:
        logger.emit(written)
    finally:
        REPORTED.reset(token)


_TEXTS: Final = {
    SeverityNumber.DEBUG: "DEBUG",
    SeverityNumber.WARN: "WARN",
    SeverityNumber.ERROR: "ERROR",
    SeverityNumber.FATAL: "FATAL",
}
