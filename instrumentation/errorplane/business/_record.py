"""One expected failure of the business: counted, told of as an event, noted on the span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.util.types import AnyValue

from errorplane.business._bounded import name_of
from errorplane.business._expected import first_time
from errorplane.business._instruments import SCOPE, instruments
from errorplane.business._invalid import Invalid, invalid_of
from errorplane.context import error_fields, fields, metric_fields
from errorplane.errors import (
    BUSINESS_CODE,
    BUSINESS_ERROR,
    COMPONENT,
    ERROR_CATEGORY,
    ERROR_KIND,
    ERROR_SEVERITY_HINT,
    ERROR_TYPE,
    VALIDATION_COUNT,
    VALIDATION_ERRORS,
    Category,
    Kind,
    Severity,
    qualified_type,
)
from errorplane.hooks import GUARD, reporting_provider

_SEVERITY: Final[Mapping[Severity | None, SeverityNumber]] = {
    Severity.P1: SeverityNumber.ERROR,
    Severity.P2: SeverityNumber.ERROR,
    Severity.P3: SeverityNumber.WARN,
}
_LISTED: Final = 20


def business_error(
    name: str,
    *,
    code: str | None = None,
    category: Category = Category.PERSISTENT,
    severity: Severity | None = None,
    attributes: Mapping[str, AnyValue] | None = None,
    error: BaseException | None = None,
    model: object = None,
) -> None:
    """Record an expected failure, such as `payment.declined`: it is counted and told of, and nobody is woken.

    `name` becomes the event's name: lower case, words joined by `_`, parts by `.`. `code` tells reasons apart and, as
    the name, has few values. `attributes` stand on the event only. Of `error`, which is from then on no error of the
    program, only the type is written, and it counts once however often it is recorded; a validation error is told of as
    by `validation_errors`, which says what `model` is. With a `severity` of P1 or P2
    the pipeline sees an error, of the kind `business` and, if no rule of the policy says otherwise, of this severity.
    Never raises (see `errorplane.hooks.GUARD`).
    """
    GUARD.run("business_error", _record, name, code, category, severity, attributes, error, model)


def _record(
    name: str,
    code: str | None,
    category: Category,
    severity: Severity | None,
    attributes: Mapping[str, AnyValue] | None,
    error: BaseException | None,
    model: object,
) -> None:
    invalid = None if error is None else invalid_of(error, model)
    record(name, code, category, severity, attributes, error, invalid)


def record(
    name: str,
    code: str | None,
    category: Category,
    severity: Severity | None,
    attributes: Mapping[str, AnyValue] | None,
    error: BaseException | None,
    invalid: Sequence[Invalid] | None = None,
    trace_id: int = 0,
) -> None:
    """Like `business_error`; with what was `invalid` a failed validation. `trace_id` where its span has ended already."""
    span = trace.get_current_span()
    here = span.get_span_context()
    if error is not None and not first_time(error, trace_id or here.trace_id):
        return
    name = name_of(name)
    described = _described(name, code, category, error)
    metered = {**described, **metric_fields()}
    if component := error_fields(fields(), None, 0).get(COMPONENT):
        metered[COMPONENT] = component
    instruments().count(metered)
    for each in invalid or ():
        instruments().count_invalid(described, each.field, each.type)
    if here.trace_id == (trace_id or here.trace_id):
        span.set_attributes({key: described[key] for key in (BUSINESS_ERROR, BUSINESS_CODE) if key in described})
    written = LogRecord(
        event_name=name,
        severity_number=_SEVERITY.get(severity, SeverityNumber.INFO),
        body=name,
        attributes={
            **(attributes or {}),
            **metered,
            **({} if severity is None else {ERROR_SEVERITY_HINT: str(severity)}),
            ERROR_KIND: str(Kind.BUSINESS if invalid is None else Kind.VALIDATION),
            **_listed(invalid),
        },
    )
    if trace_id and trace_id != here.trace_id:
        written.trace_id, written.span_id = trace_id, 0
    reporting_provider().get_logger(SCOPE).emit(written)


def _described(name: str, code: str | None, category: Category, error: BaseException | None) -> dict[str, str]:
    found = {
        BUSINESS_ERROR: name,
        ERROR_TYPE: name if error is None else qualified_type(error),
        ERROR_CATEGORY: str(category),
    }
    if code is not None:
        found[BUSINESS_CODE] = str(code)
    return found


def _listed(invalid: Sequence[Invalid] | None) -> dict[str, AnyValue]:
    if invalid is None:
        return {}
    shown = sorted({f"{each.field}: {each.type}" for each in invalid})
    return {VALIDATION_ERRORS: shown[:_LISTED], VALIDATION_COUNT: len(invalid)}
