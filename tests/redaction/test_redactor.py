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
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.redaction import oracle, shapes
from tests.redaction.secrets import SECRETS, word
from tests.support.telemetry import Scalar, logs, pairs, span, span_id, traces

from errorplane.otlp import Signal
from errorplane.otlp._wire import MalformedWire, canonical, encode_varint, walk
from errorplane.policy import Redaction
from errorplane.redaction import Redacted, Redactor, custom_detector
from errorplane.redaction._pairs import pair_around

REDACTOR = Redactor()
MAIL = SECRETS["EMAIL_ADDRESS"]


def redact(request: Any, redactor: Redactor = REDACTOR) -> Redacted:
    """The result for a request given as a message."""
    signal = next(each for each in Signal if each.request_type is type(request))
    body = request.SerializeToString()
    return redactor.redact(signal, body, walk(signal, body))


def field(number: int, body: bytes) -> bytes:
    """A length-delimited field of less than 128 bytes, as it is encoded."""
    return bytes((number << 3 | 2, len(body))) + body


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
@settings(max_examples=400)
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
    assert set(result.quarantined) <= {"encoding"}


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


def test_bytes_that_hold_text() -> None:
    """A finding in a bytes value is replaced there, and what stands around it stays."""
    value = AnyValue(bytes_value="é ".encode() + MAIL.encode() + b" x")
    body = ExportLogsServiceRequest.FromString(redact(logs([LogRecord(body=value)])).body)
    assert body.resource_logs[0].scope_logs[0].log_records[0].body.bytes_value == "é <EMAIL_ADDRESS> x".encode()


def body_of(value: AnyValue) -> AnyValue:
    """What becomes of the body of a log record."""
    out = ExportLogsServiceRequest.FromString(redact(logs([LogRecord(body=value)])).body)
    return out.resource_logs[0].scope_logs[0].log_records[0].body


def texts(*values: str) -> AnyValue:
    """A list of texts."""
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=value) for value in values]))


def mapping(**entries: AnyValue | str) -> AnyValue:
    """A map."""
    made = {key: AnyValue(string_value=value) if isinstance(value, str) else value for key, value in entries.items()}
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key=key, value=value) for key, value in made.items()]))


def test_an_option_names_the_next_argument() -> None:
    """As processes' resources have their command line: one text for each argument."""
    found = body_of(
        texts("app", "--password", "hunter2 x", "-api-key", "k9", "--token", "--verbose", "--no-password", "db")
    )
    assert found == texts(
        "app", "--password", "<PASSWORD>", "-api-key", "<PASSWORD>", "--token", "--verbose", "--no-password", "db"
    )


def test_a_name_and_its_value_in_one_map() -> None:
    """Headers, cookies and variables are often lists of such maps; a generic key inside of a map says nothing new."""
    header = mapping(name="X-Api-Key", value="k9")
    assert body_of(header) == mapping(name="X-Api-Key", value="<PASSWORD>")
    assert body_of(mapping(Value="1980-03-12", Key="dob")) == mapping(Value="<DATE_OF_BIRTH>", Key="dob")
    assert body_of(mapping(dob=mapping(value="1980-03-12"))) == mapping(dob=mapping(value="<DATE_OF_BIRTH>"))
    assert body_of(mapping(name="retries", value="12")) == mapping(name="retries", value="12")


@pytest.mark.parametrize("last", [b"\x0a\x02ok", b"\x18\x07"], ids=["text", "number"])
@pytest.mark.parametrize(
    "around",
    [
        lambda values: field(5, b"".join(values)),
        lambda values: field(5, field(5, field(1, b"".join(values)))),
        lambda values: field(6, field(1, b"k") + field(2, b"".join(values))),
        lambda values: field(6, field(1, b"k") + b"".join(field(2, value) for value in values)),
        lambda values: field(6, field(1, b"errorplane.redacted.password") + b"".join(field(2, v) for v in values)),
    ],
    ids=["body", "list", "attribute", "two values", "mark"],
)
def test_what_a_later_field_overrides_does_not_hide(around: Callable[[list[bytes]], bytes], last: bytes) -> None:
    """Of one field that stands there twice the last counts for every reader; the first is still in the bytes."""
    record = around([field(1, MAIL.encode()), last])
    body = field(1, field(2, field(2, record + field(3, b"INFO"))))
    result = REDACTOR.redact(Signal.LOGS, body, walk(Signal.LOGS, body))
    assert MAIL.encode() not in result.body
    kept = ExportLogsServiceRequest.FromString(result.body).resource_logs[0].scope_logs[0].log_records[0]
    assert kept.severity_text == "INFO"


