"""The raw-byte view of Export requests agrees with upb, whatever the encoding."""

from __future__ import annotations

import random
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.redaction import shapes

from errorplane.otlp import Signal
from errorplane.otlp._wire import (
    Edit,
    Frame,
    MalformedWire,
    canonical,
    encode_varint,
    items,
    read_varint,
    rebuild,
    skip_field,
    splice,
    walk,
)

SIGNALS = st.sampled_from(Signal)
SEEDS = st.integers(0, 2**32)
ATTRIBUTE_FIELD = {Signal.TRACES: 9, Signal.LOGS: 6, Signal.METRICS: 12}


def _bodies(signal: Signal, seed: int) -> tuple[random.Random, bytes]:
    rnd = random.Random(seed)
    body = shapes.request(signal, rnd).SerializeToString()
    if rnd.random() < 0.8:
        body = shapes.mutate(body, signal.request_type.DESCRIPTOR, rnd)
    return rnd, body


@pytest.mark.parametrize("signal", Signal)
def test_one_shape_for_all_signals(signal: Signal) -> None:
    """Groups are field 1 of the request and field 2 of a resource group; items are field 2 of a scope group."""
    groups, scopes, leaves = shapes.NAMES[signal]
    request = signal.request_type.DESCRIPTOR
    numbers = []
    for name in (groups, scopes, leaves):
        field = request.fields_by_name[name]
        assert field.is_repeated
        assert field.type == FieldDescriptor.TYPE_MESSAGE
        numbers.append(field.number)
        assert field.message_type is not None
        request = field.message_type
        own = request.fields_by_number[1]
        if name != leaves:
            assert own.name == ("resource" if name == groups else "scope")
    assert numbers == [1, 2, 2]


@given(SIGNALS, SEEDS)
@settings(max_examples=300)
def test_walk_finds_the_items_of_upb_in_its_order(signal: Signal, seed: int) -> None:
    """Each range holds exactly the bytes of the item that upb yields at that place."""
    _, body = _bodies(signal, seed)
    expected = shapes.upb_items(signal, signal.request_type.FromString(body))
    found = items(signal, body)
    assert [type(e).FromString(body[a:b]) for e, (a, b) in zip(expected, found, strict=True)] == expected


@given(SIGNALS, SEEDS)
@settings(max_examples=200)
def test_layout_maps_offsets_and_items_to_their_groups(signal: Signal, seed: int) -> None:
    """An offset leads to its item, an item to its scope and resource, and bytes outside of items to none."""
    _, body = _bodies(signal, seed)
    layout = walk(signal, body)
    covered = dict.fromkeys(range(len(body)))
    for number, (start, end) in enumerate(layout.items):
        scope, resource = layout.scope_of(number), layout.resource_of(number)
        assert scope.first <= number < scope.last
        assert resource.start <= scope.start <= start <= end <= scope.end <= resource.end
        covered.update(dict.fromkeys(range(start, end), number))
    assert {at: layout.item_at(at) for at in covered} == covered


@given(SIGNALS, SEEDS)
@settings(max_examples=300)
def test_rebuild_keeps_what_is_asked_for(signal: Signal, seed: int) -> None:
    """The rebuilt request equals the parsed one with the other items, and groups left empty, taken out."""
    rnd, body = _bodies(signal, seed)
    layout = walk(signal, body)
    extra = encode_varint(ATTRIBUTE_FIELD[signal] << 3 | 2) + b"\x07\x0a\x01k\x12\x02\x10\x05"
    keep = {n: rnd.choice((b"", extra)) for n in range(len(layout.items)) if rnd.random() < 0.4}
    resource_extra = rnd.choice((b"", b"\x0a\x07\x0a\x01r\x12\x02\x18\x01"))
    result = rebuild(signal, body, layout, keep, resource_extra)
    expected = _expected(signal, signal.request_type.FromString(body), keep, resource_extra)
    parsed = signal.request_type.FromString(result)
    for message in (expected, parsed):
        message.DiscardUnknownFields()
    assert parsed == expected
    assert result or not keep
    kept = [body[slice(*layout.items[n])] + keep[n] for n in sorted(keep)]
    assert [result[start:end] for start, end in items(signal, result)] == kept


def _expected(signal: Signal, message: Message, keep: dict[int, bytes], resource_extra: bytes) -> Message:
    groups, scopes, leaves = shapes.NAMES[signal]
    number = 0
    out = signal.request_type()
    for group in getattr(message, groups):
        new_group = getattr(out, groups).add()
        new_group.CopyFrom(group)
        new_group.ClearField(scopes)
        if resource_extra:
            new_group.resource.MergeFromString(resource_extra)
        for scope in getattr(group, scopes):
            new_scope = getattr(new_group, scopes).add()
            new_scope.CopyFrom(scope)
            new_scope.ClearField(leaves)
            for item in getattr(scope, leaves):
                if number in keep:
                    new = getattr(new_scope, leaves).add()
                    new.CopyFrom(item)
                    new.MergeFromString(keep[number])
                number += 1
            if not getattr(new_scope, leaves):
                del getattr(new_group, scopes)[-1]
        if not getattr(new_group, scopes):
            del getattr(out, groups)[-1]
    return out


