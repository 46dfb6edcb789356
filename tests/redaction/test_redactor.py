"""The redactor masks what the plain way masks, keeps the rest to the byte, and withholds what it cannot look at."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.redaction import oracle, shapes
from tests.redaction.secrets import SECRETS, word
from tests.support.telemetry import Scalar, log, logs, metrics, new_trace_id, pairs, span, span_id, traces

from errorplane.detectors import Detector, Finding, Subject
from errorplane.errors import QUARANTINE_REASON
from errorplane.otlp import Signal
from errorplane.otlp._wire import MalformedWire, canonical, walk
from errorplane.policy import Redaction
from errorplane.redaction import Limits, Quarantined, Redacted, Redactor

REDACTOR = Redactor()
MAIL = SECRETS["EMAIL_ADDRESS"]


def redact(request: Any, redactor: Redactor = REDACTOR) -> Redacted:
    """The result for a request given as a message."""
    signal = next(each for each in Signal if each.request_type is type(request))
    body = request.SerializeToString()
    return redactor.redact(signal, body, walk(signal, body))


def span_of(result: Redacted, number: int = 0) -> Span:
    """One span of a result."""
    return ExportTraceServiceRequest.FromString(result.body).resource_spans[0].scope_spans[0].spans[number]


def attributes_of(pairs: Iterable[KeyValue]) -> Mapping[str, object]:
    """Attributes as Python values."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}


def masked(attributes: Mapping[str, Scalar], redactor: Redactor = REDACTOR) -> Mapping[str, object]:
    """What becomes of a span's attributes, without the mark that is appended."""
    found = attributes_of(span_of(redact(traces([span(attributes=attributes)]), redactor)).attributes)
    return {
        key: value
        for key, value in found.items()
        if not key.startswith(("errorplane.data_class", "errorplane.redacted."))
    }


