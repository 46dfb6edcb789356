"""Durations and sizes as kinds of single values."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationInfo

from errorplane.policy._scalars import REFERENCE_PATTERN, Scalar, as_number, fail
from errorplane.policy._units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)


class Duration(Scalar):
    """A duration from ``low`` to ``high`` (as written); seconds as a float. Python callers may give seconds."""

    def __init__(self, low: str, high: str) -> None:
        self.label = f"duration, {low} to {high}"
        self._low, self._high = parse_duration(low), parse_duration(high)
        self._meaning = f"a duration from {low} to {high}, such as 250ms, 10s or 5m"

    def read(self, value: object, info: ValidationInfo) -> float:
        if isinstance(value, str):
            try:
                seconds = parse_duration(value)
            except ValueError:
                fail("value", f"must be {self._meaning}")
        elif info.context is None and as_number(value) is not None:
            seconds = float(value)  # type: ignore[arg-type]  # as_number has looked at it
        else:
            fail("unit", f"must be {self._meaning}")
        if not self._low <= seconds <= self._high:
            fail("value", f"must be {self._meaning}")
        return seconds

    def show(self, value: Any) -> object:
        return format_duration(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{DURATION_PATTERN}$|{REFERENCE_PATTERN}"}


class Size(Scalar):
    """A size from ``low`` to ``high`` (as written); bytes as an int. Python callers may give bytes."""

    def __init__(self, low: str, high: str) -> None:
        self.label = f"size, {low} to {high}"
        self._low, self._high = parse_size(low), parse_size(high)
        self._meaning = f"a size from {low} to {high}, such as 512KiB, 32MiB or 4GiB"

    def read(self, value: object, info: ValidationInfo) -> int:
        if isinstance(value, str):
            try:
                count = parse_size(value)
            except ValueError:
                fail("value", f"must be {self._meaning}")
        elif info.context is None and isinstance(value, int) and not isinstance(value, bool):
            count = value
        else:
            fail("unit", f"must be {self._meaning}")
        if not self._low <= count <= self._high:
            fail("value", f"must be {self._meaning}")
        return count

    def show(self, value: Any) -> object:
        return format_size(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{SIZE_PATTERN}$|{REFERENCE_PATTERN}"}
