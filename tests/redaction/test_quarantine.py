"""A string that cannot be looked at is withheld, alone: everything else of its item goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from tests.redaction.secrets import SECRETS
from tests.redaction.test_canary import PLACES, named, plant
from tests.redaction.test_redactor import attributes_of, redact, span_of
from tests.support.telemetry import logs, metrics, pairs, span, span_id, traces

from errorplane.detectors import Detector, Finding, Subject
from errorplane.otlp import Signal
from errorplane.otlp._wire import MalformedWire, encode_varint, walk
from errorplane.redaction import Limits, Redactor

REDACTOR = Redactor()
MAIL = SECRETS["EMAIL_ADDRESS"]


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


FAULTY = Redactor([Detector("FAULTY", (b"unlucky",), raising)])
SHORT = Redactor(limits=Limits(text=100))
TOO_LONG = "z" * 100 + MAIL


@pytest.mark.parametrize(
    ("value", "redactor", "reason"),
    [
        (AnyValue(string_value=TOO_LONG), SHORT, "size"),
        (AnyValue(string_value="unlucky"), FAULTY, "error"),
        (AnyValue(string_value="x" * 600 + "unlucky"), FAULTY, "error"),
        (AnyValue(string_value="\0".join("to " + MAIL)), REDACTOR, "encoding"),
    ],
    ids=["too long", "a fault", "a fault in a long one", "UTF-16 in a string"],
)
def test_one_string_is_withheld(value: AnyValue, redactor: Redactor, reason: str) -> None:
    """Its place says why; its key, its neighbours, and ids, times and status of its span stay."""
    bad = span(name="bad", parent=span_id(), error=True, attributes={"before": "x", "mail": MAIL, "n": 7})
    bad.attributes.append(KeyValue(key="payload", value=value))
    bad.status.message = "text"
    result = redact(traces([span("before"), bad, span("after")]), redactor)
    assert result.quarantined == {reason: 1}
    assert [span_of(result, number).name for number in range(3)] == ["before", "bad", "after"]
    left = span_of(result, 1)
    found = attributes_of(left.attributes)
    assert found["payload"] == f"[QUARANTINED:{reason}]"
    assert (found["before"], found["n"]) == ("x", 7)
    assert (found["mail"] == MAIL) == (redactor is FAULTY)  # which looks for nothing else
    for name in ("trace_id", "span_id", "parent_span_id", "start_time_unix_nano", "end_time_unix_nano", "status"):
        assert getattr(left, name) == getattr(bad, name)


@pytest.mark.parametrize(
    ("value", "redactor", "reason"),
    [
        (TOO_LONG.encode(), SHORT, "size"),
        (b"\xff " + MAIL.encode(), REDACTOR, "encoding"),
        (f"caf\u00e9 {MAIL}".encode("latin-1"), REDACTOR, "encoding"),
        (f"to {MAIL}".encode("utf-16"), REDACTOR, "encoding"),
        (f"to {MAIL}".encode("utf-16-be"), REDACTOR, "encoding"),
        (f"to {MAIL}".encode("utf-32-le"), REDACTOR, "encoding"),
    ],
)
def test_bytes_are_withheld(value: bytes, redactor: Redactor, reason: str) -> None:
    """Bytes in which something may be, but in an encoding that cannot be read, stay bytes and say why."""
    request = traces([span()])
    request.resource_spans[0].scope_spans[0].spans[0].attributes.append(
        KeyValue(key="blob", value=AnyValue(bytes_value=value))
    )
    result = redact(request, redactor)
    assert attributes_of(span_of(result).attributes)["blob"] == f"[QUARANTINED:{reason}]".encode()
    assert result.quarantined == {reason: 1}


def test_bytes_with_nothing_to_find_pass() -> None:
    """Binary data, beside something to hide, are as they were."""
    data = bytes(range(128, 256)) * 4
    value = AnyValue()
    value.kvlist_value.values.add(key="blob").value.bytes_value = data
    value.kvlist_value.values.add(key="mail").value.string_value = MAIL
    record = ExportLogsServiceRequest.FromString(redact(logs([LogRecord(body=value)])).body)
    (left,) = record.resource_logs[0].scope_logs[0].log_records
    assert attributes_of(left.body.kvlist_value.values) == {"blob": data, "mail": "<EMAIL_ADDRESS>"}


def test_values_too_deep_in_each_other() -> None:
    """The value at the limit is withheld with all that is in it, what lies above stays, in items and outside."""
    bad = span(attributes={"mail": MAIL})
    bad.attributes.append(KeyValue(key="payload", value=nested(33)))
    request = traces([bad, span()])
    request.resource_spans[0].resource.attributes.append(KeyValue(key="payload", value=nested(40)))
    result = redact(request)
    assert result.quarantined == {"depth": 2}
    left = ExportTraceServiceRequest.FromString(result.body).resource_spans[0]
    assert attributes_of(left.resource.attributes)["service.name"] == "shop"
    for attributes in (left.resource.attributes, left.scope_spans[0].spans[0].attributes):
        (value,) = (pair.value for pair in attributes if pair.key == "payload")
        for _ in range(32):
            (value,) = value.array_value.values
        assert value.string_value == "[QUARANTINED:depth]"


def test_logs_and_metrics() -> None:
    """A body and an exemplar's attribute are withheld in the same way; the metric keeps its name and its point."""
    request = logs([LogRecord()])
    request.resource_logs[0].scope_logs[0].log_records.add(severity_number=17).body.string_value = TOO_LONG
    made = ExportLogsServiceRequest.FromString(redact(request, SHORT).body).resource_logs[0].scope_logs[0]
    assert made.log_records[-1].body.string_value == "[QUARANTINED:size]"
    assert made.log_records[-1].severity_number == 17
    other = metrics(["ok", "bad"])
    point = other.resource_metrics[0].scope_metrics[0].metrics[1].sum.data_points[0]
    point.exemplars.add().filtered_attributes.extend(pairs({"note": TOO_LONG}))
    left = type(other).FromString(redact(other, SHORT).body).resource_metrics[0].scope_metrics[0].metrics[1]
    assert left.name == "bad"
    (kept,) = left.sum.data_points
    assert attributes_of(kept.exemplars[0].filtered_attributes) == {"note": "[QUARANTINED:size]"}
    assert kept.as_double == point.as_double


