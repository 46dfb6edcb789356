"""The one table of attribute names; the documentation is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ERROR_ID: Final = "errorplane.error.id"
ERROR_FINGERPRINT: Final = "errorplane.error.fingerprint"
ERROR_CATEGORY: Final = "errorplane.error.category"
ERROR_KIND: Final = "errorplane.error.kind"
ERROR_SEVERITY: Final = "errorplane.error.severity"
ERROR_SEVERITY_HINT: Final = "errorplane.error.severity_hint"
ERROR_HANDLED: Final = "errorplane.error.handled"
ERROR_ATTEMPT: Final = "errorplane.error.attempt"
ERROR_CAUSES: Final = "errorplane.error.causes"
ERROR_CONTEXTS: Final = "errorplane.error.contexts"
ERROR_MEMBERS: Final = "errorplane.error.members"
ERROR_FRAMES: Final = "errorplane.error.frames"
ERROR_LOCALS: Final = "errorplane.error.locals"
ERROR_LOG_LINES: Final = "errorplane.error.log_lines"
ERROR_DROPPED: Final = "errorplane.error.dropped"
ERROR_TIME: Final = "errorplane.error.time"
ERROR_TRACE_ID: Final = "errorplane.error.trace_id"
ERROR_SPAN_ID: Final = "errorplane.error.span_id"
ERROR_COUNT: Final = "errorplane.error.count"
ERROR_SOURCE: Final = "errorplane.error.source"
COMPONENT: Final = "errorplane.component"
CORRELATION_ID: Final = "errorplane.correlation_id"
TENANT: Final = "errorplane.tenant"
FEATURE_FLAG: Final = "errorplane.feature_flag."
"""Prefix of the variants in force; the flag's key comes after it."""
RETENTION_CLASS: Final = "errorplane.retention.class"
POLICY_VERSION: Final = "errorplane.policy.version"
SAMPLING_RULE: Final = "errorplane.sampling.rule"
SAMPLING_PROBABILITY: Final = "errorplane.sampling.probability"
SUPPRESSED_COUNT: Final = "errorplane.suppressed_count"
EXPORT_OUTCOME: Final = "errorplane.export.outcome"
EXPORT_REASON: Final = "errorplane.export.reason"
BUSINESS_ERROR: Final = "errorplane.business.error"
BUSINESS_CODE: Final = "errorplane.business.code"
VALIDATION_ERRORS: Final = "errorplane.validation.errors"
VALIDATION_COUNT: Final = "errorplane.validation.count"
VALIDATION_FIELD: Final = "errorplane.validation.field"
VALIDATION_TYPE: Final = "errorplane.validation.type"
EXPORT_UNSAMPLED: Final = "errorplane.export.unsampled"
EXPORT_SUPPRESSED_COUNT: Final = "errorplane.export.suppressed_count"
TRACE_CUT: Final = "errorplane.trace.cut"
TRACE_CUT_SPANS: Final = "errorplane.trace.cut_spans"
SERIES: Final = "errorplane.series"
OPERATION: Final = "errorplane.operation"
DATA_CLASS: Final = "errorplane.data_class"
REDACTED: Final = "errorplane.redacted."
"""Prefix of the counts; the entity in lower case comes after it."""
SCHEMA_VERSION: Final = "errorplane.schema.version"
OWNER_TEAM: Final = "errorplane.owner.team"
SERVICE_TIER: Final = "errorplane.service.tier"
ZONE: Final = "errorplane.zone"
HOOK: Final = "errorplane.hook"

# OpenTelemetry semantic conventions, repeated here so that this package needs the standard library only.
ERROR_TYPE: Final = "error.type"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
SERVICE_NAME: Final = "service.name"
DEPLOYMENT: Final = "deployment.environment.name"
DEPLOYMENT_ID: Final = "deployment.id"
USER_HASH: Final = "user.hash"

EVENT_NAME: Final = "errorplane.error"
"""Event name of the log record that carries an error fact."""

