"""The one table of environment variables; the documentation is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ENABLED: Final = "ERRORPLANE_ENABLED"
COMPONENT: Final = "ERRORPLANE_COMPONENT"
SETTINGS: Final = "ERRORPLANE_SETTINGS"
EXPORT_ERRORS: Final = "ERRORPLANE_EXPORT_ERRORS"
EXPORT_RATE: Final = "ERRORPLANE_EXPORT_RATE"
EXPORT_BURST: Final = "ERRORPLANE_EXPORT_BURST"
EXPORT_TOTAL_RATE: Final = "ERRORPLANE_EXPORT_TOTAL_RATE"
EXPORT_FINGERPRINTS: Final = "ERRORPLANE_EXPORT_FINGERPRINTS"
BAGGAGE_SPAN_KEYS: Final = "OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its name, how its value is read, what holds without it, and what it does.

    `words` are separated by commas; a `text` with `allowed` values is one of them.
    """

    name: str
    type: Literal["flag", "number", "text", "words"]
    default: str
    meaning: str
    allowed: tuple[str, ...] = ()


VARIABLES: Final[tuple[Variable, ...]] = (
    Variable(ENABLED, "flag", "true", "false, 0, no or off: no hook is installed, and a plain OpenTelemetry is left."),
    Variable(COMPONENT, "text", "", "The component of errors for which the code binds none; without it, the service."),
    Variable(SETTINGS, "text", "", "The file `application.json` that `errorplane compile` wrote."),
    Variable(
        BAGGAGE_SPAN_KEYS, "words", "correlation_id,tenant", "Baggage that becomes attributes of spans and log records."
    ),
    Variable(
        EXPORT_ERRORS,
        "flag",
        "false",
        "true: spans that end in an error leave even if head sampling drops their traces, within the rates below, and "
        "stack traces beyond them are left out.",
    ),
    Variable(EXPORT_RATE, "number", "1", "How many errors of one fingerprint leave a second."),
    Variable(EXPORT_BURST, "number", "10", "How many of them may leave at once after a quiet time."),
    Variable(EXPORT_TOTAL_RATE, "number", "50", "How many errors of all fingerprints together leave a second."),
    Variable(
        EXPORT_FINGERPRINTS,
        "number",
        "1000",
        "How many fingerprints are told apart; the first error of so many new ones a minute leaves in any case.",
    ),
)
BY_NAME: Final = {variable.name: variable for variable in VARIABLES}
