"""Requests that are written backwards, as the Collector's encoder writes them, become what SDKs write."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from tests.support.telemetry import log, logs, metrics, span, traces

from errorplane.otlp import Signal
from errorplane.otlp._order import is_backwards
from errorplane.otlp._wire import delimited, encode_varint, read_varint, skip_field, walk
from errorplane.pipeline._ingest import _validated

_NOTES = {"app.note": "order 7", "db.query.text": "SELECT 1"}
REQUESTS: dict[Signal, Message] = {
    Signal.TRACES: traces([span(error=True, attributes=_NOTES, exception={"exception.type": "KeyError"})] * 3),
    Signal.LOGS: logs([log(trace_id=b"\1" * 16, attributes=_NOTES)] * 3),
    Signal.METRICS: metrics(["orders", "refunds"]),
}


def backwards(message: Message) -> bytes:
    """The message with its fields in the opposite order, in all messages within it; repeated ones keep theirs."""
    out = []
    for field, value in reversed(message.ListFields()):
        if field.message_type is None:
            out.append(_alone(message, field.name))
            continue
        for each in value if field.is_repeated else [value]:
            out.append(encode_varint(field.number << 3 | 2) + delimited(backwards(each)))
    return b"".join(out)


def _alone(message: Message, name: str) -> bytes:
    alone = type(message)()
    alone.MergeFrom(message)
    for field, _ in message.ListFields():
        if field.name != name:
            alone.ClearField(field.name)
    return alone.SerializeToString()


@pytest.mark.parametrize("signal", REQUESTS)
def test_what_is_written_backwards_is_written_anew(signal: Signal) -> None:
    """The pipeline takes the same bytes from a Collector as from an SDK, with the layout of these bytes."""
    plain = REQUESTS[signal].SerializeToString()
    reversed_ = backwards(REQUESTS[signal])
    assert reversed_ != plain
    assert is_backwards(reversed_, walk(signal, reversed_))
    message, body, layout = _validated(signal, reversed_)
    assert (message, body, layout) == (REQUESTS[signal], plain, walk(signal, plain))


@pytest.mark.parametrize("signal", REQUESTS)
def test_what_an_sdk_writes_stays_as_it_is(signal: Signal) -> None:
    """Bytes in the usual order are taken as they came, and so are a request without items and unknown fields."""
    plain = REQUESTS[signal].SerializeToString()
    assert not is_backwards(plain, walk(signal, plain))
    assert _validated(signal, plain)[1] is plain
    assert not is_backwards(b"", walk(signal, b""))


def test_unknown_fields_survive() -> None:
    """What the schema does not know of a span that is written backwards is still in it afterwards."""
    unknown = b"\xfa\x7f\x03abc"  # field 2047, three bytes
    item = unknown + backwards(span("one"))
    body = b"\x0a" + delimited(b"\x12" + delimited(b"\x12" + delimited(item)))
    _, taken, layout = _validated(Signal.TRACES, body)
    ((start, end),) = layout.items
    assert taken[start:end].endswith(unknown)
    tag, at = read_varint(taken, start)
    assert (tag, skip_field(taken, tag, at)) == (0x0A, start + 18)
