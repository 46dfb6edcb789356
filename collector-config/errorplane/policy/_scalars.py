"""The kinds of single values in a policy: how each is read, described, and put into the JSON Schema.

A kind is an ``Annotated`` marker. Its messages never contain the value: a value may be a secret, so only the
code that knows where it came from may show it. Where a reference (``${env:NAME}``) was replaced, the value
arrives as ``Resolved`` text, from which numbers and booleans are read too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn, get_args

from pydantic import GetCoreSchemaHandler, SecretStr, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

REFERENCE_PATTERN = r"\$\{(?:env|file):"
_REFERENCE_SCHEMA: dict[str, Any] = {"type": "string", "pattern": REFERENCE_PATTERN}


class Resolved(str):
    """Text of a scalar in which at least one ``${...}`` was replaced."""

    __slots__ = ()


def fail(kind: str, message: str, allowed: Sequence[str] = ()) -> NoReturn:
    """Refuse a value: ``message`` says what is expected and must not contain the value."""
    raise PydanticCustomError(f"policy_{kind}", "{message}", {"message": message, "allowed": tuple(allowed)})


class Scalar:
    """One kind of single value; ``label`` says in the reference what may be written."""

    label = "text"

    def read(self, value: object, info: ValidationInfo) -> Any:
        """The value as the pipeline wants it; refuses with ``fail``."""
        raise NotImplementedError

    def show(self, value: Any) -> object:
        """The value as a person would write it in YAML."""
        return value

    def schema(self) -> dict[str, Any]:
        """JSON Schema of what may be written."""
        return {"type": "string"}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.read, serialization=self._serialization())

    def _serialization(self) -> core_schema.SerSchema | None:
        return None


class Text(Scalar):
    """Text that is not empty; ``pattern`` narrows it, ``meaning`` says so in words."""

    def __init__(self, meaning: str = "", pattern: str = "", label: str = "text") -> None:
        self.label = label
        self._meaning = meaning or "a text"
        self._pattern = pattern

    def read(self, value: object, info: ValidationInfo) -> str:
        if not isinstance(value, str):
            fail("want_text", f"must be {self._meaning}")
        text = str(value)
        if not text.strip():
            fail("value", f"must be {self._meaning}, not empty")
        if self._pattern and not re.fullmatch(self._pattern, text):
            fail("value", f"must be {self._meaning}")
        return text

    def schema(self) -> dict[str, Any]:
        if not self._pattern:
            return {"type": "string", "minLength": 1}
        return {"type": "string", "pattern": f"^(?:{self._pattern})$|{REFERENCE_PATTERN}"}


NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
NAME = Text(
    "a name: 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first", NAME_PATTERN, "name"
)


class Choice(Scalar):
    """One of the values of the ``Literal`` that it annotates; one ``Choice()`` per ``Literal``."""

    label = "choice"

    def __init__(self) -> None:
        self._values: tuple[str | int, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        self._values = get_args(source)
        self.label = " | ".join(f"`{value}`" for value in self._values)
        return super().__get_pydantic_core_schema__(source, handler)

    def read(self, value: object, info: ValidationInfo) -> str | int:
        for one in self._values:
            if isinstance(value, Resolved) and str(value) == str(one):
                return one
            if type(value) is type(one) and value == one:
                return one
        fail("choice", "is not one of the allowed values", [str(v) for v in self._values])

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self._values)}, _REFERENCE_SCHEMA]}


class Flag(Scalar):
    """true or false."""

    label = "boolean"

    def read(self, value: object, info: ValidationInfo) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, Resolved) and value in ("true", "false"):
            return value == "true"
        fail("want_plain", "must be a boolean", ("true", "false"))

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, _REFERENCE_SCHEMA]}


class Number(Scalar):
    """A number from ``low`` to ``high``; ``whole`` asks for an integer, ``positive`` excludes ``low``."""

    def __init__(self, low: float, high: float, *, whole: bool = False, positive: bool = False) -> None:
        self.label = f"{'integer' if whole else 'number'}, {'above ' if positive else ''}{plain_number(low)} to {plain_number(high)}"
        self._low, self._high, self._whole, self._positive = low, high, whole, positive

    @property
    def _meaning(self) -> str:
        noun = "a whole number" if self._whole else "a number"
        if self._positive:
            return f"{noun} above {plain_number(self._low)}, up to {plain_number(self._high)}"
        return f"{noun} from {plain_number(self._low)} to {plain_number(self._high)}"

    def read(self, value: object, info: ValidationInfo) -> float:
        number = as_number(value)
        if number is None:
            fail("want_plain", f"must be {self._meaning}")
        if self._whole and (isinstance(number, float) and not number.is_integer()):
            fail("value", f"must be {self._meaning}")
        inside = self._low < number <= self._high if self._positive else self._low <= number <= self._high
        if not inside:
            fail("value", f"must be {self._meaning}")
        return int(number) if self._whole else float(number)

    def show(self, value: Any) -> object:
        return plain_number(value)

    def schema(self) -> dict[str, Any]:
        low = "exclusiveMinimum" if self._positive else "minimum"
        kind = {"type": "integer" if self._whole else "number", low: self._low, "maximum": self._high}
        return {"anyOf": [kind, _REFERENCE_SCHEMA]}


class Secret(Scalar):
    """Text that is masked wherever it is shown."""

    label = "secret"

    def read(self, value: object, info: ValidationInfo) -> SecretStr:
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if not isinstance(value, str):
            fail("want_text", "must be a text")
        if not value.strip():
            fail("value", "must not be empty")
        if re.search(r"[\x00-\x1f\x7f]", value):
            fail("value", "must be one line without control characters")
        return SecretStr(str(value))

    def _serialization(self) -> core_schema.SerSchema | None:
        return core_schema.plain_serializer_function_ser_schema(str, when_used="json")


def plain_number(value: float) -> float | int:
    """An integer where it is one."""
    return int(value) if float(value).is_integer() else value


def as_number(value: object) -> float | int | None:
    """A finite number, also from resolved text; None for anything else."""
    if isinstance(value, Resolved) and re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", value):
        return float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value
