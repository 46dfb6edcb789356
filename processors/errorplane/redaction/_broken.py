"""Strings that are no UTF-8: proto3 forbids them, some senders write them, and upb refuses the whole request for one."""

from __future__ import annotations

from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, Frame, MalformedWire, read_varint, skip_field, splice
from errorplane.redaction._quarantine import ENCODING, Seal, withheld
from errorplane.redaction._shapes import SHAPES, Kind, Shape

_MAX_DEPTH = 100  # of messages; upb's own limit


def withhold_broken(signal: Signal, body: bytes, seal: Seal | None) -> tuple[bytes, int]:
    """The request with every string withheld that is no UTF-8, and how many these are.

    Raises ``MalformedWire`` for bytes that cannot be followed.
    """
    edits: list[Edit] = []
    try:
        _find(body, 0, len(body), SHAPES[signal].request, (), seal, edits)
    except IndexError as error:
        raise MalformedWire("the request ends inside a field") from error
    return splice(body, edits), len(edits)


def _find(
    body: bytes, at: int, end: int, shape: Shape, outer: tuple[Frame, ...], seal: Seal | None, edits: list[Edit]
) -> None:
    if len(outer) > _MAX_DEPTH:
        raise MalformedWire(f"more than {_MAX_DEPTH} messages in each other")
    while at < end:
        tag, length_at = read_varint(body, at)
        at = skip_field(body, tag, length_at)
        if at > end:
            raise MalformedWire(f"a field ends at byte {at}, beyond its message, which ends at byte {end}")
        field = shape.fields.get(tag)
        if field is None:
            continue
        own = Frame(length_at, read_varint(body, length_at)[1], at)
        if field.shape is not None:
            _find(body, own.start, at, field.shape, (*outer, own), seal, edits)
        elif field.kind is Kind.TEXT and not _is_text(body[own.start : at]):
            new = withheld(ENCODING, body[own.start : at], seal).encode()
            edits.append(Edit(own.start, at, new, (*outer, own)))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
