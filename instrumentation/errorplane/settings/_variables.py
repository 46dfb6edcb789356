"""The one table of environment variables; the documentation is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ENABLED: Final = "ERRORPLANE_ENABLED"
COMPONENT: Final = "ERRORPLANE_COMPONENT"
SETTINGS: Final = "ERRORPLANE_SETTINGS"
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
)
BY_NAME: Final = {variable.name: variable for variable in VARIABLES}
