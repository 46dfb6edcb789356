"""Attributes and values of the SDK as OTLP bytes (opentelemetry-proto 1.x, common.proto).

Written field by field: the messages of protobuf cost five times as much, and every span of the application is encoded.
Most attributes are short texts, so what frames those is looked up by their length.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from errorplane.otlp._wire import delimited, encode_varint

_INT64 = 1 << 63
_MOST_KEYS = 4096  # names of attributes are few
_SHORT = 126  # the longest text whose AnyValue has a length of one byte
_SHORT_TEXT = tuple(bytes((0x12, size + 2, 0x0A, size)) for size in range(_SHORT))  # KeyValue.value, string_value
_TRUE, _FALSE = b"\x12\x02\x10\x01", b"\x12\x02\x10\x00"
_double = struct.Struct("<Bd").pack
_keys: dict[str, bytes] = {}


def utf8(text: str) -> bytes:
    """The text; half a surrogate pair, which no receiver takes, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _key(key: str) -> bytes:
    """``KeyValue.key``, remembered."""
    if len(_keys) >= _MOST_KEYS:
        _keys.clear()
    found = _keys[key] = b"\x0a" + delimited(utf8(key))
    return found


@functools.cache
def _heads(tag: bytes) -> tuple[bytes, ...]:
    """The tag and each length of one byte."""
    return tuple(tag + bytes((size,)) for size in range(0x80))


def encode_attributes(tag: bytes, attributes: Mapping[str, Any] | None) -> bytes:
    """Each as an element of the repeated field whose tag is given."""
    if not attributes:
        return b""
    # The proxy that the SDK gives reads every value through a method; its copy is the plain dictionary.
    plain = attributes.copy() if isinstance(attributes, MappingProxyType) else attributes
    heads, short, known = _heads(tag), _SHORT_TEXT, _keys.get
    out = []
    for key, value in plain.items():
        if type(value) is str and len(data := value.encode("utf-8", "replace")) < _SHORT:
            pair = (known(key) or _key(key)) + short[len(data)] + data
        elif value is True or value is False:
            pair = (known(key) or _key(key)) + (_TRUE if value else _FALSE)
        else:
            pair = (known(key) or _key(key)) + b"\x12" + delimited(encode_value(value))
        size = len(pair)
        out.append((heads[size] if size < 0x80 else tag + encode_varint(size)) + pair)
    return b"".join(out)


def encode_value(value: Any) -> bytes:
    """The body of an ``AnyValue``. What no field of it can hold is written as text."""
    if isinstance(value, str):
        return b"\x0a" + delimited(utf8(value))
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            return encode_value(str(value))
        return b"\x18" + encode_varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return _double(0x21, value)
    if isinstance(value, bytes):
        return b"\x3a" + delimited(value)
    if isinstance(value, Sequence):
        return b"\x2a" + delimited(b"".join(b"\x0a" + delimited(encode_value(each)) for each in value))
    if isinstance(value, Mapping):
        return b"\x32" + delimited(encode_attributes(b"\x0a", {str(key): each for key, each in value.items()}))
    return encode_value(str(value))
