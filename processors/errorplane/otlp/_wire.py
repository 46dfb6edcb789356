"""Export requests as raw protobuf bytes: where each item lies, requests out of slices, edits in place.

The three Export requests have one shape (a test compares the descriptors): field 1 of the request holds resource
groups, field 2 of those holds scope groups, field 2 of those holds the items (spans, log records, metrics); the
resource and the scope are field 1 of their group. So the walk looks at three levels and skips the rest, about 0.2 us
an item, where a parse takes 0.7.

Nothing is assumed that protobuf does not promise (encoding specification, protobuf.dev/programming-guides/encoding):
fields in any order, unknown fields and groups, a resource in several pieces. A known field with an over-long tag is
legal and never seen: ``MalformedWire`` is raised, and ``canonical`` gives bytes of the same meaning that do walk.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from google.protobuf.message import DecodeError

from errorplane.otlp._signals import Signal

__all__ = [
    "Edit",
    "Frame",
    "Layout",
    "MalformedWire",
    "Range",
    "ResourceGroup",
    "ScopeGroup",
    "canonical",
    "delimited",
    "encode_varint",
    "frame",
    "items",
    "read_varint",
    "rebuild",
    "skip_field",
    "splice",
    "walk",
]

Range = tuple[int, int]

_OWN = 0x0A  # field 1, length-delimited: resource groups, and the resource or scope of a group
_CHILD = 0x12  # field 2, length-delimited: scope groups and items
_FAR = 1 << 62  # beyond every offset
_MAX_DEPTH = 100  # of groups; upb's own limit


class MalformedWire(ValueError):
    """The bytes are not the expected shape: parse them with upb instead (see ``canonical``)."""


class ScopeGroup(NamedTuple):
    """One ScopeSpans, ScopeLogs or ScopeMetrics: where its body lies, its items, its other fields."""

    start: int
    end: int
    resource: int
    """Number of its resource group."""
    first: int
    """Its items are ``first <= number < last``."""
    last: int
    rest: tuple[Range, ...]
    """Whole fields, tag included: scope, schema_url, unknown ones."""


class ResourceGroup(NamedTuple):
    """One ResourceSpans, ResourceLogs or ResourceMetrics: where its body lies, its fields besides scope groups."""

    start: int
    end: int
    rest: tuple[Range, ...]
    """Whole fields, tag included: resource, schema_url, unknown ones."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies in one Export request; items are numbered in the order of upb's iteration."""

    items: list[Range]
    """Start and end of each item's body, in bytes from the start of the request; tag and length come before."""
    scopes: list[ScopeGroup]
    resources: list[ResourceGroup]
    rest: list[Range]
    """Whole fields of the request itself that the schema does not know."""

    def item_at(self, offset: int) -> int | None:
        """The number of the item whose body holds the byte at ``offset``; None outside of items."""
        number = bisect_right(self.items, (offset, _FAR)) - 1
        return number if number >= 0 and offset < self.items[number][1] else None

    def scope_of(self, item: int) -> ScopeGroup:
        """The scope group of an item."""
        return self.scopes[bisect_right(self.scopes, item, key=_last)]

    def resource_of(self, item: int) -> ResourceGroup:
        """The resource group of an item."""
        return self.resources[self.scope_of(item).resource]


def _last(scope: ScopeGroup) -> int:
    return scope.last


