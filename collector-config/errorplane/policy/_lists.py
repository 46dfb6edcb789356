"""Lists, held as tuples."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from errorplane.policy._scalars import fail


class Many:
    """A list, held as a tuple. ``filled``: not empty. ``single``: not empty, and one value may stand
    for itself. ``repeats``: the same text may stand in it twice."""

    def __init__(self, *, single: bool = False, filled: bool = False, repeats: bool = False) -> None:
        self._repeats = repeats
        self.single = single
        self.filled = filled or single

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def _read(self, value: object) -> object:
        if self.single and not isinstance(value, (list, tuple)):
            value = (value,)
        if not isinstance(value, (list, tuple)):
            fail("want_list", "must be a list")
        if self.filled and not value:
            fail("value", "must not be an empty list")
        seen = [str(v) for v in value if isinstance(v, str)]
        if not self._repeats and len(seen) != len(set(seen)):
            fail("value", "must not list anything twice")
        return tuple(value)
