"""What a failed validation says about its fields: where and why, and never what was in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from errorplane.business._bounded import OTHER
from errorplane.business._known_names import known_names, model_of, pydantic_types
from errorplane.errors import ask

ROOT: Final = "$"
_UNKNOWN: Final = "*"
_ITEM: Final = "[]"
_DEPTH: Final = 10
_ROWS: Final = 1000
_PLACES: Final = frozenset(("body", "query", "path", "header", "cookie"))  # where FastAPI found it
_CHILDREN: Final = frozenset(
    ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
)


class Invalid(NamedTuple):
    """One field that failed: its path, such as `items[].price`, and the library's word for what is wrong with it.

    What a path holds besides names of the schema stands there as `*`, since it came from the input, and so does an
    index as `[]`.
    """

    field: str
    type: str


def is_validation(error: BaseException) -> bool:
    """Whether this is a validation error of pydantic, FastAPI or jsonschema: by what it offers, nothing is imported."""
    return type(error).__name__.endswith("ValidationError") and (_is_jsonschema(error) or _is_pydantic(error))


def invalid_of(error: BaseException, model: object = None) -> Sequence[Invalid] | None:
    """What failed, or None for an exception that is no such validation error.

    `model` says which names the input may have, as a pydantic model, dataclass, `TypeAdapter`, or function with such
    parameters; without it, what the exception was raised from.
    """
    if not is_validation(error):
        return None
    return ask(lambda: [_of_jsonschema(error)] if _is_jsonschema(error) else _of_pydantic(error, model), [_LOST])


def _is_jsonschema(error: BaseException) -> bool:
    return hasattr(error, "absolute_schema_path") and hasattr(error, "validator")


def _is_pydantic(error: BaseException) -> bool:
    return callable(getattr(error, "errors", None))


_LOST: Final = Invalid(_UNKNOWN, OTHER)


def _of_pydantic(error: Any, model: object) -> list[Invalid]:
    count = getattr(error, "error_count", None)
    if count is not None and (many := int(count())) > _ROWS:
        return [_LOST] * many
    try:
        rows = error.errors(include_input=False, include_url=False, include_context=False)
    except TypeError:  # FastAPI's takes nothing
        rows = error.errors()
    names = _PLACES | known_names(model if model is not None else model_of(error))
    return [_row(row, names) for row in rows]


def _row(row: Mapping[str, Any], names: frozenset[str]) -> Invalid:
    kind = row.get("type")
    return Invalid(_path(row.get("loc", ()), names), kind if kind in pydantic_types() else OTHER)


def _of_jsonschema(error: Any) -> Invalid:
    schema_path = list(error.absolute_schema_path)
    names = frozenset(_properties(schema_path))
    path = list(error.absolute_path)
    keyword = str(error.validator) if schema_path and schema_path[-1] == error.validator else OTHER
    if keyword == "required":
        missing = next(
            (each for each in error.validator_value if f"{each!r} is a required property" == error.message), None
        )
        if missing is not None:
            return Invalid(_path([*path, missing], names | {missing}), keyword)
    return Invalid(_path(path, names), keyword)


def _properties(schema_path: Sequence[object]) -> Iterable[str]:
    """The names of properties that the way through the schema passes."""
    steps = iter(schema_path)
    for step in steps:
        if step in _CHILDREN:
            name = next(steps, None)
            if step == "properties" and isinstance(name, str):
                yield name


def _path(parts: Iterable[object], names: frozenset[str]) -> str:
    path = ""
    for depth, part in enumerate(parts):
        if depth == _DEPTH:
            return f"{path}.{_UNKNOWN}"
        if isinstance(part, int):
            path += _ITEM
        else:
            word = part if isinstance(part, str) and part in names else _UNKNOWN
            path += f".{word}" if path else word
    return path or ROOT
