"""An exception as a log record of its own, for whoever catches one: also outside of any span."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry._logs import LoggerProvider, SeverityNumber, get_logger_provider
from opentelemetry.util.types import AnyValue

from errorplane.context import bound, error_fields, fields
from errorplane.errors import COMPONENT, ErrorEvent, Severity, mark_recorded, occurrence_of
from errorplane.hooks._callbacks import shown
from errorplane.hooks._guard import GUARD

EXCEPTION_EVENT: Final = "exception"
_providers: Final[list[LoggerProvider]] = []


def report(
    error: BaseException,
    *,
    handled: bool,
    severity: Severity | None = None,
    event_name: str | None = None,
    body: str | None = None,
    attributes: Mapping[str, AnyValue] | None = None,
    logger: str = "errorplane",
    ends_process: bool = False,
) -> ErrorEvent | None:
    """Write one log record with the exception, once per occurrence; returns its event, None when it is dropped.

    What a span or an earlier report has recorded is not reported again. `event_name` defaults to `exception`;
    a handled error is a WARN, one that nobody handled an ERROR, and FATAL where it ends the process.
    Never raises (see `GUARD`).
    """
    return GUARD.run("report", _report, error, handled, severity, event_name, body, attributes, logger, ends_process)


def reporting_to(provider: LoggerProvider) -> Callable[[], None]:
    """Report to this provider instead of the global one, until what is returned is called."""
    _providers.append(provider)

    def undo() -> None:
        if provider in _providers:
            _providers.remove(provider)

    return undo


def reporting_provider() -> LoggerProvider:
    """The provider to which errors are reported: that of `reporting_to`, else the global one."""
    return _providers[-1] if _providers else get_logger_provider()


def _report(
    error: BaseException,
    handled: bool,
    severity: Severity | None,
    event_name: str | None,
    body: str | None,
    attributes: Mapping[str, AnyValue] | None,
    logger: str,
    ends_process: bool,
) -> ErrorEvent | None:
    trace_id = trace.get_current_span().get_span_context().trace_id
    occurrence = occurrence_of(error, trace_id)
    event = shown(
        ErrorEvent(
            error,
            id=occurrence.id,
            fingerprint=occurrence.fingerprint,
            kind=occurrence.kind,
            category=occurrence.category,
            severity=severity,
            handled=handled,
            component=bound().get(COMPONENT),
            fields=error_fields(fields(), None, trace_id),
        )
    )
    if event is None or occurrence.recorded:
        return event
    provider = reporting_provider()
    number = SeverityNumber.WARN if handled else SeverityNumber.ERROR
    provider.get_logger(logger).emit(
        severity_number=SeverityNumber.FATAL if ends_process else number,
        body=body,
        attributes=dict(attributes or {}),
        event_name=event_name or EXCEPTION_EVENT,
        exception=error,
    )
    mark_recorded(error, occurrence)
    return event
