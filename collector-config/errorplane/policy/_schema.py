"""JSON Schema of ``errorplane.yaml``, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

from errorplane.policy._policy import Policy
from errorplane.policy._section import OneOf
from errorplane.policy._shapes import Shape, section_shape, shape_of, written_default

DIALECT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> dict[str, Any]:
    """The schema, with the description, examples and default of every field, as a person writes them.

    Draft 7, and without references between its parts: what every editor's YAML support understands.
    """
    return {"$schema": DIALECT, "title": "errorplane.yaml", **_schema(section_shape(Policy))}


def _schema(shape: Shape) -> dict[str, Any]:
    schema = _present(shape)
    if not shape.optional:
        return schema
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]}


def _present(shape: Shape) -> dict[str, Any]:
    if shape.scalar is not None:
        return shape.scalar.schema()
    if shape.item is not None and shape.many is not None:
        array: dict[str, Any] = {"type": "array", "items": _schema(shape.item)}
        if shape.many.filled:
            array["minItems"] = 1
        return {"anyOf": [array["items"], array]} if shape.many.single else array
    if shape.value is not None and shape.key is not None:
        return {"type": "object", "propertyNames": shape.key.schema(), "additionalProperties": _schema(shape.value)}
    return _section(shape)


def _section(shape: Shape) -> dict[str, Any]:
    assert shape.section is not None  # the only kind of shape left
    schema: dict[str, Any] = {
        "type": "object",
        "description": shape.section.__doc__,
        "additionalProperties": False,
        "properties": {name: _field(field) for name, field in shape.fields.items()},
    }
    required = [name for name, field in shape.fields.items() if field.is_required()]
    if required:
        schema["required"] = required
    if issubclass(shape.section, OneOf):
        schema |= {"minProperties": 1, "maxProperties": 1}
    if shape.bare is not None:
        return {"anyOf": [*_alternatives(_schema(shape.bare)), schema]}
    return schema


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = schema.get("anyOf", [schema])
    return found


def _field(field: FieldInfo) -> dict[str, Any]:
    schema = {**_schema(shape_of(field)), "description": field.description}
    if field.examples:
        schema["examples"] = field.examples
    if not field.is_required():
        schema["default"] = written_default(field)
    return schema
