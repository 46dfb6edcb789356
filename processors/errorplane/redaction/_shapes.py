"""The schema as the wire walk needs it: for every message the tags of its fields and what they hold.

Made from the protobuf descriptors, so that a field that a new version of OTLP brings is looked at as soon as the
package knows it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from errorplane.otlp import Signal

KEY_VALUE_NAME = "opentelemetry.proto.common.v1.KeyValue"
ANY_VALUE_NAME = "opentelemetry.proto.common.v1.AnyValue"


class Kind(enum.Enum):
    """What a length-delimited field holds."""

    MESSAGE = enum.auto()
    KEY_VALUE = enum.auto()
    ANY_VALUE = enum.auto()
    TEXT = enum.auto()
    ID = enum.auto()
    """Bytes outside of AnyValue: trace and span ids."""
    NUMBERS = enum.auto()
    """A packed list."""
    UNKNOWN = enum.auto()

    __hash__ = object.__hash__  # as fast as can be: kinds are in the keys of what is remembered


@dataclass(frozen=True, slots=True)
class Field:
    """A field that the schema knows."""

    kind: Kind
    shape: Shape | None = None


@dataclass(slots=True)
class Shape:
    """One message: its length-delimited fields by tag, and the tags of its other fields."""

    fields: dict[int, Field] = field(default_factory=dict)
    scalars: set[int] = field(default_factory=set)


_PACKED, _VARINT, _FIXED64, _FIXED32 = 2, 0, 1, 5
_WIRE_TYPES = {
    FieldDescriptor.TYPE_DOUBLE: _FIXED64,
    FieldDescriptor.TYPE_FIXED64: _FIXED64,
    FieldDescriptor.TYPE_SFIXED64: _FIXED64,
    FieldDescriptor.TYPE_FLOAT: _FIXED32,
    FieldDescriptor.TYPE_FIXED32: _FIXED32,
    FieldDescriptor.TYPE_SFIXED32: _FIXED32,
}
_MESSAGES = {KEY_VALUE_NAME: Kind.KEY_VALUE, ANY_VALUE_NAME: Kind.ANY_VALUE}


def shape_of(descriptor: Any, known: dict[str, Shape]) -> Shape:
    """The shape of a message type and of all below it; ``known`` holds those already made."""
    found = known.get(descriptor.full_name)
    if found is not None:
        return found
    shape = known[descriptor.full_name] = Shape()
    for entry in descriptor.fields:
        number = entry.number << 3
        match entry.type:
            case FieldDescriptor.TYPE_MESSAGE:
                kind = _MESSAGES.get(entry.message_type.full_name, Kind.MESSAGE)
                shape.fields[number | _PACKED] = Field(kind, shape_of(entry.message_type, known))
            case FieldDescriptor.TYPE_STRING:
                shape.fields[number | _PACKED] = Field(Kind.TEXT)
            case FieldDescriptor.TYPE_BYTES:
                shape.fields[number | _PACKED] = Field(Kind.ID)
            case _:
                shape.scalars.add(number | _WIRE_TYPES.get(entry.type, _VARINT))
                if entry.is_repeated:
                    shape.fields[number | _PACKED] = Field(Kind.NUMBERS)
    return shape


def _child(shape: Shape, tag: int) -> Shape:
    child = shape.fields[tag].shape
    assert child is not None
    return child


@dataclass(frozen=True, slots=True)
class SignalShapes:
    """The four levels of an Export request."""

    request: Shape
    resource: Shape
    scope: Shape
    item: Shape


_KNOWN: dict[str, Shape] = {}


def _of_signal(signal: Signal) -> SignalShapes:
    request = shape_of(signal.request_type.DESCRIPTOR, _KNOWN)
    resource = _child(request, 0x0A)
    scope = _child(resource, 0x12)
    return SignalShapes(request, resource, scope, _child(scope, 0x12))


SHAPES = {signal: _of_signal(signal) for signal in Signal}
KEY_VALUE = _KNOWN[KEY_VALUE_NAME]
ANY_VALUE = _KNOWN[ANY_VALUE_NAME]
