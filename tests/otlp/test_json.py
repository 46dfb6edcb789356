"""OTLP JSON: what is written is what the specification says; what is read is all that can mean one thing only."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from tests.otlp.parts import fill, sample
from tests.support.telemetry import span, traces

from errorplane.otlp import InvalidRequest, Signal, from_json, to_json_line

SIGNALS = st.sampled_from(Signal)
SEEDS = st.integers(0, 2**32)


def with_hex_ids(value: Any) -> Any:
    """protobuf's own JSON with OTLP's exception for ids."""
    if isinstance(value, list):
        return [with_hex_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(one).hex() if key in ("traceId", "spanId", "parentSpanId") else with_hex_ids(one)
        for key, one in value.items()
    }


def read_span(**fields: Any) -> ExportTraceServiceRequest:
    """The request that a JSON document with one span of these fields means."""
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}
    return ExportTraceServiceRequest.FromString(from_json(Signal.TRACES, json.dumps(document).encode()))


def first_span(request: ExportTraceServiceRequest) -> Any:
    return request.resource_spans[0].scope_spans[0].spans[0]


def refusal(signal: Signal, body: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        from_json(signal, body)
    return str(caught.value)


@settings(max_examples=300)
@given(SIGNALS, SEEDS)
@example(Signal.TRACES, 25385)  # an attribute with a text and no key
def test_writing_agrees_with_protobuf(signal: Signal, seed: int) -> None:
    """A request is written as protobuf's own converter writes it, apart from the ids, which are hex."""
    message = fill(signal.request_type(), random.Random(seed))
    line = to_json_line(signal, message.SerializeToString())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    expected = with_hex_ids(MessageToDict(message, use_integers_for_enums=True))
    assert json.loads(line) == expected


@settings(max_examples=300)
@given(SIGNALS, SEEDS)
def test_reading_undoes_writing(signal: Signal, seed: int) -> None:
    """What is written is read back to the same request."""
    message = fill(signal.request_type(), random.Random(seed))
    payload = message.SerializeToString(deterministic=True)
    again = signal.request_type.FromString(from_json(signal, to_json_line(signal, payload)))
    assert again.SerializeToString(deterministic=True) == payload


@settings(max_examples=150)
@given(SIGNALS, SEEDS)
def test_snake_case_and_enum_names_are_read(signal: Signal, seed: int) -> None:
    """Field names as in the .proto files and enum names mean the same as the canonical form."""
    message = fill(signal.request_type(), random.Random(seed))
    document = with_snake_case_ids(MessageToDict(message, preserving_proto_field_name=True))
    again = signal.request_type.FromString(from_json(signal, json.dumps(document).encode()))
    assert again.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


def with_snake_case_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [with_snake_case_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(one).hex().upper()
        if key in ("trace_id", "span_id", "parent_span_id")
        else with_snake_case_ids(one)
        for key, one in value.items()
    }


@pytest.mark.parametrize("given_id", ["0AF7651916CD43DD8448EB211C80319C", "0af7651916cd43dd8448eb211c80319c"])
def test_ids_are_hex_of_either_case(given_id: str) -> None:
    """Upper-case and lower-case hex mean the same id."""
    assert first_span(read_span(traceId=given_id)).trace_id.hex() == given_id.lower()


def test_base64_ids_are_refused_with_the_reason() -> None:
    """An id in protobuf's usual base64 is refused by name, not taken for other bytes."""
    encoded = base64.b64encode(bytes(range(16))).decode()
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {"traceId": encoded}]}]}]}
    message = refusal(Signal.TRACES, json.dumps(document).encode())
    assert "resourceSpans[0].scopeSpans[0].spans[1].traceId" in message
    assert "base64" in message
    assert encoded not in message


@pytest.mark.parametrize(
    ("given_time", "seen"),
    [("1700000000000000000", 1700000000000000000), (1700000000000000000, 1700000000000000000), (1.5e18, 15 * 10**17)],
)
def test_64_bit_integers_are_strings_or_numbers(given_time: object, seen: int) -> None:
    """Nanoseconds may be a string, as specified, or a number, as many SDKs write them."""
    assert first_span(read_span(startTimeUnixNano=given_time)).start_time_unix_nano == seen


@pytest.mark.parametrize("kind", [3, "3", "SPAN_KIND_CLIENT", 3.0])
def test_enums_are_numbers_or_names(kind: object) -> None:
    """A span kind may be its number or its name."""
    assert first_span(read_span(kind=kind)).kind == 3


def test_null_and_unknown_fields_are_ignored() -> None:
    """A field that is null, or that this version does not know, changes nothing."""
    assert read_span(name="a", kind=None, invented={"deep": [1]}) == read_span(name="a")


def test_special_doubles_are_strings() -> None:
    """Doubles that JSON has no number for are read from their names."""
    document = {
        "resourceMetrics": [{"scopeMetrics": [{"metrics": [{"gauge": {"dataPoints": [{"asDouble": "NaN"}]}}]}]}]
    }
    line = to_json_line(Signal.METRICS, from_json(Signal.METRICS, json.dumps(document).encode()))
    assert json.loads(line) == document


def test_bytes_values_are_base64_of_either_alphabet() -> None:
    """Bytes attributes are base64, URL-safe or not, padded or not."""
    for text in ("+/8=", "-_8=", "-_8"):
        request = read_span(attributes=[{"key": "k", "value": {"bytesValue": text}}])
        assert first_span(request).attributes[0].value.bytes_value == b"\xfb\xff"


