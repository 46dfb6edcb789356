"""What every section of the policy has in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from errorplane.policy._locations import Location
from errorplane.policy._scalars import NAME, Flag, Secret, Text, fail

Name = Annotated[str, NAME]
Plain = Annotated[str, Text()]
YesNo = Annotated[bool, Flag()]
FilePath = Annotated[Path, Location()]
Masked = Annotated[SecretStr, Secret()]


class Section(BaseModel):
    """A mapping of the policy: unknown keys are refused, values do not change, errors do not repeat the input."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
    )
    bare: ClassVar[str | None] = None
    """Field that a single value in place of the mapping stands for; such a section reads it in a validator."""


class OneOf(Section):
    """A section in which exactly one key is written."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        names = type(self).model_fields
        if sum(getattr(self, name) is not None for name in names) != 1:
            fail("one_of", f"must have exactly one of the keys {', '.join(names)}")
        return self


def section(description: str, examples: list[Any] | None = None, default: Any = None) -> Any:
    """A field that holds a section, by default as if ``default`` (an empty mapping) had been written."""
    written = {} if default is None else default
    return Field(default_factory=lambda: written, validate_default=True, description=description, examples=examples)
