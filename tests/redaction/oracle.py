"""Redaction as one would write it without a thought of speed: parse everything, look at every string."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.detectors import KeyClass, key_class, redact
from errorplane.otlp import Signal

_WHOLE = (KeyClass.SECRET, KeyClass.TOKEN)


def redacted(signal: Signal, body: bytes) -> Message:
    """The request with every finding replaced and all unknown fields left out."""
    message = signal.request_type.FromString(body)
    message.DiscardUnknownFields()
    _message(message)
    return message


def _message(message: Message) -> None:
    if isinstance(message, KeyValue):
        _pair(message, KeyClass.NONE)
        return
    if isinstance(message, AnyValue):
        _value(message, KeyClass.NONE)
        return
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if field.is_repeated else [value]:
                _message(each)
        elif field.type == FieldDescriptor.TYPE_STRING and field.is_repeated:
            value[:] = [_text(each, KeyClass.NONE) for each in value]
        elif field.type == FieldDescriptor.TYPE_STRING:
            setattr(message, field.name, _text(value, KeyClass.NONE))
        elif field.type == FieldDescriptor.TYPE_BYTES and len(value) not in (0, 8, 16):
            setattr(message, field.name, _bytes(value, KeyClass.NONE))


def _pair(pair: KeyValue, outer: KeyClass) -> None:
    own = key_class(pair.key)
    pair.key = _text(pair.key, KeyClass.NONE)
    if pair.HasField("value"):
        _value(pair.value, outer if outer in _WHOLE or own is KeyClass.NONE else own)


def _value(value: AnyValue, kind: KeyClass) -> None:
    name = value.WhichOneof("value")
    if name == "array_value":
        for each in value.array_value.values:
            _value(each, kind)
    elif name == "kvlist_value":
        for pair in value.kvlist_value.values:
            _pair(pair, kind)
    elif name == "bytes_value":
        value.bytes_value = _bytes(value.bytes_value, kind)
    elif name in ("string_value", "int_value", "double_value"):
        held = getattr(value, name)
        text = str(int(held)) if isinstance(held, float) and held.is_integer() else str(held)
        if (new := _text(text, kind)) != text:
            value.string_value = new


def _text(text: str, kind: KeyClass) -> str:
    return redact(text, kind=kind)[0]


def _bytes(data: bytes, kind: KeyClass) -> bytes:
    return _text(data.decode("utf-8", "surrogateescape"), kind).encode("utf-8", "surrogateescape")