def test_a_length_of_two_bytes_is_not_taken_for_its_last_one() -> None:
    """A pair that goes on after what looks like a whole one is looked at to its end."""
    clean = field(1, b"db.query.text") + field(2, field(1, STATEMENT.encode()))
    masked({"db.query.text": STATEMENT})
    size = 0x80 | 5, len(clean)  # 5 + 128 * len(clean), the second byte as if it were all
    text = b"x = 'Ann'".ljust((size[0] & 0x7F | size[1] << 7) - len(clean) - 6)
    second = b"\x12" + encode_varint(len(text) + 3) + b"\x0a" + encode_varint(len(text)) + text
    made = b"\x4a" + bytes(size) + clean + second
    assert made[1:3] + clean + second == encode_varint(len(clean + second)) + clean + second
    item = field(1, b"\1" * 16) + field(2, b"\2" * 8) + made
    for tag in (b"\x12", b"\x12", b"\x0a"):
        item = tag + encode_varint(len(item)) + item
    assert b"Ann" not in REDACTOR.redact(Signal.TRACES, item, walk(Signal.TRACES, item)).body


STATEMENT = "SELECT a FROM t WHERE b = ?"


def test_a_clean_statement_is_stepped_over_and_one_beside_it_is_not() -> None:
    """The name alone costs no walk through a span; whatever else is in the request is found as ever."""
    clean = traces([span(attributes={"db.query.text": STATEMENT}), span(attributes={"a.db.statement": STATEMENT})])
    body = clean.SerializeToString()
    assert [pair_around(body, end) for end in REDACTOR.engine.gate.scan(body).names] == [
        pair.SerializeToString() for each in clean.resource_spans[0].scope_spans[0].spans for pair in each.attributes
    ]
    assert redact(clean).body == body
    assert masked({"db.query.text": STATEMENT, "note": f"by {MAIL}"})["note"] == "by <EMAIL_ADDRESS>"
    assert masked({"db.query.text": f"{STATEMENT} OR b = 'Ann'"}) == {
        "db.query.text": f"{STATEMENT} OR b = '<SQL_LITERAL>'"
    }


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 400, 600, 20_000])
def test_statements_of_any_length_lose_their_literals(size: int) -> None:
    """Also where the lengths take two or three bytes, and where a clean one of the same beginning was seen before."""
    long = f"{STATEMENT} OR {'c' * size} = ?"
    masked({"db.query.text": long})
    assert masked({"db.query.text": f"{long} OR d = 'Ann'"}) == {"db.query.text": f"{long} OR d = '<SQL_LITERAL>'"}


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(1, b"db.query.text"), (2, STATEMENT), (2, "x = 'Ann'")], id="a second value"),
        pytest.param([(2, "x = 'Ann'"), (1, b"db.query.text")], id="the value first"),
        pytest.param([(1, b"db.query.text"), (2, STATEMENT), (1, b"db.statement"), (2, "x = 'Ann'")], id="all twice"),
        pytest.param([(1, b"x"), (1, b"db.query.text"), (2, "x = 'Ann'")], id="a key before"),
    ],
)
def test_a_clean_statement_covers_for_nothing_else_in_its_pair(parts: list[tuple[int, bytes | str]]) -> None:
    """Of fields that stand there twice the last counts, in any order."""
    masked({"db.query.text": STATEMENT})  # remembered as clean
    made = b"".join(
        field(number, part if isinstance(part, bytes) else field(1, part.encode())) for number, part in parts
    )
    request = field(1, field(2, field(2, field(1, b"\1" * 16) + field(2, b"\2" * 8) + field(9, made))))
    assert b"Ann" not in REDACTOR.redact(Signal.TRACES, request, walk(Signal.TRACES, request)).body


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


def test_detectors_of_users() -> None:
    """A key's numbers, lists and maps are hidden as a whole, and a pattern wherever it stands."""
    made = span(name="for CUST-12345678", attributes={"customer.id": 17})
    listed = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="a"), AnyValue(int_value=2)]))
    inner = AnyValue()
    inner.kvlist_value.values.extend(pairs({"first": "Bob"}))
    made.attributes.append(KeyValue(key="customer.id", value=listed))
    made.attributes.append(KeyValue(key="customer.id", value=inner))
    result = span_of(
        redact(traces([made]), Redactor([custom_detector("CUSTOMER_ID", "CUST-[0-9]{8}", keys=["customer.id"])]))
    )
    assert result.name == "for <CUSTOMER_ID>"
    assert [str(pair.value).count("<CUSTOMER_ID>") for pair in result.attributes[:3]] == [1, 2, 1]
    assert "Bob" not in str(result)
    assert attributes_of(result.attributes[:1]) == {"customer.id": "<CUSTOMER_ID>"}


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