def test_half_an_emoji_is_replaced() -> None:
    """A lone surrogate, which JavaScript leaves when it cuts a string, becomes the replacement character."""
    document = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"cut \\ud83d"}]}]}]}'
    request = ExportTraceServiceRequest.FromString(from_json(Signal.TRACES, document))
    assert first_span(request).name == "cut \ufffd"


@pytest.mark.parametrize(
    ("fields", "place", "wanted"),
    [
        ({"name": 7}, "spans[0].name", "string"),
        ({"traceId": "zz" * 16}, "spans[0].traceId", "32 hex digits"),
        ({"spanId": "ab"}, "spans[0].spanId", "16 hex digits"),
        ({"startTimeUnixNano": -1}, "spans[0].startTimeUnixNano", "from 0"),
        ({"startTimeUnixNano": True}, "spans[0].startTimeUnixNano", "whole number"),
        ({"startTimeUnixNano": "1e18"}, "spans[0].startTimeUnixNano", "whole number"),
        ({"kind": "SPAN_KIND_NONE"}, "spans[0].kind", "SPAN_KIND_SERVER"),
        ({"status": []}, "spans[0].status", "object"),
        ({"attributes": {}}, "spans[0].attributes", "array"),
        ({"attributes": [None]}, "spans[0].attributes[0]", "object"),
        ({"attributes": [{"value": {"boolValue": 1}}]}, "attributes[0].value.boolValue", "true or false"),
        ({"attributes": [{"value": {"intValue": 2**63}}]}, "attributes[0].value.intValue", "to 9223372036854775807"),
        ({"attributes": [{"value": {"doubleValue": "x"}}]}, "attributes[0].value.doubleValue", "number"),
        ({"attributes": [{"value": {"bytesValue": "!"}}]}, "attributes[0].value.bytesValue", "base64"),
        ({"droppedAttributesCount": 2**32}, "droppedAttributesCount", "4294967295"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(fields: dict[str, Any], place: str, wanted: str) -> None:
    """The error names the place of the value and what it should be."""
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}
    message = refusal(Signal.TRACES, json.dumps(document).encode())
    assert place in message
    assert wanted in message


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", "line 1, column 1"),
        (b'{"resourceSpans": [', "line 1"),
        (b"\xff\xfe{", "not UTF-8 (byte 0)"),
        (b"[]", "the document: must be an object"),
        (b'{"resourceSpans": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"resourceSpans": ' + b"9" * 10_000 + b"}", "out of range"),
    ],
)
def test_what_is_not_json_is_refused(body: bytes, wanted: str) -> None:
    """A body that is not a JSON object is refused with what is wrong about it."""
    assert wanted in refusal(Signal.TRACES, body)


def test_nesting_is_bounded_where_protobuf_bounds_it() -> None:
    """What is accepted can be parsed again; what nests deeper than protobuf takes is refused."""
    accepted = 0
    for depth in range(1, 80):
        value: dict[str, Any] = {"stringValue": "x"}
        for _ in range(depth):
            value = {"arrayValue": {"values": [value]}}
        document = {"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"key": "k", "value": value}]}]}]}]}
        body = json.dumps(document).encode()
        if depth > 45:
            message = refusal(Signal.TRACES, body)
            assert "nested too deeply" in message
            assert len(message) < 400
            continue
        request = ExportTraceServiceRequest.FromString(from_json(Signal.TRACES, body))
        to_json_line(Signal.TRACES, request.SerializeToString())
        accepted = depth
    assert accepted >= 40


def test_every_request_of_legal_depth_is_written() -> None:
    """As deep as upb parses is as deep as can be written."""
    value = AnyValue(string_value="x")
    for _ in range(46):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    one = span()
    one.attributes.add(key="k").value.CopyFrom(value)
    assert to_json_line(Signal.TRACES, traces([one]).SerializeToString()).count(b"arrayValue") == 46


def test_a_payload_of_no_signal_is_not_written() -> None:
    """Bytes that are not the signal's request raise protobuf's own error."""
    with pytest.raises(DecodeError):
        to_json_line(Signal.LOGS, b"\x0a\xff")


WORDS = (
    "resourceSpans scopeSpans spans resource attributes key value arrayValue kvlistValue values intValue stringValue "
    "traceId spanId kind status code resource_spans name doubleValue bytesValue flags links events x"
)
KEYS = st.sampled_from(WORDS.split())
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=40) | st.just("ab" * 16)
)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=30
)


@settings(max_examples=500)
@given(DOCUMENTS)
def test_any_document_is_read_or_refused(document: object) -> None:
    """Whatever the document, the outcome is a request that protobuf parses or an InvalidRequest, nothing else."""
    try:
        payload = from_json(Signal.TRACES, json.dumps({"resourceSpans": document}).encode())
    except InvalidRequest:
        return
    ExportTraceServiceRequest.FromString(payload)


@settings(max_examples=500)
@given(SIGNALS, st.data())
def test_any_damage_is_read_or_refused(signal: Signal, data: st.DataObject) -> None:
    """A valid document with bytes changed, cut or repeated is read or refused, nothing else."""
    body = bytearray(to_json_line(signal, sample(signal)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                body[at] = data.draw(st.integers(0, 255))
            case 1:
                del body[at : at + data.draw(st.integers(1, 50))]
            case _:
                body[at:at] = body[at : at + data.draw(st.integers(1, 50))]
        if not body:
            break
    try:
        payload = from_json(signal, bytes(body))
    except InvalidRequest:
        return
    signal.request_type.FromString(payload)