@given(SIGNALS, SEEDS)
@settings(max_examples=200)
def test_over_long_tags_walk_after_canonical(signal: Signal, seed: int) -> None:
    """What the walk refuses though upb takes it has a canonical form with the same meaning that does walk."""
    rnd = random.Random(seed)
    body = shapes.request(signal, rnd).SerializeToString()
    body = shapes.mutate(body, signal.request_type.DESCRIPTOR, rnd, long_tags=True)
    try:
        found = items(signal, body)
    except MalformedWire:
        body = canonical(signal, body)
        found = items(signal, body)
    assert len(found) == len(shapes.upb_items(signal, signal.request_type.FromString(body)))


@given(SIGNALS, SEEDS, st.integers(0, 3))
@settings(max_examples=300)
def test_broken_bytes_raise_only_malformed_wire(signal: Signal, seed: int, kind: int) -> None:
    """Truncated, flipped and random bytes give MalformedWire or ranges inside of the request, never another error."""
    rnd, body = _bodies(signal, seed)
    if kind == 0:
        body = body[: rnd.randrange(len(body) + 1)]
    elif kind == 1 and body:
        at = rnd.randrange(len(body))
        body = body[:at] + rnd.randbytes(1) + body[at + 1 :]
    else:
        body = rnd.randbytes(rnd.randrange(60)) + body[: kind * 10]
    try:
        layout = walk(signal, body)
    except MalformedWire:
        return
    assert all(0 <= start <= end <= len(body) for start, end in layout.items)
    rebuild(signal, body, layout, dict.fromkeys(range(len(layout.items)), b""), b"")


def test_truncated_requests_are_refused() -> None:
    """A request cut short inside of its only group is malformed at every cut."""
    body = b"\x0a\x0c\x12\x0a\x12\x08\x2a\x02ab\x2a\x02cd"
    assert items(Signal.TRACES, body) == [(6, 14)]
    for cut in range(1, len(body)):
        with pytest.raises(MalformedWire):
            walk(Signal.TRACES, body[:cut])


@pytest.mark.parametrize(
    "body", [b"\x0b", b"\x0c", b"\x0b\x14", b"\x00\x01", b"\x0f", b"\x0a" + b"\xff" * 11, b"\x13" * 200]
)
def test_hostile_headers_are_refused(body: bytes) -> None:
    """Unbalanced groups, field number zero, unknown wire types and endless varints are malformed."""
    with pytest.raises(MalformedWire):
        walk(Signal.TRACES, body)
    with pytest.raises(MalformedWire):
        canonical(Signal.TRACES, body)


@given(SIGNALS, SEEDS)
@settings(max_examples=300)
def test_splice_corrects_every_length(signal: Signal, seed: int) -> None:
    """Strings of any length put in place of others, at any depth, give what upb gives when it sets them."""
    rnd, body = _bodies(signal, seed)
    edits: list[Edit] = []
    _edit_strings(body, 0, len(body), signal.request_type.DESCRIPTOR, (), rnd, edits)
    spliced = splice(body, edits)
    message = signal.request_type.FromString(spliced)
    texts = [edit.new.decode() for edit in edits]
    found: list[str] = []
    _edited(spliced, 0, len(spliced), signal.request_type.DESCRIPTOR, found)
    assert sorted(found) == sorted(texts)
    assert len(shapes.upb_items(signal, message)) == len(items(signal, body))


def _edit_strings(
    body: bytes, at: int, end: int, descriptor: Any, frames: tuple[Frame, ...], rnd: random.Random, out: list[Edit]
) -> None:
    for field, length_at, start, stop in _fields(body, at, end, descriptor):
        frame = Frame(length_at, start, stop)
        if field.message_type is not None:
            _edit_strings(body, start, stop, field.message_type, (*frames, frame), rnd, out)
        elif field.type == FieldDescriptor.TYPE_STRING and rnd.random() < 0.5:
            new = "EDIT" + "e" * rnd.choice((0, 1, 130, 20000))
            out.append(Edit(start, stop, new.encode(), (*frames, frame)))


def _edited(body: bytes, at: int, end: int, descriptor: Any, out: list[str]) -> None:
    for field, _, start, stop in _fields(body, at, end, descriptor):
        if field.message_type is not None:
            _edited(body, start, stop, field.message_type, out)
        elif body[start : start + 4] == b"EDIT":
            out.append(body[start:stop].decode())


def _fields(body: bytes, at: int, end: int, descriptor: Any) -> list[tuple[Any, int, int, int]]:
    out = []
    while at < end:
        tag, length_at = read_varint(body, at)
        at = skip_field(body, tag, length_at)
        field = descriptor.fields_by_number.get(tag >> 3)
        if tag & 7 == 2 and field is not None and (field.message_type or field.type == FieldDescriptor.TYPE_STRING):
            out.append((field, length_at, read_varint(body, length_at)[1], at))
    return out


def test_overlapping_edits_are_refused() -> None:
    """Two edits of the same bytes are a programming error."""
    with pytest.raises(ValueError, match="overlap"):
        splice(b"abcdef", [Edit(0, 3, b"", ()), Edit(2, 4, b"", ())])
