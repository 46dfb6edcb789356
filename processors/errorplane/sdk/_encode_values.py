"""Attributes and values of the SDK as OTLP bytes (opentelemetry-proto 1.x, common.proto).

Written field by field: the messages of protobuf cost five times as much, and every span of the application is encoded.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from errorplane.otlp._wire import delimited, encode_varint

_INT64 = 1 << 63
_KEYS = 4096  # names of attributes are few; beyond that they are encoded anew
_SHORT = 0x80  # lengths below it are one byte
_double = struct.Struct("<Bd").pack


def utf8(text: str) -> bytes:
    """The text; half a surrogate pair, which no receiver takes, becomes a question mark."""
    return text.encode("utf-8", "replace")


@functools.lru_cache(_KEYS)
def _key(key: str) -> bytes:
    return b"\x0a" + delimited(utf8(key)) + b"\x12"


def encode_attributes(tag: bytes, attributes: Mapping[str, Any] | None) -> bytes:
    """Each as an element of the repeated field whose tag is given."""
    if not attributes:
        return b""
    # The proxy that the SDK gives reads every value through a method; its copy is the plain dictionary.
    plain = attributes.copy() if isinstance(attributes, MappingProxyType) else attributes
    out = []
    for key, value in plain.items():
        encoded = encode_value(value)
        size = len(encoded)
        pair = _key(key) + (bytes((size,)) if size < _SHORT else encode_varint(size)) + encoded
        size = len(pair)
        out.append(tag + (bytes((size,)) if size < _SHORT else encode_varint(size)) + pair)
    return b"".join(out)


def encode_value(value: Any) -> bytes:
    """The body of an ``AnyValue``. What no field of it can hold is written as text."""
    if isinstance(value, str):
        data = utf8(value)
        size = len(data)
        return b"\x0a" + (bytes((size,)) if size < _SHORT else encode_varint(size)) + data
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