class Ticking:
    """A clock that goes on by ``step`` whenever somebody looks at it."""

    def __init__(self, step: float) -> None:
        self._now = 0.0
        self._step = step

    def __call__(self) -> float:
        self._now += self._step
        return self._now


def test_a_request_has_a_deadline() -> None:
    """Of what is left then, strings with a hit are withheld and all others pass, with the keys of both."""
    made = [
        span(f"to {MAIL}{n}.net", attributes={"note": f"from {MAIL}", "quiet": "x" * 600, f"k {MAIL}": "y"})
        for n in range(4)
    ]
    result = redact(traces(made), Redactor(limits=Limits(seconds=3.5), clock=Ticking(1.0)))
    assert MAIL.encode() not in result.body
    assert set(result.quarantined) == {"deadline"}
    last = span_of(result, 3)
    assert last.name == "[QUARANTINED:deadline]"
    assert list(attributes_of(last.attributes).items()) == [
        ("note", "[QUARANTINED:deadline]"),
        ("quiet", "x" * 600),
        ("[QUARANTINED:deadline]", "[QUARANTINED:deadline]"),  # as the key may say what its value is
    ]
    assert result.quarantined["deadline"] >= 6


def test_what_was_too_late_once_is_looked_at_again() -> None:
    """A verdict for want of time, or for a fault, is not remembered."""
    ticking = Ticking(0.0)
    redactor = Redactor(limits=Limits(seconds=1.0), clock=ticking)
    late = traces([span(f"to {MAIL}")])
    ticking._step = 5.0
    assert redact(late, redactor).quarantined == {"deadline": 1}
    ticking._step = 0.0
    assert span_of(redact(late, redactor)).name == "to <EMAIL_ADDRESS>"


