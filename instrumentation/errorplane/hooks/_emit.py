"""Writing a log record of an exception, with everything that is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry import trace
from opentelemetry._logs import LoggerProvider as ApiLoggerProvider
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
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


def logger_provider() -> LoggerProvider | None:
    """The same if it is the SDK's, None where nobody set up any."""
    provider = reporting_provider()
    return provider if isinstance(provider, LoggerProvider) else None


def emit(
    provider: LoggerProvider,
    event: ErrorEvent,
    attributes: Mapping[str, Any],
    *,
    logger: str,
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
        timestamp=timestamp,
        context=context,
        severity_number=severity,
        severity_text=_TEXTS[severity],
        body=body,
        attributes=dict(attributes),
        event_name=event_name,
    )
    token = REPORTED.set(Reported(event, on_span))
    try:
        provider.get_logger(logger).emit(written)
    finally:
        REPORTED.reset(token)


_TEXTS: Final = {
    SeverityNumber.DEBUG: "DEBUG",
    SeverityNumber.WARN: "WARN",
    SeverityNumber.ERROR: "ERROR",
    SeverityNumber.FATAL: "FATAL",
}
