"""Settings as `OTEL_CONFIG_FILE` carries them: typed values under `instrumentation/development`, `python`, `errorplane`.

They become the variables of the environment that errorplane reads everywhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import field, make_dataclass
from typing import Any, Final

from errorplane.settings import ENABLED, VARIABLES, Variable, is_secret

UNKNOWN: Final = "unknown"
_TYPES: Final[Mapping[str, Any]] = {
    "flag": bool | None,
    "number": float | None,
    "text": str | None,
    "words": list[str] | None,
}
_ALLOWED: Final[Mapping[str, str]] = {
    "flag": "true or false",
    "number": "a number of 0 or more",
    "text": "a text",
    "words": "a list of texts without commas",
}
# Whether it is attached at all is no setting of it: in the file, `enabled` is OpenTelemetry's own word.
BY_KEY: Final[Mapping[str, Variable]] = {each.key: each for each in VARIABLES if each.name != ENABLED}


class _Options:
    """Takes whatever a file says; what is no setting is kept, for the report of it."""

    def __init__(self, **options: Any) -> None:
        for name in BY_KEY:
            setattr(self, name, options.pop(name, None))
        self.unknown = options or None


Configuration: Final = make_dataclass(
    "Configuration",
    [
        *((key, _TYPES[each.type], field(default=None)) for key, each in BY_KEY.items()),
        (UNKNOWN, dict[str, Any] | None, field(default=None)),
    ],
    bases=(_Options,),
    init=False,
    namespace={"__module__": __name__},
)
"""One optional field for each row of `errorplane.settings.VARIABLES`."""


def variables(options: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The values of a `Configuration` by names of variables, and a line for each that cannot be used."""
    values: dict[str, str] = {}
    problems = list(_unknown(options.get(UNKNOWN) or {}))
    for key, value in options.items():
        if key == UNKNOWN or value is None:
            continue
        if (variable := BY_KEY.get(key)) is None:
            problems.extend(_unknown({key: value}))
        elif (text := _text(variable, value)) is None:
            problems.append(f"{key}: is {_shown(variable, value)} and must be {_allowed(variable)}; it is passed over")
        else:
            values[variable.name] = text
    return values, tuple(problems)


def _unknown(options: Mapping[str, Any]) -> Iterator[str]:
    for key in options:
        yield f"{key}: is no setting; there are {', '.join(sorted(BY_KEY))}"


def _text(variable: Variable, value: Any) -> str | None:
    """The value as it would stand in the environment; None for one of another type."""
    match variable.type, value:
        case "flag", bool():
            return "true" if value else "false"
        case "number", int() | float() if not isinstance(value, bool) and math.isfinite(value) and value >= 0:
            return str(value)
        case "text", str() if not variable.allowed or value.strip().lower() in variable.allowed:
            return value
        case "words", list() if all(isinstance(word, str) and "," not in word for word in value):
            return ",".join(value)
    return None


def _allowed(variable: Variable) -> str:
    return " or ".join(variable.allowed) or _ALLOWED[variable.type]


def _shown(variable: Variable, value: Any) -> str:
    return "not shown" if is_secret(variable.name) else repr(value)