def test_a_fault_of_the_parser() -> None:
    """A value that cannot even be taken apart is withheld as a whole."""
    body = traces([span(attributes={"note": f"to {MAIL}"})]).SerializeToString()
    redactor = Redactor()
    redactor._looker._look = _failing  # type: ignore[method-assign, assignment]  # no input makes upb fail on what it has taken
    result = redactor.redact(Signal.TRACES, body, walk(Signal.TRACES, body))
    assert MAIL.encode() not in result.body
    assert attributes_of(span_of(result).attributes) == {"[QUARANTINED:error]": "[QUARANTINED:error]"}


def _failing(*_: object) -> Any:
    raise MemoryError


def sealing(original: bytes) -> str:
    """As an action's seal looks, but anybody can open it."""
    return f"enc_abc234_{original.hex()}AKIAIOSFODNN7EXAMPLE-4111111111111111"


def opened(text: str) -> bytes:
    """What was sealed."""
    found = re.fullmatch(r"\[QUARANTINED:[a-z]+:enc_abc234_([0-9a-f]*)AKIA.*\]", text)
    assert found is not None
    return bytes.fromhex(found[1])


def test_the_original_is_sealed() -> None:
    """With a public key the original stands in the same place, and nothing of it is found again."""
    bad = span(attributes={"long": TOO_LONG})
    bad.attributes.append(KeyValue(key="deep", value=nested(33)))
    result = redact(traces([bad]), Redactor(limits=Limits(text=100), seal=sealing))
    found = attributes_of(span_of(result).attributes)
    assert opened(str(found["long"])) == TOO_LONG.encode()
    again = REDACTOR.redact(Signal.TRACES, result.body, walk(Signal.TRACES, result.body))
    assert again.body == result.body


def test_what_cannot_be_sealed_is_discarded() -> None:
    """A fault in sealing lets nothing pass."""

    def broken(original: bytes) -> str:
        raise ValueError("no key")

    result = redact(traces([span(attributes={"long": TOO_LONG})]), Redactor(limits=Limits(text=100), seal=broken))
    assert attributes_of(span_of(result).attributes) == {"long": "[QUARANTINED:size]"}


TEXT_PLACES = [(signal, path) for signal, path in PLACES if path[-1].name != "bytes_value"]
MARK = "broken #"


@pytest.mark.parametrize(
    ("signal", "path"), TEXT_PLACES, ids=lambda each: each.value if isinstance(each, Signal) else named(each)
)
def test_a_string_that_is_no_utf_8(signal: Signal, path: Any) -> None:
    """In every place for text it is withheld, so that the rest of a request which upb refuses goes on."""
    request = signal.request_type()
    plant(request, path, MARK)
    whole = request.SerializeToString()
    broken = whole.replace(MARK.encode(), b"caf\xe9 \xff\xfe.")
    with pytest.raises(DecodeError):
        signal.request_type.FromString(broken)
    mended, count = REDACTOR.mend(signal, broken)
    assert count == 1
    plain = signal.request_type()
    plant(plain, path, "[QUARANTINED:encoding]")
    assert signal.request_type.FromString(mended) == plain
    assert REDACTOR.mend(signal, whole) == (whole, 0)


@pytest.mark.parametrize("body", [b"\x0a\x05\x12", b"\x0a\x80", b"\x0b"])
def test_bytes_that_cannot_be_followed_are_not_mended(body: bytes) -> None:
    """They are refused, as by upb."""
    with pytest.raises(MalformedWire):
        REDACTOR.mend(Signal.TRACES, body)


def test_limits_of_messages_in_each_other() -> None:
    """A request that is nested as no parser takes it is refused, not followed until the stack ends."""
    value = b"\x0a\x01x"
    for _ in range(300):
        inner = b"\x0a" + _length(value) + value
        value = b"\x2a" + _length(inner) + inner
    attribute = b"\x12" + _length(value) + value
    resource = b"\x0a" + _length(attribute) + attribute
    group = b"\x0a" + _length(resource) + resource
    with pytest.raises(MalformedWire):
        REDACTOR.mend(Signal.TRACES, b"\x0a" + _length(group) + group)


def _length(data: bytes) -> bytes:
    return encode_varint(len(data))