def read_varint(body: bytes, at: int) -> tuple[int, int]:
    """The varint at ``at`` and the offset after it; raises ``MalformedWire`` beyond ten bytes, IndexError at the end.

    >>> read_varint(bytes([0xAC, 0x02, 0xFF]), 0)
    (300, 2)
    """
    byte = body[at]
    if byte < 0x80:
        return byte, at + 1
    value = byte & 0x7F
    for shift in range(7, 70, 7):
        at += 1
        byte = body[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
    raise MalformedWire("a varint is longer than ten bytes")


def encode_varint(value: int) -> bytes:
    """The shortest encoding of an unsigned integer.

    >>> encode_varint(300).hex()
    'ac02'
    """
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(body: bytes) -> bytes:
    """A length-delimited field without its tag: how long it is, and what it holds."""
    return encode_varint(len(body)) + body


def skip_field(body: bytes, tag: int, at: int) -> int:
    """The offset after a field with this tag whose tag ends at ``at``; may lie beyond the end of a broken message."""
    match tag & 7:
        case 0:
            return read_varint(body, at)[1]
        case 1:
            return at + 8
        case 2:
            length, at = read_varint(body, at)
            return at + length
        case 3:
            return _skip_group(body, tag, at)
        case 5:
            return at + 4
        case wire_type:
            raise MalformedWire(f"wire type {wire_type} where a field should begin, at byte {at}")


def _skip_group(body: bytes, tag: int, at: int) -> int:
    """Groups are gone from proto3 but not from the encoding: skip to the matching end."""
    open_groups = [tag >> 3]
    while open_groups:
        tag, at = read_varint(body, at)
        if tag & 7 == 4:
            if open_groups.pop() != tag >> 3:
                raise MalformedWire(f"a group ends that did not begin, at byte {at}")
        elif tag & 7 == 3:
            open_groups.append(tag >> 3)
            if len(open_groups) > _MAX_DEPTH:
                raise MalformedWire(f"more than {_MAX_DEPTH} groups in each other")
        else:
            at = skip_field(body, tag, at)
    return at


def _other_field(body: bytes, at: int, known: int) -> int:
    """Step over a field that is not ``known`` in its usual encoding; the offset after it."""
    tag, after = read_varint(body, at)
    if tag == known or tag < 8:
        raise MalformedWire(f"over-long or zero tag at byte {at}")
    return skip_field(body, tag, after)


def walk(signal: Signal, body: bytes) -> Layout:
    """Find every item of a serialised Export request of ``signal``.

    Raises ``MalformedWire`` when the bytes are not the expected shape.
    """
    del signal  # one shape for all three, see the module's docstring
    layout = Layout([], [], [], [])
    try:
        _walk_request(body, layout)
    except IndexError as error:
        raise MalformedWire("the request ends inside a field") from error
    return layout


def _walk_request(body: bytes, layout: Layout) -> None:
    at, end = 0, len(body)
    while at < end:
        if body[at] == _OWN:
            length, start = read_varint(body, at + 1)
            at = start + length
            _check(at, end)
            _walk_resource(body, start, at, layout)
        else:
            head, at = at, _other_field(body, at, _OWN)
            layout.rest.append((head, at))
    _check(at, end)


def _walk_resource(body: bytes, start: int, end: int, layout: Layout) -> None:
    rest: list[Range] = []
    number = len(layout.resources)
    at = start
    while at < end:
        if body[at] == _CHILD:
            length, scope_start = read_varint(body, at + 1)
            at = scope_start + length
            _check(at, end)
            _walk_scope(body, scope_start, at, number, layout)
        else:
            head, at = at, _other_field(body, at, _CHILD)
            rest.append((head, at))
    _check(at, end)
    layout.resources.append(ResourceGroup(start, end, tuple(rest)))


def _walk_scope(body: bytes, start: int, end: int, resource: int, layout: Layout) -> None:
    """The hot loop: most requests are one scope group with hundreds of items of 128 to 16,383 bytes."""
    found = layout.items
    add = found.append
    first = len(found)
    rest: list[Range] = []
    at = start
    while at < end:
        if body[at] == _CHILD:
            low = body[at + 1]
            if low < 0x80:
                item = at + 2
                at = item + low
            elif (high := body[at + 2]) < 0x80:
                item = at + 3
                at = item + low - 0x80 + (high << 7)
            else:
                length, item = read_varint(body, at + 1)
                at = item + length
            add((item, at))
        else:
            head, at = at, _other_field(body, at, _CHILD)
            rest.append((head, at))
    _check(at, end)
    layout.scopes.append(ScopeGroup(start, end, resource, first, len(found), tuple(rest)))


def _check(at: int, end: int) -> None:
    """A loop that runs while ``at < end`` leaves beyond the end when the last field does not fit."""
    if at > end:
        raise MalformedWire(f"a field ends at byte {at}, beyond its message, which ends at byte {end}")


def items(signal: Signal, body: bytes) -> list[Range]:
    """Start and end of every item's body, in the order of upb's iteration; raises ``MalformedWire``."""
    return walk(signal, body).items


def canonical(signal: Signal, body: bytes) -> bytes:
    """The same request as upb writes it: what it says, unknown fields included, in an encoding that can be walked.

    Raises ``MalformedWire`` when it is no such request at all.
    """
    try:
        return signal.request_type.FromString(body).SerializeToString()
    except DecodeError as error:
        raise MalformedWire(f"not an Export request for {signal.value}") from error


def _field(tag: int, length: int) -> bytes:
    return bytes((tag,)) + encode_varint(length)


def _head(body: bytes, start: int) -> int:
    """Where a known field begins whose body starts at ``start``: back over its length, then one byte of tag."""
    at = start - 1
    while body[at - 1] >= 0x80:
        at -= 1
    return at - 1


def rebuild(signal: Signal, body: bytes, layout: Layout, keep: Mapping[int, bytes], resource_extra: bytes) -> bytes:
    """A new Export request of some items of ``body``, in their order, with their resources and scopes.

    ``keep`` maps item numbers to encoded fields that are appended to the item (attributes, or b""), ``resource_extra``
    is appended to every Resource in the same way, and makes one where there is none. Groups without a kept item, and
    fields of the request that the schema does not know, are left out; nothing kept gives b"".
    """
    del signal
    out: list[bytes] = []
    order = sorted(keep)
    position = 0
    resource = -1
    scopes: list[bytes] = []
    while position < len(order):
        scope = layout.scope_of(order[position])
        if scope.resource != resource:
            if scopes:
                out.extend(_resource_slices(body, layout.resources[resource], scopes, resource_extra))
            resource, scopes = scope.resource, []
        begin, position = position, bisect_right(order, scope.last - 1, position)
        scopes.extend(_scope_slices(body, layout.items, scope, order[begin:position], keep))
    if scopes:
        out.extend(_resource_slices(body, layout.resources[resource], scopes, resource_extra))
    return b"".join(out)


def _scope_slices(
    body: bytes, ranges: list[Range], scope: ScopeGroup, numbers: list[int], keep: Mapping[int, bytes]
) -> list[bytes]:
    out = [body[start:end] for start, end in scope.rest]
    for number in numbers:
        start, end = ranges[number]
        extra = keep[number]
        if extra:
            out += (_field(_CHILD, end - start + len(extra)), body[start:end], extra)
        else:
            out.append(body[_head(body, start) : end])
    out.insert(0, _field(_CHILD, sum(map(len, out))))
    return out


def _resource_slices(body: bytes, group: ResourceGroup, scopes: list[bytes], extra: bytes) -> list[bytes]:
    own = [body[start:end] for start, end in group.rest]
    if extra:
        own = _with_resource_extra(own, extra)
    return [_field(_OWN, sum(map(len, own)) + sum(map(len, scopes))), *own, *scopes]


def _with_resource_extra(own: list[bytes], extra: bytes) -> list[bytes]:
    """Append to the last Resource: receivers that merge split messages see all pieces, others the last one."""
    for number in range(len(own) - 1, -1, -1):
        tag, at = read_varint(own[number], 0)
        if tag == _OWN:
            length, start = read_varint(own[number], at)
            grown = _field(_OWN, length + len(extra)) + own[number][start:] + extra
            return [*own[:number], grown, *own[number + 1 :]]
    return [_field(_OWN, len(extra)) + extra, *own]


class Frame(NamedTuple):
    """A length-delimited message around an edit: its length lies in ``[length_at, start)``, its body ends at end."""

    length_at: int
    start: int
    end: int


def frame(body: bytes, start: int, end: int) -> Frame:
    """The frame of a message that ``walk`` found, by the range of its body."""
    return Frame(_head(body, start) + 1, start, end)


class Edit(NamedTuple):
    """Put ``new`` in place of ``body[start:end]``, which lies inside of ``frames``, the outermost first."""

    start: int
    end: int
    new: bytes
    frames: tuple[Frame, ...]


def splice(body: bytes, edits: Iterable[Edit]) -> bytes:
    """Apply edits, which may not overlap, and correct the lengths of all messages around them.

    Raises ValueError when two edits overlap.
    """
    changes: list[tuple[int, int, bytes]] = []
    growth: dict[Frame, int] = {}
    parent: dict[Frame, Frame | None] = {}
    for start, end, new, frames in edits:
        changes.append((start, end, new))
        outer: Frame | None = None
        for frame in frames:
            parent[frame] = outer
            growth.setdefault(frame, 0)
            outer = frame
        if outer is not None:
            growth[outer] += len(new) - (end - start)
    for frame in sorted(growth, key=_start, reverse=True):  # inner ones first
        grown = growth[frame]
        if not grown:
            continue
        length = encode_varint(frame.end - frame.start + grown)
        changes.append((frame.length_at, frame.start, length))
        outer = parent[frame]
        if outer is not None:
            growth[outer] += grown + len(length) - (frame.start - frame.length_at)
    return _apply(body, sorted(changes, key=_first))


def _start(frame: Frame) -> int:
    return frame.start


def _first(change: tuple[int, int, bytes]) -> tuple[int, int]:
    return change[0], change[1]


def _apply(body: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    out: list[bytes] = []
    done = 0
    for start, end, new in changes:
        if start < done:
            raise ValueError(f"two edits overlap at byte {start}")
        out += (body[done:start], new)
        done = end
    out.append(body[done:])
    return b"".join(out)
