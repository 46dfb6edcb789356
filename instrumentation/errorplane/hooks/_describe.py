"""The event of an exception wherever it is seen, and the attributes that are written of it there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry import trace
from opentelemetry.context import Context

from errorplane.context import bound, error_fields, fields
from errorplane.errors import (
    COMPONENT,
    DEPLOYMENT,
    DROPPED,
    ERROR_ATTEMPT,
    ERROR_CATEGORY,
    ERROR_CAUSES,
    ERROR_CONTEXTS,
    ERROR_FINGERPRINT,
    ERROR_FRAMES,
    ERROR_HANDLED,
    ERROR_ID,
    ERROR_KIND,
    ERROR_MEMBERS,
    ERROR_SEVERITY_HINT,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    MESSAGE_LENGTH,
    STACKTRACE_LENGTH,
    ErrorEvent,
    Linked,
    Occurrence,
    Severity,
    keep_fields,
    kept_fields,
    occurrence_of,
    shorten,
    stacktrace,
)
from errorplane.export import admit
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._callbacks import anybody_asks, changed, verdict
from errorplane.hooks._extras import extras

Value = str | bool | int | tuple[str, ...]


class Where(NamedTuple):
    """Where an exception is seen: 0 for no trace, None for what is not known there."""

    trace_id: int = 0
    service: str | None = None
    deployment: str | None = None
    operation: str | None = None
    context: Context | None = None


def deployment_of(resource_attributes: Mapping[str, Any]) -> str | None:
    """`deployment.environment.name` of a resource, if somebody gave it one."""
    name = resource_attributes.get(DEPLOYMENT)
    return name if isinstance(name, str) else None


def event_of(
    attachment: Attachment,
    error: BaseException,
    where: Where,
    *,
    handled: bool | None = None,
    attempt: int | None = None,
    severity: Severity | None = None,
) -> tuple[Occurrence, ErrorEvent | None]:
    """What is known of the exception, to be remembered by the caller, and its event, None if it is dropped.

    An error that somebody did not handle stays that, whoever logs it later.
    """
    occurrence = occurrence_of(error, where.trace_id, attachment.new_id)
    if occurrence.changes is DROPPED:
        return occurrence, None
    if handled is not None and occurrence.handled is not False and handled is not occurrence.handled:
        occurrence = occurrence._replace(handled=handled)
    found = _fields(error, occurrence.trace_id, where)
    event = ErrorEvent(
        error,
        id=occurrence.id,
        fingerprint=occurrence.fingerprint,
        kind=occurrence.kind,
        category=occurrence.category,
        severity=severity,
        handled=occurrence.handled,
        attempt=attempt,
        operation=where.operation,
        service=where.service,
        component=found.get(COMPONENT),
        deployment=found.get(DEPLOYMENT, where.deployment),
        fields=found,
        trace_id=occurrence.trace_id,
    )
    if occurrence.changes is None and anybody_asks(attachment):
        occurrence = occurrence._replace(changes=verdict(attachment, event))
        if occurrence.changes is DROPPED:
            return occurrence, None
    return occurrence, changed(event, occurrence.changes) if occurrence.changes else event


def _fields(error: BaseException, trace_id: int, where: Where) -> dict[str, str]:
    """Those that are bound here come first, then those kept from further in, then baggage."""
    found = fields(where.context)
    if trace_id:
        kept = kept_fields(error, trace_id)
        if kept:
            found = {**found, **kept, **bound()}
        elif found:
            keep_fields(error, trace_id, found)
    return error_fields(found, where.service, trace_id)


def short(event: ErrorEvent) -> dict[str, Value]:
    """What refers to an error: on every span that it reaches."""
    attributes: dict[str, Value] = dict(event.fields)
    attributes[ERROR_ID] = event.id
    attributes[ERROR_FINGERPRINT] = event.fingerprint
    attributes[ERROR_KIND] = event.kind.value
    if event.category is not None:
        attributes[ERROR_CATEGORY] = event.category.value
    if event.severity is not None:
        attributes[ERROR_SEVERITY_HINT] = event.severity.value
    if event.handled is not None:
        attributes[ERROR_HANDLED] = event.handled
    if event.attempt is not None:
        attributes[ERROR_ATTEMPT] = event.attempt
    return attributes


def chains(event: ErrorEvent) -> dict[str, Value]:
    """What stands behind and in an error, and where it came from: once, beside its stack trace."""
    attributes: dict[str, Value] = {}
    if frames := event.frames:
        attributes[ERROR_FRAMES] = tuple(map(str, frames))
    if event.exception.__cause__ is not None or event.exception.__context__ is not None:
        for name, linked in ((ERROR_CAUSES, event.causes), (ERROR_CONTEXTS, event.contexts)):
            if linked:
                attributes[name] = _types(linked)
    if members := event.members:
        attributes[ERROR_MEMBERS] = _types(members)
    return attributes


def words_of(event: ErrorEvent) -> dict[str, Value]:
    """Type and message, of a bounded length."""
    return {EXCEPTION_TYPE: event.type, EXCEPTION_MESSAGE: shorten(event.message, MESSAGE_LENGTH)}


def stack_of(event: ErrorEvent, occurrence: Occurrence) -> str:
    """The stack trace, of a bounded length, in the words that the application chose."""
    message = event.message
    changes = occurrence.changes or {}
    if len(message) <= MESSAGE_LENGTH and "message" not in changes and "type" not in changes:
        return shorten(stacktrace(event.exception), STACKTRACE_LENGTH)
    type_ = event.type if "type" in changes else None
    return shorten(stacktrace(event.exception, type_, shorten(message, MESSAGE_LENGTH)), STACKTRACE_LENGTH)


def full(attachment: Attachment, event: ErrorEvent, occurrence: Occurrence) -> dict[str, Value]:
    """Everything, for the one place that holds the full record; in a storm without what is dear to make.

    What the SDK writes, too, comes last: where the number of attributes is limited, it drops the first ones.
    """
    if not admit(event.fingerprint).admitted:
        return {**short(event), **words_of(event)}
    return {
        **short(event),
        **chains(event),
        **extras(attachment, event),
        **words_of(event),
        EXCEPTION_STACKTRACE: stack_of(event, occurrence),
    }


def keep_bound(error: BaseException, found: Mapping[str, str]) -> None:
    """Keep the fields of a block that an exception leaves, for the spans around that block.

    Only within a trace: elsewhere nothing tells a new error from a prepared object that is raised once more.
    """
    trace_id = trace.get_current_span().get_span_context().trace_id
    if trace_id and isinstance(error, Exception):
        keep_fields(error, trace_id, found)


def _types(linked: Sequence[Linked]) -> tuple[str, ...]:
    return tuple(each.type for each in linked)
