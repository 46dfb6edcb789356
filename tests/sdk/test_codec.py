"""Spans and log records of the SDK as OTLP and back, beside the SDK's own encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as official_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as official_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from errorplane.sdk._decode import decode_logs, decode_spans
from errorplane.sdk._encode import encode_logs, encode_spans

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
SCALAR = st.one_of(TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
VALUE = st.one_of(SCALAR, st.binary(max_size=20), st.lists(TEXT, max_size=3).map(tuple))
KEY = TEXT.filter(bool)
ATTRIBUTES = st.dictionaries(KEY, VALUE, max_size=6)
TIME = st.integers(0, 2**63)
STATES = st.sampled_from([TraceState(), TraceState([("vendor", "gold"), ("ot", "th:8")])])
CONTEXTS = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.just(TraceFlags(TraceFlags.SAMPLED)),
    STATES,
)
RESOURCES = [Resource({"service.name": "shop", "n": 1}, "https://schema/1"), Resource({})]
SCOPES = [InstrumentationScope("shop", "1.2", "https://schema/2", {"a": True}), InstrumentationScope("plain"), None]
STATUSES = st.one_of(
    st.sampled_from([Status(), Status(StatusCode.OK)]), st.builds(Status, st.just(StatusCode.ERROR), TEXT.filter(bool))
)
SPANS = st.builds(
    ReadableSpan,
    name=TEXT,
    context=CONTEXTS,
    parent=st.one_of(st.none(), CONTEXTS),
    resource=st.sampled_from(RESOURCES),
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Event, TEXT, ATTRIBUTES, TIME), max_size=2),
    links=st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=STATUSES,
    start_time=TIME,
    end_time=TIME,
    instrumentation_scope=st.sampled_from(SCOPES),
)
RECORDS = st.builds(
    LogRecord,
    timestamp=TIME,
    observed_timestamp=TIME,
    trace_id=st.integers(0, 2**128 - 1),
    span_id=st.integers(0, 2**64 - 1),
    trace_flags=st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    severity_text=st.one_of(st.none(), TEXT),
    severity_number=st.sampled_from([None, *SeverityNumber]),
    body=st.one_of(VALUE, st.none(), st.dictionaries(KEY, st.lists(SCALAR, max_size=2), max_size=2)),
    attributes=ATTRIBUTES,
    event_name=st.one_of(st.none(), TEXT),
)


def logs(records: Sequence[LogRecord]) -> list[ReadableLogRecord]:
    """As a processor hands them on."""
    return [ReadableLogRecord(each, RESOURCES[n % 2], SCOPES[n % 3]) for n, each in enumerate(records)]


@settings(max_examples=50)
@given(st.lists(SPANS, max_size=4))
def test_spans_are_encoded_as_the_sdk_does(spans: list[ReadableSpan]) -> None:
    """Any spans give the request that the SDK's own exporter sends, but for trace states of links, which it forgets."""
    ours = ExportTraceServiceRequest.FromString(encode_spans(spans))
    for group in ours.resource_spans:
        for scoped in group.scope_spans:
            for span in scoped.spans:
                for link in span.links:
                    link.trace_state = ""
    assert ours == official_spans(spans)


@settings(max_examples=50)
@given(st.lists(RECORDS, max_size=4))
def test_log_records_are_encoded_as_the_sdk_does(records: list[LogRecord]) -> None:
    """Any log records give the request that the SDK's own exporter sends."""
    batch = logs(records)
    assert ExportLogsServiceRequest.FromString(encode_logs(batch)) == official_logs(batch)


@settings(max_examples=50)
@given(st.lists(SPANS, max_size=4), st.lists(RECORDS, max_size=4))
def test_what_was_encoded_is_decoded_whole(spans: list[ReadableSpan], records: list[LogRecord]) -> None:
    """Decoded items encode to the same bytes: nothing of them is lost on the way."""
    body = encode_spans(spans)
    assert encode_spans(list(decode_spans(body))) == body
    body = encode_logs(logs(records))
    assert encode_logs(list(decode_logs(body))) == body


def test_odd_values_do_not_spoil_a_batch() -> None:
    """Half a surrogate pair, an integer of more than 64 bits and an object of no type of OTLP are written as text."""
    odd: dict[str, Any] = {"half": "a\ud800b", "huge": 2**80, "object": 1j, "fine": 1}
    span = ReadableSpan("x\udfff", SpanContext(1, 2, False), attributes=odd, start_time=1, end_time=2)
    (decoded,) = decode_spans(encode_spans([span]))
    assert decoded.name == "x?"
    assert decoded.attributes == {"half": "a?b", "huge": str(2**80), "object": "1j", "fine": 1}


def test_counts_of_what_limits_dropped_survive() -> None:
    """A span whose limits dropped attributes, events, links and attributes of those says the same after both ways."""
    memory = InMemorySpanExporter()
    limits = SpanLimits(max_attributes=1, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=1)
    provider = TracerProvider(span_limits=limits)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with provider.get_tracer("shop").start_as_current_span("x", attributes={"a": 1, "b": 2}) as span:
        for number in (2, 3):
            span.add_link(SpanContext(1, number, False), {"a": 1, "b": 2})
        span.add_event("one")
        span.add_event("two", {"a": 1, "b": 2})
    spans = memory.get_finished_spans()
    assert ExportTraceServiceRequest.FromString(encode_spans(spans)) == official_spans(spans)
    (decoded,) = decode_spans(encode_spans(spans))
    assert (decoded.dropped_attributes, decoded.dropped_events, decoded.dropped_links) == (1, 1, 1)
    assert (decoded.events[0].dropped_attributes, decoded.links[0].dropped_attributes) == (1, 1)
