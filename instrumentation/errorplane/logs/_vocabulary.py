"""The one table of what stands on a line, and under which name; schema and documentation are generated from it.

Names are those of OpenTelemetry: of the log data model, in the spelling of "Trace Context in non-OTLP Log Formats"
(specification, compatibility/logging_trace_context.md), and of the semantic conventions v1.44.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from errorplane.errors import (
    ATTRIBUTES,
    DEPLOYMENT,
    DEPLOYMENT_ID,
    ERROR_DROPPED,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    SERVICE_NAME,
    USER_HASH,
)

TIMESTAMP: Final = "timestamp"
SEVERITY_TEXT: Final = "severity_text"
SEVERITY_NUMBER: Final = "severity_number"
BODY: Final = "body"
SCOPE_NAME: Final = "otel.scope.name"
EVENT_NAME: Final = "otel.event.name"
TRACE_ID: Final = "trace_id"
SPAN_ID: Final = "span_id"
TRACE_FLAGS: Final = "trace_flags"
CODE_FILE: Final = "code.file.path"
CODE_LINE: Final = "code.line.number"
CODE_FUNCTION: Final = "code.function.name"
CODE_STACK: Final = "code.stacktrace"
THREAD_ID: Final = "thread.id"
THREAD_NAME: Final = "thread.name"
EXTRA: Final = "attributes"

DEPRECATED_EVENT_NAME: Final = "event.name"
"""What `otel.event.name` was called; OpenTelemetry's handlers still take it for that."""

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]
Part = Literal[
    "Timestamp", "SeverityText", "SeverityNumber", "Body", "TraceId", "SpanId", "TraceFlags", "EventName",
    "Resource", "InstrumentationScope", "Attributes",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a line: its name, its JSON type, which part of a log record it is, and what it means."""

    name: str
    type: JsonType
    part: Part
    meaning: str
    always: bool = False
    pattern: str | None = None


_JSON_TYPES: Final[Mapping[str, JsonType]] = {
    "string": "string",
    "string[]": "array",
    "int": "integer",
    "double": "number",
    "boolean": "boolean",
}
_WRITTEN_HERE: Final = [
    each for each in ATTRIBUTES if {"log", "span event"} <= {*each.signals} or each.name == ERROR_DROPPED
]
_EXCEPTION: Final = (EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE)

_CONVENTIONS: Final = (USER_HASH, DEPLOYMENT, DEPLOYMENT_ID)  # context fields that are not ours to name

CONTEXT: Final = frozenset((*_EXCEPTION, *_CONVENTIONS, *(each.name for each in _WRITTEN_HERE)))
"""Context fields, and what errorplane says about errors."""
PREFIXES: Final = tuple(each.name.partition("<")[0] for each in _WRITTEN_HERE if "<" in each.name)

FIELDS: Final[tuple[Field, ...]] = (
    Field(
        TIMESTAMP,
        "string",
        "Timestamp",
        "When it was logged: RFC 3339 in UTC, nine digits after the second.",
        always=True,
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$",
    ),
    Field(
        SEVERITY_TEXT,
        "string",
        "SeverityText",
        "DEBUG, INFO, WARN, ERROR or FATAL, or the name of a level of your own.",
        always=True,
    ),
    Field(SEVERITY_NUMBER, "integer", "SeverityNumber", "1 (TRACE) to 24 (FATAL4); 0 where unknown.", always=True),
    Field(BODY, "string", "Body", "The message, with its arguments in it.", always=True),
    Field(SCOPE_NAME, "string", "InstrumentationScope", "The name of the logger."),
    Field(SERVICE_NAME, "string", "Resource", "The service, where OpenTelemetry or the configuration names one."),
    Field(TRACE_ID, "string", "TraceId", "The trace in which it was logged.", pattern="^[0-9a-f]{32}$"),
    Field(SPAN_ID, "string", "SpanId", "The span in which it was logged.", pattern="^[0-9a-f]{16}$"),
    Field(TRACE_FLAGS, "string", "TraceFlags", "W3C trace flags; 01: sampled.", pattern="^[0-9a-f]{2}$"),
    Field(EVENT_NAME, "string", "EventName", "What kind of event it is, where the code names one."),
    Field(EXCEPTION_TYPE, "string", "Attributes", "Qualified type of the exception, as on the span."),
    Field(EXCEPTION_MESSAGE, "string", "Attributes", "Its message, as on the span."),
    Field(EXCEPTION_STACKTRACE, "string", "Attributes", "Its stack trace with its causes, as on the span."),
    *(Field(each.name, _JSON_TYPES[each.type], "Attributes", each.meaning) for each in _WRITTEN_HERE),
    Field(USER_HASH, "string", "Attributes", "Pseudonym of the user for whom the work was done."),
    Field(DEPLOYMENT, "string", "Attributes", "The deployment environment, where the code binds one."),
    Field(DEPLOYMENT_ID, "string", "Attributes", "The deployment, where the code binds one."),
    Field(CODE_FILE, "string", "Attributes", "File of the code that logged it (`code=True`)."),
    Field(CODE_LINE, "integer", "Attributes", "Line of the code that logged it (`code=True`)."),
    Field(CODE_FUNCTION, "string", "Attributes", "Function that logged it (`code=True`)."),
    Field(CODE_STACK, "string", "Attributes", "The stack at that place, where it was asked for (`stack_info`)."),
    Field(THREAD_ID, "integer", "Attributes", "Thread that logged it (`thread=True`)."),
    Field(THREAD_NAME, "string", "Attributes", "Name of that thread (`thread=True`)."),
    Field(EXTRA, "object", "Attributes", "Everything else that was given with the message, under its own names."),
)


def schema() -> dict[str, object]:
    """JSON Schema (2020-12) of one line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A log line of errorplane",
        "type": "object",
        "properties": {field.name: _property(field) for field in FIELDS if "<" not in field.name},
        "patternProperties": {
            "^" + field.name.partition("<")[0].replace(".", r"\."): _property(field)
            for field in FIELDS
            if "<" in field.name
        },
        "required": [field.name for field in FIELDS if field.always],
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, object]:
    described: dict[str, object] = {"type": field.type, "description": field.meaning}
    if field.name == SEVERITY_NUMBER:
        described |= {"minimum": 0, "maximum": 24}
    if field.type == "array":
        described["items"] = {"type": "string"}
    if field.pattern:
        described["pattern"] = field.pattern
    return described