SignalName = Literal["resource", "scope", "span", "span event", "log", "metric", "data point", "error fact"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its name, its OTLP value type, where it stands and what it means."""

    name: str
    type: Literal["string", "string[]", "int", "double", "boolean"]
    signals: tuple[SignalName, ...]
    meaning: str


_ERROR: Final[tuple[SignalName, ...]] = ("span", "span event", "log", "error fact")
_COUNTED: Final[tuple[SignalName, ...]] = (*_ERROR, "data point")
_CONTEXT: Final[tuple[SignalName, ...]] = ("span", "span event", "log")
_TOLD: Final[tuple[SignalName, ...]] = ("span event", "log")
_KEPT: Final[tuple[SignalName, ...]] = ("resource", "span", "log", "error fact")
_HIDDEN: Final[tuple[SignalName, ...]] = ("resource", "scope", "span", "log", "metric")
_FACT: Final[tuple[SignalName, ...]] = ("error fact",)
_FACT_COUNTED: Final[tuple[SignalName, ...]] = (*_FACT, "data point")

ATTRIBUTES: Final[tuple[Attribute, ...]] = (
    Attribute(ERROR_ID, "string", _ERROR, "32 hex digits; the same wherever one occurrence of an error is seen."),
    Attribute(ERROR_FINGERPRINT, "string", _COUNTED, "`v1:` and 16 hex digits; the same for errors of one cause."),
    Attribute(
        ERROR_CATEGORY, "string", _COUNTED, "transient, persistent, cascading or unknown; applications only hint."
    ),
    Attribute(ERROR_KIND, "string", _ERROR, "What went wrong: timeout, validation, dependency, ..."),
    Attribute(
        ERROR_SEVERITY,
        "string",
        ("span", "log", "error fact", "data point"),
        "P1 (wakes somebody) to P5 (only counted).",
    ),
    Attribute(
        ERROR_SEVERITY_HINT, "string", _CONTEXT, "P1 to P5 as the application sees it; holds where no rule says more."
    ),
    Attribute(
        ERROR_HANDLED,
        "boolean",
        _ERROR,
        "false: it left the outermost span of the service, or nothing caught it; true: the application recorded or logged it.",
    ),
    Attribute(ERROR_ATTEMPT, "int", _ERROR, "Which attempt failed, from 1 on, of what is tried again."),
    Attribute(ERROR_CAUSES, "string[]", _TOLD, "Types of its explicit causes (`raise ... from`), the nearest first."),
    Attribute(ERROR_CONTEXTS, "string[]", _TOLD, "Types of what was being handled meanwhile, the nearest first."),
    Attribute(ERROR_MEMBERS, "string[]", _TOLD, "Types of the members of an exception group, at most 32."),
    Attribute(
        ERROR_FRAMES, "string[]", _TOLD, "`file:function:line` of the application's own frames, the innermost 10 first."
    ),
    Attribute(
        ERROR_LOCALS,
        "string[]",
        _TOLD,
        "`file:function:line name=value`, masked, of allow-listed local variables (`ERRORPLANE_LOCALS`).",
    ),
    Attribute(
        ERROR_LOG_LINES,
        "string[]",
        _TOLD,
        "The last lines logged in its trace, masked, the oldest first (`ERRORPLANE_LOG_LINES`).",
    ),
    Attribute(
        ERROR_DROPPED,
        "boolean",
        ("log",),
        "true: the application drops this error (`on_error`, `ERRORPLANE_IGNORE`); the line tells of no error.",
    ),
    Attribute(COMPONENT, "string", _ERROR, "The part of the product that reported the error."),
    Attribute(CORRELATION_ID, "string", _ERROR, "Ties together everything done for one request of a user."),
    Attribute(TENANT, "string", _CONTEXT, "The customer or tenant for whom the work was done."),
    Attribute(FEATURE_FLAG + "<key>", "string", _CONTEXT, "The variant of a feature flag that was in force."),
    Attribute(RETENTION_CLASS, "string", _KEPT, "The retention class that the policy gave."),
    Attribute(POLICY_VERSION, "string", ("resource", "error fact"), "The revision of the policy in force."),
    Attribute(SAMPLING_RULE, "string", ("span", "log"), "The sampling rule that kept the item."),
    Attribute(SAMPLING_PROBABILITY, "double", ("span", "log"), "The probability with which it was kept, if below 1."),
    Attribute(
        SUPPRESSED_COUNT,
        "int",
        ("span", "log"),
        "On a sample of an error: how many of its fingerprint were held back by a budget since the last one.",
    ),
    Attribute(
        EXPORT_UNSAMPLED,
        "boolean",
        ("span",),
        "true: head sampling in the application dropped the trace of this span, which left since it is an error.",
    ),
    Attribute(
        EXPORT_SUPPRESSED_COUNT,
        "int",
        ("span",),
        "On such a span: how many errors of its fingerprint the application's own budget held back since the last one.",
    ),
    Attribute(EXPORT_OUTCOME, "string", ("data point",), "exported, suppressed or lost."),
    Attribute(
        EXPORT_REASON, "string", ("data point",), "Why: first, within, new, fingerprint, total, overload, exporter."
    ),
    Attribute(
        BUSINESS_ERROR,
        "string",
        ("span", "log", "data point"),
        "An expected failure: `payment.declined`. On a span, the last.",
    ),
    Attribute(BUSINESS_CODE, "string", ("span", "log", "data point"), "The reason of an expected failure, of few."),
    Attribute(
        VALIDATION_ERRORS, "string[]", ("log",), "Fields that failed and why: `items[].price: missing`; 20 at most."
    ),
    Attribute(VALIDATION_COUNT, "int", ("log",), "How many fields failed."),
    Attribute(
        VALIDATION_FIELD, "string", ("data point",), "A field that failed; `[]` an index, `*` a key of the input."
    ),
    Attribute(VALIDATION_TYPE, "string", ("data point",), "Why it failed, in the word of the library."),
    Attribute(
        TRACE_CUT,
        "boolean",
        ("span", "log"),
        "true: of this trace, which has very many spans, later spans are kept only on the way from the root to an error.",
    ),
    Attribute(TRACE_CUT_SPANS, "int", ("span", "log"), "How many spans of it had been cut when this one was kept."),
    Attribute(
        DATA_CLASS,
        "string",
        (*_HIDDEN, "error fact"),
        "The most sensitive class of what was hidden in it: secret, payment, health, personal. On metrics in `metadata`.",
    ),
    Attribute(REDACTED + "<entity>", "int", _HIDDEN, "How often an entity, in lower case, was hidden in it."),
    Attribute(SERIES, "int", ("data point",), "Keeps apart what looks the same since something is hidden."),
    Attribute(OPERATION, "string", ("data point",), "What a service was asked to do: the name of its span."),
    Attribute(ERROR_TIME, "int", _FACT, "When it happened, nanoseconds since 1970 UTC."),
    Attribute(ERROR_TRACE_ID, "string", _FACT, "Trace of the error, 32 hex digits."),
    Attribute(ERROR_SPAN_ID, "string", _FACT, "Span of the error, 16 hex digits."),
    Attribute(ERROR_COUNT, "int", _FACT, "How many occurrences this fact stands for."),
    Attribute(ERROR_SOURCE, "string", _FACT, "`span` or `log`: the signal in which the error was seen."),
    Attribute(SCHEMA_VERSION, "int", _FACT, "Version of the error fact."),
    Attribute(OWNER_TEAM, "string", _FACT, "The team that owns the service."),
    Attribute(SERVICE_TIER, "string", _FACT, "How much depends on the service: 1 (most) to 4."),
    Attribute(ZONE, "string", _FACT, "Where the service runs."),
    Attribute(HOOK, "string", ("data point",), "The hook of errorplane that failed, on `errorplane.hooks.failures`."),
    Attribute(ERROR_TYPE, "string", _FACT_COUNTED, "Qualified type of the error (semantic conventions)."),
    Attribute(EXCEPTION_MESSAGE, "string", _FACT, "The message with every value replaced by a placeholder."),
    Attribute(SERVICE_NAME, "string", _FACT_COUNTED, "The service that reported the error (semantic conventions)."),
    Attribute(DEPLOYMENT, "string", _FACT_COUNTED, "The deployment environment (semantic conventions)."),
)
