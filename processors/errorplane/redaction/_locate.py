"""From offsets of hits to the fields that have to be looked at, by the schema."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from errorplane.otlp._wire import Frame, Layout, MalformedWire, frame, read_varint, skip_field
from errorplane.redaction._shapes import Kind, Shape, SignalShapes

_FAR = 1 << 62  # beyond every offset
# How a span begins that any SDK wrote: sixteen bytes of trace_id, eight of span_id, then mostly eight of parent_span_id.
_IDS = b"\x0a\x10" + bytes(16) + b"\x12\x08"
_IDS_LENGTH = 28
_PARENT, _PARENT_LENGTH = b"\x22\x08", 10
_ID_LENGTHS = (0, 8, 16)  # random bytes look like anything; what has another length is no id


class Target(NamedTuple):
    """A field that holds a hit: the outermost KeyValue, AnyValue or string around it."""

    kind: Kind
    head: int
    """Where the field begins, with its tag."""
    end: int
    frame: Frame | None
    """Length and body; None for an unknown field that has no length."""
    outer: tuple[Frame, ...]

    @property
    def start(self) -> int:
        """Where its body begins."""
        return self.head if self.frame is None else self.frame.start


def targets(
    body: bytes, layout: Layout, shapes: SignalShapes, hits: Sequence[int]
) -> Iterator[tuple[int | None, list[Target]]]:
    """The fields of a request that hold a hit: those of each item together with its number, those outside of items
    one by one with None. Raises ``MalformedWire`` or IndexError where the bytes cannot be followed.
    """
    resources = [(frame(body, group.start, group.end),) for group in layout.resources]
    scopes = [(*resources[group.resource], frame(body, group.start, group.end)) for group in layout.scopes]
    for start, end in layout.rest:
        yield from _outside(body, start, end, shapes.request, hits, ())
    for resource, outer in zip(layout.resources, resources, strict=True):
        for start, end in resource.rest:
            yield from _outside(body, start, end, shapes.resource, hits, outer)
    for scope, both in zip(layout.scopes, scopes, strict=True):
        for start, end in scope.rest:
            yield from _outside(body, start, end, shapes.scope, hits, both)
        yield from _in_items(body, layout, range(scope.first, scope.last), shapes.item, hits, both)


def _outside(
    body: bytes, start: int, end: int, shape: Shape, hits: Sequence[int], outer: tuple[Frame, ...]
) -> Iterator[tuple[None, list[Target]]]:
    for target in locate(body, start, end, shape, hits, bisect_left(hits, start), outer):
        yield None, [target]


def _in_items(
    body: bytes, layout: Layout, numbers: range, shape: Shape, hits: Sequence[int], outer: tuple[Frame, ...]
) -> Iterator[tuple[int, list[Target]]]:
    number, last = numbers.start, numbers.stop
    ids = all(tag in shape.fields and shape.fields[tag].kind is Kind.ID for tag in (_IDS[0], _IDS[18], _PARENT[0]))
    while number < last:
        at = bisect_left(hits, layout.items[number][0])
        if at == len(hits):
            return
        number = max(number, bisect_right(layout.items, (hits[at], _FAR), number, last) - 1)
        start, end = layout.items[number]
        fields = _after_ids(body, start) if ids else start
        if hits[at] < fields:
            at = bisect_left(hits, fields, at)
        if at < len(hits) and hits[at] < end:
            found = locate(body, fields, end, shape, hits, at, (*outer, frame(body, start, end)))
            if found:
                yield number, found
        number += 1


def _after_ids(body: bytes, start: int) -> int:
    """Where the fields of a span begin that have to be walked through; ``start`` if it is not written as usual."""
    if body[start : start + 2] != _IDS[:2] or body[start + 18 : start + 20] != _IDS[18:]:
        return start
    after = start + _IDS_LENGTH
    return after + _PARENT_LENGTH if body[after : after + 2] == _PARENT else after


def locate(
    body: bytes, at: int, end: int, shape: Shape, hits: Sequence[int], first: int, outer: tuple[Frame, ...]
) -> list[Target]:
    """The fields in ``body[at:end]``, a run of whole fields of a message, that hold a hit.

    ``hits`` are sorted, those before ``first`` lie before ``at``. A hit on a tag, a length or a number that the schema
    knows is no one's: no string ends there. Raises ``MalformedWire``.
    """
    found: list[Target] = []
    _locate(body, at, end, shape, hits, first, outer, found)
    return found


def _locate(
    body: bytes,
    at: int,
    end: int,
    shape: Shape,
    hits: Sequence[int],
    hit: int,
    outer: tuple[Frame, ...],
    found: list[Target],
) -> int:
    count = len(hits)
    if hit == count:
        return hit
    wanted = hits[hit]
    while at < end and wanted < end:
        head = at
        tag = body[at]
        at += 1
        if tag >= 0x80:
            tag, at = read_varint(body, head)
        wire_type = tag & 7
        if wire_type == 2:
            length_at = at
            size = body[at]
            at += 1
            if size >= 0x80:
                size, at = read_varint(body, length_at)
            start = at
            at += size
            if wanted >= at:
                continue
            if at > end:
                raise MalformedWire(f"a field ends at byte {at}, beyond its message, which ends at byte {end}")
            hit = _locate_in(body, Frame(length_at, start, at), head, shape, tag, hits, hit, outer, found)
        else:
            at = at + 8 if wire_type == 1 else skip_field(body, tag, at)
            if wanted >= at:
                continue
            if tag not in shape.scalars:
                found.append(Target(Kind.UNKNOWN, head, at, None, outer))
            hit = bisect_left(hits, at, hit)
        if hit == count:
            break
        wanted = hits[hit]
    return hit


def _locate_in(
    body: bytes,
    frame: Frame,
    head: int,
    shape: Shape,
    tag: int,
    hits: Sequence[int],
    hit: int,
    outer: tuple[Frame, ...],
    found: list[Target],
) -> int:
    """One length-delimited field that holds the next hit, perhaps only in its tag and length."""
    _, start, end = frame
    field = shape.fields.get(tag)
    if field is None:
        found.append(Target(Kind.UNKNOWN, head, end, frame, outer))
        return bisect_left(hits, end, hit)
    hit = bisect_left(hits, start, hit)
    if hit == len(hits) or hits[hit] >= end:
        return hit
    if field.kind is Kind.MESSAGE:
        assert field.shape is not None
        hit = _locate(body, start, end, field.shape, hits, hit, (*outer, frame), found)
    elif field.kind is not Kind.NUMBERS and not (field.kind is Kind.ID and end - start in _ID_LENGTHS):
        found.append(Target(field.kind, head, end, frame, outer))
    return bisect_left(hits, end, hit)
