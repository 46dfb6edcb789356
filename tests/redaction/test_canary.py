"""A secret in every place where OTLP has room for text, in every length, leaves nowhere.

The places come from the protobuf descriptors, so that a field of a new version cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tests.redaction.secrets import padded

from errorplane.otlp import Signal
from errorplane.otlp._wire import encode_varint, walk
from errorplane.redaction import Redactor

LENGTHS = range(1, 301)
REDACTOR = Redactor()
Path = tuple[Any, ...]


def leaves(descriptor: Any, wanted: Callable[[Any], bool], above: Path = ()) -> Iterator[Path]:
    """Every path of fields that ends at a wanted one; a message type may occur twice on it (values in values)."""
    for field in descriptor.fields:
        path = (*above, field)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            kinds = [each.message_type.full_name for each in path if each.message_type]
            if kinds.count(field.message_type.full_name) <= 2:
                yield from leaves(field.message_type, wanted, path)
        elif wanted(field):
            yield path


def is_text(field: Any) -> bool:
    """Whether a field holds text, or bytes that may be text."""
    return bool(field.type == FieldDescriptor.TYPE_STRING or field.name == "bytes_value")


def is_number(field: Any) -> bool:
    """Whether a field is an attribute's number."""
    return field.name in ("int_value", "double_value")


def messages(descriptor: Any, above: Path = ()) -> Iterator[Path]:
    """Every path that ends at a message, the request itself included."""
    yield above
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            path = (*above, field)
            kinds = [each.message_type.full_name for each in path]
            if kinds.count(field.message_type.full_name) == 1:
                yield from messages(field.message_type, path)


def named(path: Path) -> str:
    """The place as a person writes it."""
    return ".".join(field.name for field in path) or "the request"


def dig(message: Message, path: Path) -> Message:
    """Make the messages of the path; groups and items are shared, what lies below an item is new."""
    for field in path:
        child = getattr(message, field.name)
        if field.is_repeated:
            child = child.add()
        child.SetInParent()
        message = child
    return message


def plant(message: Message, path: Path, text: str | int) -> None:
    """Put a text or a number at the end of the path."""
    *way, last = path
    holder = dig(message, tuple(way))
    value = text.encode() if last.type == FieldDescriptor.TYPE_BYTES and isinstance(text, str) else text
    if last.is_repeated:
        getattr(holder, last.name).append(value)
    else:
        setattr(holder, last.name, value)


PLACES = [(signal, path) for signal in Signal for path in leaves(signal.request_type.DESCRIPTOR, is_text)]
NUMBERS = [(signal, path) for signal in Signal for path in leaves(signal.request_type.DESCRIPTOR, is_number)]
MESSAGES = [(signal, path) for signal in Signal for path in messages(signal.request_type.DESCRIPTOR)]


def test_the_places_are_all_there() -> None:
    """The walk over the descriptors reaches what people forget."""
    found = {named(path) for _, path in PLACES}
    for place in (
        "resource_spans.resource.attributes.key",
        "resource_spans.resource.entity_refs.id_keys",
        "resource_spans.schema_url",
        "resource_spans.scope_spans.scope.name",
        "resource_spans.scope_spans.spans.trace_state",
        "resource_spans.scope_spans.spans.status.message",
        "resource_spans.scope_spans.spans.events.name",
        "resource_spans.scope_spans.spans.links.attributes.value.string_value",
        "resource_logs.scope_logs.log_records.body.kvlist_value.values.value.string_value",
        "resource_logs.scope_logs.log_records.body.bytes_value",
        "resource_logs.scope_logs.log_records.event_name",
        "resource_metrics.scope_metrics.metrics.unit",
        "resource_metrics.scope_metrics.metrics.sum.data_points.exemplars.filtered_attributes.value.string_value",
    ):
        assert place in found


@pytest.mark.parametrize(
    ("signal", "path"), PLACES, ids=lambda each: each.value if isinstance(each, Signal) else named(each)
)
def test_a_secret_in_a_text_does_not_pass(signal: Signal, path: Path) -> None:
    """In strings of every length from 1 to 300: the bytes around a string are its length and the next field's tag."""
    request = signal.request_type()
    planted = [padded(length) for length in LENGTHS]
    for text, _ in planted:
        plant(request, path, text)
    body = request.SerializeToString()
    assert all(secret.encode() in body for _, secret in planted)
    result = REDACTOR.redact(signal, body, walk(signal, body))
    assert [secret for _, secret in planted if secret.encode() in result.body] == []
    assert sum(result.found.values()) >= len(planted)
    assert result.quarantined == {}
    assert not result.slow
    signal.request_type.FromString(result.body)


CARDS = (4111111111111111, 378282246310005, 6759649826438453, 30569309025904, 501800000009)


@pytest.mark.parametrize(
    ("signal", "path"), NUMBERS, ids=lambda each: each.value if isinstance(each, Signal) else named(each)
)
def test_a_card_in_a_number_does_not_pass(signal: Signal, path: Path) -> None:
    """A card number as an integer or a double becomes a text that says so; other large numbers stay numbers."""
    request = signal.request_type()
    for card in (*CARDS, 1_790_000_000_123_456):
        plant(request, path, card)
    body = request.SerializeToString()
    result = REDACTOR.redact(signal, body, walk(signal, body))
    assert result.found == {"CREDIT_CARD": len(CARDS)}
    left = str(signal.request_type.FromString(result.body))
    assert left.count('string_value: "<CREDIT_CARD>"') == len(CARDS)
    assert "1790000000123456" in left or "1.790000000123456e+15" in left


@pytest.mark.parametrize(
    ("signal", "path"), MESSAGES, ids=lambda each: each.value if isinstance(each, Signal) else named(each)
)
def test_a_secret_in_an_unknown_field_does_not_pass(signal: Signal, path: Path) -> None:
    """A field that the schema does not know, in any message, is taken out when it may hold something."""
    request = signal.request_type()
    dig(request, path)
    for text, secret in map(padded, range(0, 300, 7)):
        encoded = encode_varint(900 << 3 | 2) + encode_varint(len(text)) + text.encode()
        body = append(request.SerializeToString(), path, encoded)
        assert secret.encode() in body
        result = REDACTOR.redact(signal, body, walk(signal, body))
        assert secret.encode() not in result.body
        assert result.stripped == 1
        assert signal.request_type.FromString(result.body) == request


def append(body: bytes, path: Path, extra: bytes) -> bytes:
    """``body``, which holds nothing but the messages of the path, with ``extra`` at the end of the innermost."""
    inner = extra
    for field in reversed(path):
        inner = encode_varint(field.number << 3 | 2) + encode_varint(len(inner)) + inner
    return inner