@given(st.sampled_from(Signal), st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_the_result_is_that_of_the_plain_way(signal: Signal, seed: int) -> None:
    """Random requests in random encodings, unknown fields with secrets among them: as if every string was parsed."""
    rnd = random.Random(seed)
    body = shapes.request(signal, rnd, word).SerializeToString()
    if rnd.random() < 0.8:
        body = shapes.mutate(body, signal.request_type.DESCRIPTOR, rnd, long_tags=rnd.random() < 0.3)
    try:
        layout = walk(signal, body)
    except MalformedWire:
        body = canonical(signal, body)
        layout = walk(signal, body)
    result = REDACTOR.redact(signal, body, layout)
    message = signal.request_type.FromString(result.body)
    message.DiscardUnknownFields()
    assert message == oracle.redacted(signal, body)
    assert len(walk(signal, result.body).items) == len(layout.items)
    assert result.quarantined == ()


def test_a_request_without_findings_is_the_same_object() -> None:
    """Clean bytes are not copied."""
    body = traces([span(attributes={"url.path": "/cart/17", "server.port": 8443})]).SerializeToString()
    assert REDACTOR.redact(Signal.TRACES, body, walk(Signal.TRACES, body)).body is body


def test_only_the_finding_changes() -> None:
    """Everything around it stays, also in the same string; the mark comes last."""
    request = traces([span(), span(attributes={"a": "x", "note": f"to {MAIL}, twice", "z": 1}), span()])
    expected = ExportTraceServiceRequest.FromString(request.SerializeToString())
    expected.resource_spans[0].scope_spans[0].spans[1].attributes[1].value.string_value = "to <EMAIL_ADDRESS>, twice"
    mark: Mapping[str, Scalar] = {"errorplane.data_class": "personal", "errorplane.redacted.email_address": 1}
    expected.resource_spans[0].scope_spans[0].spans[1].attributes.extend(pairs(mark))
    result = redact(request)
    assert ExportTraceServiceRequest.FromString(result.body) == expected
    assert dict(result.found) == {"EMAIL_ADDRESS": 1}


def test_a_second_pass_changes_nothing() -> None:
    """What was masked once is not masked again, so that processors can stand in a row."""
    once = redact(traces([span(attributes=dict(SECRETS), exception={"exception.message": "password=hunter2"})]))
    assert REDACTOR.redact(Signal.TRACES, once.body, walk(Signal.TRACES, once.body)).body == once.body


def test_the_key_says_what_the_value_is() -> None:
    """A value that looks like nothing is masked for its key, and one inside of it too."""
    inner = KeyValueList(values=pairs({"hint": "blue", "n": 7}))
    request = traces([span(attributes={"user.password": "blue", "phone": "5551234567", "http.method": "GET"})])
    request.resource_spans[0].scope_spans[0].spans[0].attributes.append(
        KeyValue(key="api_key", value=AnyValue(kvlist_value=inner))
    )
    found = attributes_of(span_of(redact(request)).attributes)
    assert found["user.password"] == "<PASSWORD>"
    assert found["phone"] == "<PHONE_NUMBER>"
    assert found["http.method"] == "GET"
    nested = found["api_key"]
    assert isinstance(nested, KeyValueList)
    assert attributes_of(nested.values) == {"hint": "<PASSWORD>", "n": "<PASSWORD>"}


def test_numbers_that_are_cards() -> None:
    """An integer or a double is looked at as it would be written; other large numbers stay numbers."""
    times = {"now_ns": 1_790_000_000_123_456_789, "now_ms": 1_790_000_000_123.0}
    found = masked({"pan": 4111111111111111, "maestro": 501800000009, "double": 4111111111111111.0, **times})
    assert found == dict.fromkeys(("pan", "maestro", "double"), "<CREDIT_CARD>") | times


def test_bytes_keep_what_is_no_text() -> None:
    """A finding in a bytes value is replaced, and bytes that are not UTF-8 stay around it."""
    value = AnyValue(bytes_value=b"\xff\xfe " + MAIL.encode() + b" \x80")
    record = LogRecord(body=value)
    body = ExportLogsServiceRequest.FromString(redact(logs([record])).body)
    assert body.resource_logs[0].scope_logs[0].log_records[0].body.bytes_value == b"\xff\xfe <EMAIL_ADDRESS> \x80"


def test_ids_are_never_taken_for_texts() -> None:
    """Sixteen random bytes may look like anything; an id of another length is no id."""
    trace_id = b"a@example.org/ab"
    made = span(trace_id=trace_id)
    made.links.add(trace_id=b"mail bob@example.org", span_id=span_id())
    result = span_of(redact(traces([made])))
    assert result.trace_id == trace_id
    assert result.links[0].trace_id == b"mail <EMAIL_ADDRESS>"


def test_tags_of_the_pipeline_cannot_be_forged() -> None:
    """Attributes that only the pipeline may write are taken out, wherever they stand; others of its names stay."""
    found = masked(
        {"errorplane.retention.class": "forever", "errorplane.sampling.rule": "mine", "errorplane.tenant": "a"}
    )
    assert found == {"errorplane.tenant": "a"}


def test_allowed_values_pass() -> None:
    """A literal of the policy's allow-list is left alone, its like is not."""
    redactor = Redactor.from_policy(Redaction(allow=("support@example.com",)))
    found = masked({"a": "write to support@example.com", "b": "not-support@example.com"}, redactor)
    assert found == {"a": "write to support@example.com", "b": "<EMAIL_ADDRESS>"}


def test_only_the_policys_detectors_look() -> None:
    """What the policy does not name is not masked."""
    redactor = Redactor.from_policy(Redaction(detectors=("CREDIT_CARD",)))
    assert masked({"a": MAIL, "b": SECRETS["CREDIT_CARD"]}, redactor) == {"a": MAIL, "b": "<CREDIT_CARD>"}


@pytest.mark.parametrize(
    "made",
    [
        span(exception={"exception.type": "ValueError"}),
        span(attributes={"error": True}),
        span(attributes={"error": "true"}),
        span(attributes={"exception.message": "boom"}),
    ],
    ids=["event", "boolean tag", "string tag", "attribute"],
)
def test_hints_of_errors_are_reported(made: Span) -> None:
    """Items that say error besides their status are named."""
    body = traces([span(), made, span()]).SerializeToString()
    layout = walk(Signal.TRACES, body)
    assert REDACTOR.redact(Signal.TRACES, body, layout).error_candidates == {1}


# --- what cannot be looked at -----------------------------------------------------------------------------------------


def nested(depth: int) -> AnyValue:
    """A secret inside of lists in lists."""
    value = AnyValue(string_value=MAIL)
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


def raising(subject: Subject) -> Iterable[Finding]:
    """A detector with a fault."""
    if "unlucky" in subject.text:
        raise RecursionError("no")
    return ()


FAULTY = Detector("FAULTY", (b"unlucky",), raising)
TOO_LONG = "z" * 100 + MAIL


@pytest.mark.parametrize(
    ("value", "redactor", "reason"),
    [
        (nested(33), REDACTOR, "depth"),
        (AnyValue(string_value=TOO_LONG), Redactor(limits=Limits(text=100)), "size"),
        (AnyValue(bytes_value=TOO_LONG.encode()), Redactor(limits=Limits(text=100)), "size"),
        (AnyValue(string_value="unlucky"), Redactor([FAULTY]), "error:RecursionError"),
    ],
    ids=["too deep", "too long", "too many bytes", "a fault"],
)
def test_what_cannot_be_looked_at_is_withheld(value: AnyValue, redactor: Redactor, reason: str) -> None:
    """Its span keeps ids, times and status, says why, and its neighbours pass."""
    bad = span(name=f"bad {MAIL}", parent=span_id(), error=True)
    bad.attributes.append(KeyValue(key="payload", value=value))
    bad.status.message = "text"
    result = redact(traces([span("before"), bad, span("after")]), redactor)
    assert result.quarantined == (Quarantined(1, reason),)
    assert [span_of(result, number).name for number in range(3)] == ["before", "quarantined", "after"]
    left = span_of(result, 1)
    assert attributes_of(left.attributes) == {QUARANTINE_REASON: reason}
    for name in ("trace_id", "span_id", "parent_span_id", "start_time_unix_nano", "end_time_unix_nano", "kind"):
        assert getattr(left, name) == getattr(bad, name)
    assert (left.status.code, left.status.message) == (bad.status.code, "")
    assert MAIL.encode() not in result.body


def test_a_withheld_log_record() -> None:
    """It keeps ids, times and severity."""
    bad = log(trace_id=new_trace_id(), own_span_id=span_id(), severity=17)
    bad.body.CopyFrom(nested(40))
    result = redact(logs([bad]))
    left = ExportLogsServiceRequest.FromString(result.body).resource_logs[0].scope_logs[0].log_records[0]
    assert (left.trace_id, left.span_id, left.severity_number) == (bad.trace_id, bad.span_id, bad.severity_number)
    assert attributes_of(left.attributes) == {QUARANTINE_REASON: "depth"}
    assert left.body == AnyValue()


def test_a_withheld_metric() -> None:
    """It keeps its place."""
    request = metrics(["ok", "bad"])
    point = request.resource_metrics[0].scope_metrics[0].metrics[1].sum.data_points[0]
    point.attributes.append(KeyValue(key="payload", value=nested(40)))
    result = redact(request)
    made = type(request).FromString(result.body).resource_metrics[0].scope_metrics[0].metrics
    assert made[1] == Metric(name="quarantined", metadata=pairs({QUARANTINE_REASON: "depth"}))
    assert made[0].name == "ok"


def test_a_field_of_a_resource_that_cannot_be_looked_at_is_dropped() -> None:
    """The spans of the resource pass."""
    request = traces([span(), span()])
    request.resource_spans[0].resource.attributes.append(KeyValue(key="payload", value=nested(40)))
    result = redact(request)
    assert result.quarantined == (Quarantined(None, "depth"),)
    left = ExportTraceServiceRequest.FromString(result.body).resource_spans[0]
    assert attributes_of(left.resource.attributes) == {"service.name": "shop"}
    assert len(left.scope_spans[0].spans) == 2


def test_a_request_has_a_deadline() -> None:
    """What is not looked at in time is withheld, not passed on."""
    clock = Ticking(1.0)
    result = redact(
        traces([span(f"to {MAIL}{n}.net") for n in range(5)]), Redactor(limits=Limits(seconds=3.5), clock=clock)
    )
    assert [each.reason for each in result.quarantined] == ["deadline", "deadline"]
    assert MAIL.encode() not in result.body


class Ticking:
    """A clock that goes on by ``step`` whenever somebody looks at it."""

    def __init__(self, step: float) -> None:
        self._now = 0.0
        self._step = step

    def __call__(self) -> float:
        self._now += self._step
        return self._now


def test_a_request_of_nothing_but_hits_is_looked_at_as_a_whole() -> None:
    """The scan gives up counting, and nothing gets past for that."""
    noise = "jwt" * 130_000
    made = [span("quiet", attributes={"note": "nothing"}), span(attributes={"noise": noise}), span(f"to {MAIL}")]
    result = redact(traces(made))
    assert MAIL.encode() not in result.body
    assert result.error_candidates == {0, 1, 2}
    assert span_of(result).name == "quiet"


def test_threads_share_a_redactor() -> None:
    """Concurrent requests do not disturb each other."""
    bodies = [traces([span(f"{n} {MAIL}") for n in range(200)]).SerializeToString() for _ in range(4)]
    expected = [REDACTOR.redact(Signal.TRACES, body, walk(Signal.TRACES, body)).body for body in bodies]
    results: list[bytes | None] = [None] * len(bodies)

    def work(number: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(10):
                body = bodies[number]
                results[number] = REDACTOR.redact(Signal.TRACES, body, walk(Signal.TRACES, body)).body

        return run

    threads = [threading.Thread(target=work(number)) for number in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == expected
