"""What is seen of requests for the sampling rules."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from tests.support.telemetry import NOW_NS, pairs, span_id

from errorplane.classification import Subject
from errorplane.otlp import Signal
from errorplane.otlp._wire import encode_varint, walk
from errorplane.pipeline._hints import Hints
from errorplane.pipeline._index import Index, index_request
from errorplane.policy import AttributeTest, Sampling
from errorplane.sampling import Deployments, compile_observer
from errorplane.sampling._attributes import AttributeSearch
from errorplane.sampling._conditions import compile_sampling_when


def sampling(*whens: dict[str, Any], **rest: Any) -> Sampling:
    """A section with a rule for each of these conditions."""
    rules = [{"name": f"rule-{number}", "when": when} for number, when in enumerate(whens)]
    return Sampling.model_validate({"rules": rules, **rest})


def indexed(
    message: ExportTraceServiceRequest | ExportLogsServiceRequest,
    section: Sampling,
    deployments: Deployments | None = None,
) -> Index:
    """The index of a request as the pipeline makes it."""
    signal = Signal.TRACES if isinstance(message, ExportTraceServiceRequest) else Signal.LOGS
    body = message.SerializeToString()
    observer = compile_observer(section, deployments or Deployments(lambda: 0.0))
    return index_request(signal, message, body, walk(signal, body), Hints(), observer)


def span(trace_id: bytes, **fields: Any) -> Span:
    """One span; ``attributes`` is a mapping."""
    attributes = pairs(fields.pop("attributes", {}))
    return Span(trace_id=trace_id, span_id=span_id(), start_time_unix_nano=NOW_NS, attributes=attributes, **fields)


def request(*groups: tuple[dict[str, Any], list[Span]]) -> ExportTraceServiceRequest:
    """A request of resources, each with its spans."""
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(resource=Resource(attributes=pairs(resource)), scope_spans=[ScopeSpans(spans=spans)])
            for resource, spans in groups
        ]
    )


def matching(message: ExportTraceServiceRequest, when: dict[str, Any]) -> set[bytes]:
    """The traces of a request for which conditions hold."""
    section = sampling(when)
    holds = compile_sampling_when(section.rules[0].when, lambda service: 3)
    return {
        trace_id
        for trace_id, seen in indexed(message, section).traces.items()
        if holds(Subject("trace", hits=seen.hits, spans=len(seen.items)))
    }


A, B = b"a" * 16, b"b" * 16


@pytest.mark.parametrize(
    ("test", "value", "passes"),
    [
        ({"values": "acme"}, "acme", True),
        ({"values": ["acme", "x"]}, "acme2", False),
        ({"values": "5"}, 5, False),
        ({"values": "x" * 600}, "x" * 600, True),
        ({"regex": "^ac"}, "acme", True),
        ({"regex": ["^me", "c"]}, "acme", True),
        ({"regex": "^me"}, "acme", False),
        ({"regex": "."}, 5, False),
        ({"regex": "x"}, "y" * 300 + "x", True),
        ({"min": 500}, 500, True),
        ({"min": 500}, 499, False),
        ({"min": 500}, 500.5, True),
        ({"max": -1}, -5, True),
        ({"min": -2, "max": 2}, -5, False),
        ({"min": 0}, "5", False),
        ({"min": 0}, True, False),
        ({"is": True}, True, True),
        ({"is": False}, False, True),
        ({"is": True}, False, False),
        ({"is": True}, "true", False),
        ({}, "anything", True),
        ({}, False, True),
    ],
)
def test_tests_of_attributes(test: dict[str, Any], value: Any, passes: bool) -> None:
    """Each kind of test takes values of its own type, on a span as on its resource."""
    when = {"attributes": {"key": test}}
    of_span = request(({}, [span(A, attributes={"key": value})]))
    of_resource = request(({"key": value}, [span(A)]))
    assert matching(of_span, when) == ({A} if passes else set())
    assert matching(of_resource, when) == ({A} if passes else set())


def test_only_attributes_of_spans_and_resources_count() -> None:
    """The same key and value in an event, a link, a scope, a map or a text are something else."""
    pair = pairs({"key": "acme"})
    nested = KeyValue(key="other", value=AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="acme")])))
    decoys = span(A, attributes={"text": pair[0].SerializeToString().decode("latin-1"), "key2": "acme"})
    decoys.attributes.append(nested)
    decoys.events.append(Span.Event(name="e", attributes=pair))
    decoys.links.append(Span.Link(trace_id=B, span_id=span_id(), attributes=pair))
    deep = decoys.attributes.add(key="map")
    deep.value.kvlist_value.values.extend(pair)
    message = request(({}, [decoys]))
    message.resource_spans[0].scope_spans[0].scope.attributes.extend(pair)
    for test in ({"values": "acme"}, {"regex": "acme"}, {}):
        assert matching(message, {"attributes": {"key": test}}) == set()


def test_the_value_of_the_span_itself_counts() -> None:
    """A span whose own attribute fails does not pass by an event that has another value under the same key."""
    one = span(A, attributes={"key": "initech"})
    one.events.append(Span.Event(name="e", attributes=pairs({"key": "acme"})))
    assert matching(request(({}, [one])), {"attributes": {"key": {"values": "acme"}}}) == set()


def test_a_resource_counts_for_its_own_spans() -> None:
    """What a resource has is true of the traces in its group and of no others."""
    message = request(({"tier": "gold"}, [span(A)]), ({"tier": "iron"}, [span(B)]))
    assert matching(message, {"attributes": {"tier": {"values": "gold"}}}) == {A}


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=6),
        st.text(max_size=6) | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(),
    ),
    st.text(min_size=1, max_size=6).filter(lambda key: "\n" not in key and key.strip()),
)
def test_the_search_finds_what_parsing_finds(attributes: dict[str, Any], key: str) -> None:
    """Whatever the attributes are, a key is found if and only if it is there."""
    message = request(({}, [span(A, attributes=attributes)]))
    assert matching(message, {"attributes": {key: {}}}) == ({A} if key in attributes else set())


def test_values_behind_a_key_are_read_as_they_are_written() -> None:
    """What is no value, or ends too early, fails every test and raises nothing."""
    search = AttributeSearch({("k", AttributeTest(min=0)): 1})
    head = b"\x0a\x01k"
    number = b"\x18" + encode_varint(7)
    double = b"\x21" + struct.pack("<d", 7.0)
    for value in (number, double):
        assert search.candidates(head + b"\x12" + encode_varint(len(value)) + value)
    for broken in (b"", b"\x12", b"\x12\x02\x18", b"\x12\x09\x21\x00", b"\x1a\x00", b"\x12\x02\x0a\xff", b"\x12\x00"):
        assert search.candidates(head + broken) == []


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"span_status": "error"}, {A}),
        ({"span_status": "ok"}, {B}),
        ({"span_status": "unset"}, {A}),
        ({"span_status": ["ok", "unset"]}, {A, B}),
        ({"sampled_flag": True}, {B}),
        ({"sampled_flag": False}, {A}),
        ({"trace_state": {"vendor": "gold"}}, {A}),
        ({"trace_state": {"vendor": ["iron", "silver"]}}, {B}),
        ({"trace_state": {"gold": "vendor"}}, set()),
    ],
)
def test_what_spans_carry(when: dict[str, Any], expected: set[bytes]) -> None:
    """Status codes, the sampled flag and members of tracestate are those of any span of the trace."""
    message = request(
        (
            {},
            [
                span(A, status=Status(code=Status.STATUS_CODE_ERROR), trace_state="x=1, vendor=gold"),
                span(A, trace_state="junk,,=,vendor"),
                span(
                    B, status=Status(code=Status.STATUS_CODE_OK), flags=0x301, trace_state="vendor=silver,vendor2=gold"
                ),
            ],
        )
    )
    assert matching(message, when) == expected


def test_roots_and_sizes_are_seen_where_they_are_asked_for() -> None:
    """A span without a parent is the root; a trace is as large as its items with their resources and scopes."""
    message = request(({"host": "x" * 100}, [span(A), span(B, parent_span_id=b"p" * 8), span(B, name="n" * 50)]))
    message.resource_spans[0].scope_spans[0].spans[2].parent_span_id = b"p" * 8
    section = Sampling.model_validate({"root_wait": "1s", "rules": [{"name": "a", "bytes_per_second": "1MB"}]})
    traces = indexed(message, section).traces
    assert traces[A].root
    assert not traces[B].root
    for trace_id in (A, B):
        alone = ExportTraceServiceRequest()
        alone.CopyFrom(message)
        spans = alone.resource_spans[0].scope_spans[0].spans
        own = [one for one in spans if one.trace_id == trace_id]
        del spans[:]
        spans.extend(own)
        assert abs(traces[trace_id].size - alone.ByteSize()) < 16
    plain = indexed(message, sampling({"attributes": {"a": {}}})).traces
    assert (plain[A].root, plain[A].size) == (False, 0)


def test_conditions_see_what_redaction_left() -> None:
    """What came in does not count, but what goes into the journal: a trace is decided alike when that is read again."""
    came = request(({"host": "1.2.3.4"}, [span(A, attributes={"user": "jane"}, trace_state="user=jane")]))
    left = request(({"host": "<IP>"}, [span(A, attributes={"user": "<NAME>"}, trace_state="user=x")]))
    body = left.SerializeToString()
    before = ({"attributes": {"user": {"values": "jane"}}}, {"attributes": {"host": {"values": "1.2.3.4"}}})
    after = ({"attributes": {"user": {"values": "<NAME>"}}}, {"attributes": {"host": {"values": "<IP>"}}})
    found = []
    for whens in (before, after, ({"trace_state": {"user": "jane"}},)):
        observer = compile_observer(sampling(*whens), Deployments())
        index = index_request(Signal.TRACES, came, body, walk(Signal.TRACES, body), Hints(), observer)
        found.append(index.traces[A].hits.bit_count())
    assert found == [0, 2, 0]


def test_log_records_are_seen_too() -> None:
    """A log record's attribute counts for its trace, or for itself where it has none; its resource's for both."""
    lone = LogRecord(attributes=pairs({"key": "acme"}))
    traced = LogRecord(trace_id=A, attributes=pairs({"key": "acme"}))
    plain = LogRecord(trace_id=B)
    group = ResourceLogs(
        resource=Resource(attributes=pairs({"region": "eu"})), scope_logs=[ScopeLogs(log_records=[lone, traced, plain])]
    )
    section = sampling({"attributes": {"key": {"values": "acme"}}}, {"attributes": {"region": {"values": "eu"}}})
    index = indexed(ExportLogsServiceRequest(resource_logs=[group]), section)
    both = index.lone[0].hits
    assert both.bit_count() == 2
    assert index.traces[A].hits == both
    assert index.traces[B].hits.bit_count() == 1
    assert index.traces[B].hits & both


@pytest.mark.parametrize(
    "section",
    [
        Sampling(),
        sampling({"duration_under": 1.0, "spans": {"min": 2}, "tier": 1, "fingerprint": "v1:aa", "kind": "bug"}),
        Sampling.model_validate({"rules": [{"name": "a", "spans_per_second": 5}]}),
    ],
)
def test_what_nothing_asks_for_is_not_looked_at(section: Sampling) -> None:
    """Without a condition about single spans there is no observer at all."""
    assert compile_observer(section, Deployments()) is None


def test_conditions_within_others_are_seen() -> None:
    """What stands under not and any_of is looked for as well."""
    inner = {"attributes": {"tenant": {"values": "acme"}}}
    message = request(({}, [span(A, attributes={"tenant": "acme"}), span(B)]))
    assert matching(message, {"not": inner}) == {B}
    assert matching(message, {"any_of": [{"span_status": "error"}, inner]}) == {A}
    assert matching(message, {"any_of": [{"not": inner}]}) == {B}


def test_new_deployments_are_seen_until_their_window_ends() -> None:
    """Another version of a known service is new in its environment for as long as a rule says."""
    now = [1000.0]
    deployments = Deployments(lambda: now[0])
    section = sampling({"new_deployment": "1m"}, {"new_deployment": "10m"})

    def hits(version: str, environment: str = "prod") -> int:
        resource = {"service.name": "shop", "service.version": version, "deployment.environment.name": environment}
        return indexed(request((resource, [span(A)])), section, deployments).traces[A].hits.bit_count()

    assert hits("1.0") == 0
    assert hits("1.1") == 2
    assert hits("1.0") == 0
    assert hits("1.1", "staging") == 0
    now[0] += 61.0
    assert hits("1.1") == 1
    now[0] += 600.0
    assert hits("1.1") == 0
