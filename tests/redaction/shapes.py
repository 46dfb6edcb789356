"""Export requests for the tests: made from the descriptors, and re-encoded in every way that protobuf allows."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from errorplane.otlp import Signal
from errorplane.otlp._wire import encode_varint, read_varint, skip_field

WORDS = ("", "a", "checkout", "GET /orders/{id}", "héllo wörld", "x" * 57, "y" * 200, "line one\nline two")


def request(signal: Signal, rnd: random.Random, words: Callable[[random.Random], str] | None = None) -> Message:
    """A random Export request: every field of the schema has a chance, nested to a few levels."""
    message = signal.request_type()
    fill(message, rnd, 7, words or _word)
    return message


def _word(rnd: random.Random) -> str:
    return rnd.choice(WORDS)


def fill(message: Message, rnd: random.Random, depth: int, words: Callable[[random.Random], str]) -> None:
    """Set random fields of ``message``."""
    for field in message.DESCRIPTOR.fields:
        if rnd.random() < (0.25 if depth > 4 else 0.5):
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth == 0:
                continue
            for _ in range(rnd.choice((1, 1, 2, 3)) if field.is_repeated else 1):
                child = getattr(message, field.name)
                if field.is_repeated:
                    child = child.add()
                child.SetInParent()
                fill(child, rnd, depth - 1, words)
        elif field.is_repeated:
            getattr(message, field.name).extend(scalar(field, rnd, words) for _ in range(rnd.randrange(3)))
        else:
            setattr(message, field.name, scalar(field, rnd, words))


def scalar(field: Any, rnd: random.Random, words: Callable[[random.Random], str]) -> object:
    """A random value of a scalar field."""
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return words(rnd)
        case FieldDescriptor.TYPE_BYTES:
            return rnd.choice((rnd.randbytes(16), rnd.randbytes(8), b"", words(rnd).encode()))
        case FieldDescriptor.TYPE_BOOL:
            return rnd.random() < 0.5
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
            return float(rnd.randrange(1000)) / 8
        case FieldDescriptor.TYPE_ENUM:
            return rnd.choice(field.enum_type.values).number
        case FieldDescriptor.TYPE_SINT32 | FieldDescriptor.TYPE_INT32 | FieldDescriptor.TYPE_SFIXED64:
            return rnd.randrange(-100, 100)
        case _:
            return rnd.choice((0, 1, 300, (1 << 31) + 1))  # 2^31 is an NHS number


def long_varint(value: int, rnd: random.Random) -> bytes:
    """A varint of the same value that is one or two bytes longer than it need be."""
    short = encode_varint(value)
    return short[:-1] + bytes((short[-1] | 0x80,)) + b"\x80" * rnd.randrange(2) + b"\x00"


def mutate(body: bytes, descriptor: Any, rnd: random.Random, long_tags: bool = False) -> bytes:
    """Other bytes that are valid for ``descriptor``: shuffled, split, with unknown fields and long varints."""
    pieces: list[bytes] = []
    at = 0
    while at < len(body):
        tag, start = read_varint(body, at)
        end = skip_field(body, tag, start)
        field = descriptor.fields_by_number.get(tag >> 3)
        if tag & 7 == 2 and field is not None and field.type == FieldDescriptor.TYPE_MESSAGE:
            content = body[read_varint(body, start)[1] : end]
            pieces.extend(_split(content, tag, field, rnd, long_tags))
        else:
            pieces.append(body[at:end])
        at = end
    pieces.extend(unknown(rnd) for _ in range(rnd.choice((0, 0, 1, 2))))
    rnd.shuffle(pieces)
    return b"".join(pieces)


def _split(content: bytes, tag: int, field: Any, rnd: random.Random, long_tags: bool) -> list[bytes]:
    """One sub-message, re-encoded; a singular one perhaps in two pieces, which protobuf merges."""
    inner = mutate(content, field.message_type, rnd, long_tags)
    parts = [inner]
    if not field.is_repeated and field.containing_oneof is None and rnd.random() < 0.3:
        cut = _boundary(inner, rnd)
        parts = [inner[:cut], inner[cut:]]
    head = long_varint(tag, rnd) if long_tags and rnd.random() < 0.1 else encode_varint(tag)
    return [
        head + (long_varint(len(part), rnd) if rnd.random() < 0.2 else encode_varint(len(part))) + part
        for part in parts
    ]


def _boundary(body: bytes, rnd: random.Random) -> int:
    cuts, at = [0], 0
    while at < len(body):
        tag, start = read_varint(body, at)
        at = skip_field(body, tag, start)
        cuts.append(at)
    return rnd.choice(cuts)


def unknown(rnd: random.Random, text: bytes = b"unknown text") -> bytes:
    """A field that no OTLP message knows, of each wire type in turn, groups and empty groups included."""
    number = rnd.choice((900, 2000, 77777))
    match rnd.randrange(6):
        case 0:
            return encode_varint(number << 3) + long_varint(rnd.randrange(1 << 20), rnd)
        case 1:
            return encode_varint(number << 3 | 1) + rnd.randbytes(8)
        case 2:
            return encode_varint(number << 3 | 2) + encode_varint(len(text)) + text
        case 3:
            return encode_varint(number << 3 | 5) + rnd.randbytes(4)
        case 4:
            return encode_varint(number << 3 | 3) + encode_varint(number << 3 | 4)
        case _:
            inner = unknown(rnd, text) + encode_varint(5 << 3 | 2) + encode_varint(len(text)) + text
            return encode_varint(number << 3 | 3) + inner + encode_varint(number << 3 | 4)


def upb_items(signal: Signal, message: Message) -> list[Message]:
    """The items of a parsed Export request, in order."""
    groups, scopes, leaves = NAMES[signal]
    return [
        item
        for group in getattr(message, groups)
        for scope in getattr(group, scopes)
        for item in getattr(scope, leaves)
    ]


NAMES = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
}
