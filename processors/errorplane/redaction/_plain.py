"""Attributes and values as nearly all are written: a key and one string or integer, read without a parser.

What is written in any other way, however slightly, is no plain one: the parser knows what becomes of that.
"""

from __future__ import annotations

from typing import NamedTuple

from errorplane.otlp._wire import delimited, encode_varint, read_varint
from errorplane.redaction._shapes import Kind

_KEY, _VALUE, _STRING, _INT = (
    0x0A,
    0x12,
    0x0A,
    0x18,
)  # tags of KeyValue (key, value) and AnyValue (string_value, int_value)
_TWO_BYTES, _NEGATIVE, _TWO_TO_64 = 0x80, 1 << 63, 1 << 64


class Plain(NamedTuple):
    """A KeyValue or an AnyValue that holds a string or an integer."""

    key: str | None
    """None of an AnyValue."""
    text: str
    """The string, or the integer as it would be written."""


def plain(kind: Kind, body: bytes) -> Plain | None:
    """What a whole body of this kind says; None if it is not plain.

    >>> plain(Kind.KEY_VALUE, bytes.fromhex("0a036b6579 1203 0a0161")), plain(Kind.ANY_VALUE, bytes.fromhex("18ac02"))
    (Plain(key='key', text='a'), Plain(key=None, text='300'))
    """
    try:
        if kind is Kind.ANY_VALUE:
            return _value(None, body, 0)
        return _pair(body) if kind is Kind.KEY_VALUE and body[0] == _KEY else None
    except (IndexError, ValueError):  # no UTF-8, too long a varint, an early end
        return None


def written(kind: Kind, key: str | None, text: str) -> bytes:
    """A plain string, as ``plain`` reads it."""
    value = b"\x0a" + delimited(text.encode())
    if key is None:
        return value
    return b"\x0a" + delimited(key.encode()) + b"\x12" + delimited(value)


def _pair(body: bytes) -> Plain | None:
    size = body[1]
    end = 2 + size
    if not 0 < size < _TWO_BYTES or body[end] != _VALUE:
        return None
    start, stop = _length(body, end + 1)
    return _value(body[2:end].decode(), body, start) if stop == len(body) else None


def _value(key: str | None, body: bytes, at: int) -> Plain | None:
    """The AnyValue that is the rest of the body."""
    if body[at] == _STRING:
        start, stop = _length(body, at + 1)
        return Plain(key, body[start:].decode()) if stop == len(body) else None
    if body[at] != _INT:
        return None
    number, stop = read_varint(body, at + 1)
    if stop != len(body) or number >= _TWO_TO_64 or body[at + 1 :] != encode_varint(number):
        return None
    return Plain(key, str(number - _TWO_TO_64 if number >= _NEGATIVE else number))


def _length(body: bytes, at: int) -> tuple[int, int]:
    """Where what has its length at ``at`` starts and ends; it ends nowhere if the length is not one or two bytes, or
    more than it needs.
    """
    size = body[at]
    if size < _TWO_BYTES:
        return at + 1, at + 1 + size
    high = body[at + 1]
    return at + 2, at + 2 + (size & 0x7F | high << 7) if 0 < high < _TWO_BYTES else -1
