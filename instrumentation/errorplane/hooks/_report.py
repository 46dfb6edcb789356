"""An exception as a log record of its own, for whoever catches one: also outside of any span."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.util.types import AnyValue

from errorplane.context import service_of
from errorplane.errors import ErrorEvent, Severity, known_occurrence, remember
from errorplane.hooks._attachment import Attachment, in_force
from errorplane.hooks._describe import Where, deployment_of, event_of, full
from errorplane.hooks._emit import emit, open_logger, reporting_resource
from errorplane.hooks._guard import GUARD
from errorplane.hooks._signal import EXCEPTION_EVENT, severity_of


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

    What a span or an earlier report has recorded is not reported again. `event_name` defaults to `exception`. A handled
    error is a WARN, one that nobody handled an ERROR, and FATAL where it ends the process.
    Without `attach`, or with nothing set up that takes log records, nothing is written. Never raises (see `GUARD`).
    """
    if not in_force:
        return None
    return GUARD.run(
        "report", _report, in_force[-1], error, handled, severity, event_name, body, attributes, logger, ends_process
    )


def _report(
    attachment: Attachment,
    error: BaseException,
    handled: bool,
    severity: Severity | None,
    event_name: str | None,
    body: str | None,
    attributes: Mapping[str, AnyValue] | None,
    logger: str,
    ends_process: bool,
) -> ErrorEvent | None:
    resource = reporting_resource()
    span = trace.get_current_span()
    name = getattr(span, "name", None)
    where = Where(span.get_span_context().trace_id, service_of(resource), deployment_of(resource), name)
    occurrence, event = event_of(attachment, error, where, handled=handled, severity=severity)
    known = event_name or EXCEPTION_EVENT
    number = SeverityNumber.FATAL if ends_process or event is None else severity_of(event)
    opened = None if event is None or occurrence.recorded else open_logger(logger, known, number)
    if opened is not None:
        occurrence = occurrence._replace(recorded=True)
    if occurrence is not known_occurrence(error):
        remember(error, occurrence)
    if event is not None and opened is not None:
        written = {**full(attachment, event, occurrence), **(attributes or {})}
        emit(opened, event, written, event_name=known, severity=number, body=body)
    return event
