"""OTLP/HTTP in: what is taken, and how everything else is refused while good requests go on."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from typing import Any

import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has no stubs
from tests.otlp.clients import JSON, PROTOBUF, TIMEOUT_S, dialled, request, talk
from tests.otlp.parts import Pipeline, http_receiver, raising, sample
from tests.support.collector_tools import wait_until

from errorplane.otlp import (
    HttpReceiver,
    Overloaded,
    Receipt,
    ReceiveError,
    ReceiveLimits,
    ShuttingDown,
    Signal,
    to_json_line,
)
from errorplane.otlp._responses import REJECTED_FIELD

GOOD = sample(Signal.TRACES)
GOOD_JSON = to_json_line(Signal.TRACES, GOOD)
LIMIT = 1 << 20
INVALID_ARGUMENT, RESOURCE_EXHAUSTED = 3, 8


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [PROTOBUF, JSON, "Application/JSON; charset=utf-8"])
def test_each_signal_is_taken(packed: bool, kind: str) -> None:
    """Protobuf and JSON, compressed or not, reach the pipeline as protobuf; the answer is in the same encoding."""
    payloads = [(signal, sample(signal)) for signal in Signal]
    headers = {"content-encoding": "gzip"} if packed else {}
    with http_receiver(pipeline := Pipeline()) as (receiver, address):
        for signal, payload in payloads:
            body = payload if kind == PROTOBUF else to_json_line(signal, payload)
            answer = request(
                address, gzip.compress(body) if packed else body, signal.http_path, kind=kind, headers=headers
            )
            said = (answer.code, answer.headers["content-type"], answer.body)
            assert said == ((200, PROTOBUF, b"") if kind == PROTOBUF else (200, JSON, b"{}"))
        assert receiver.outcomes == {"taken": 3}
    assert pipeline.taken == payloads


def test_chunked_bodies_and_kept_connections() -> None:
    """Requests follow one another on one connection, with bodies whose length nobody announced."""
    with (
        http_receiver(pipeline := Pipeline()) as (_, address),
        closing(http.client.HTTPConnection(address, timeout=TIMEOUT_S)) as connection,
    ):
        for _ in range(3):
            connection.request("POST", "/v1/traces", iter([GOOD[:9], GOOD[9:]]), {"content-type": PROTOBUF})
            sock = connection.sock
            assert connection.getresponse().read() == b""
            assert connection.sock is sock
    assert pipeline.taken == [(Signal.TRACES, GOOD)] * 3


def test_an_upgrade_to_http2_is_declined_without_losing_the_body() -> None:
    """A client that asks for HTTP/2, as Java's does, is answered in HTTP/1.1, and what it sent arrives."""
    head = (
        "POST /v1/traces?a=b HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n"
        f"http2-settings: AAEAAEAA\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {len(GOOD)}\r\n\r\n"
    )
    plain = (
        f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\nconnection: close\r\ncontent-length: 0\r\n"
    )
    with http_receiver(pipeline := Pipeline()) as (_, address), dialled(address) as sock:
        raw = head.encode() + GOOD
        for start in range(0, len(raw), 40):  # in pieces, as a slow network brings them
            sock.sendall(raw[start : start + 40])
        wait_until(lambda: pipeline.taken, "the upgraded request")
        sock.sendall(plain.encode() + b"\r\n")
        answers = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert pipeline.taken == [(Signal.TRACES, GOOD), (Signal.TRACES, b"")]


REJECTED = {Signal.TRACES: "rejectedSpans", Signal.LOGS: "rejectedLogRecords", Signal.METRICS: "rejectedDataPoints"}


def test_rejected_items_are_a_partial_success() -> None:
    """The answer is 200 and tells how many items were rejected and why, in either encoding."""
    with http_receiver(Pipeline(lambda: Receipt(3, "three ids are zero"))) as (_, address):
        for signal in Signal:
            answer = request(address, sample(signal), signal.http_path)
            assert answer.code == 200
            message: Any = signal.response_type.FromString(answer.body)
            assert getattr(message.partial_success, REJECTED_FIELD[signal]) == 3
            assert message.partial_success.error_message == "three ids are zero"
            answer = request(address, to_json_line(signal, sample(signal)), signal.http_path, kind=JSON)
            partial = {REJECTED[signal]: "3", "errorMessage": "three ids are zero"}
            assert (answer.code, json.loads(answer.body)) == (200, {"partialSuccess": partial})


GZIP = {"headers": {"content-encoding": "gzip"}}
BAD: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "malformed": ({"body": b"\x0a\xff\xff"}, 400, "not an Export request", "invalid"),
    "truncated": ({"body": GOOD[:-3]}, 400, "not an Export request", "invalid"),
    "empty JSON": ({"body": b"", "kind": JSON}, 400, "line 1, column 1", "invalid"),
    "truncated JSON": ({"body": GOOD_JSON[:-9], "kind": JSON}, 400, "OTLP JSON", "invalid"),
    "wrong JSON": ({"body": b'{"resourceSpans":7}', "kind": JSON}, 400, "resourceSpans: must be an array", "invalid"),
    "not gzip": ({"body": GOOD, **GZIP}, 400, "damaged", "invalid"),
    "cut gzip": ({"body": gzip.compress(GOOD)[:-9], **GZIP}, 400, "cut off", "invalid"),
    "no gzip at all": ({"body": b"", **GZIP}, 400, "cut off", "invalid"),
    "bomb": ({"body": gzip.compress(b"\0" * (64 * LIMIT)), **GZIP}, 413, "fewer items", "too_large"),
    "JSON bomb": ({"body": gzip.compress(b" " * (64 * LIMIT)), "kind": JSON, **GZIP}, 413, "fewer", "too_large"),
    "oversized": ({"body": b"\0" * (8 * LIMIT)}, 413, f"{8 * LIMIT} bytes, the limit is {LIMIT}", "too_large"),
    "oversized, chunked": ({"body": [b"\0" * LIMIT] * 8}, 413, f"the limit is {LIMIT}", "too_large"),
    "another type": ({"body": GOOD, "kind": "text/plain"}, 415, "Content-Type must be", "not_otlp"),
    "another encoding": (
        {"body": GOOD, "headers": {"content-encoding": "br"}},
        415,
        "Content-Encoding must be",
        "not_otlp",
    ),
    "another path": ({"body": GOOD, "path": "/v1/profiles"}, 404, "/v1/traces, /v1/logs, /v1/metrics", "not_otlp"),
    "another method": ({"method": "GET"}, 405, "POST", "not_otlp"),
}


@pytest.fixture(scope="module")
def limited() -> Iterator[tuple[Pipeline, HttpReceiver, str]]:
    """One receiver for all bad requests, with a limit of 1 MiB."""
    with http_receiver(pipeline := Pipeline(), ReceiveLimits(max_request_bytes=LIMIT)) as (receiver, address):
        yield pipeline, receiver, address


@pytest.mark.parametrize("what", BAD)
def test_bad_requests_are_refused_and_good_ones_go_on(what: str, limited: tuple[Pipeline, HttpReceiver, str]) -> None:
    """A bad request gets its status code and a google.rpc.Status that says what is wrong; the next one is taken."""
    sent, code, message, outcome = BAD[what]
    pipeline, receiver, address = limited
    pipeline.taken.clear()
    before = Counter(receiver.outcomes)
    answer = request(address, **sent)
    assert answer.code == code
    assert message in answer.status.message
    assert answer.status.code == (RESOURCE_EXHAUSTED if code == 413 else INVALID_ARGUMENT)
    assert not answer.status.details
    assert "retry-after" not in answer.headers
    assert answer.headers["content-type"] == (PROTOBUF if sent.get("kind", PROTOBUF) == PROTOBUF else JSON)
    assert request(address, GOOD).code == 200
    assert Counter(receiver.outcomes) - before == {outcome: 1, "taken": 1}
    assert pipeline.taken == [(Signal.TRACES, GOOD)]


@pytest.mark.parametrize(
    ("sent", "header", "value"),
    [
        ({"method": "DELETE"}, "allow", "POST"),
        ({"body": b"", "kind": "text/plain"}, "accept", PROTOBUF),
        ({"body": b"", "headers": {"content-encoding": "zstd"}}, "accept-encoding", "gzip, identity"),
    ],
)
def test_a_refusal_says_what_would_be_taken(
    sent: dict[str, Any], header: str, value: str, limited: tuple[Pipeline, HttpReceiver, str]
) -> None:
    """405 and 415 carry the header that names what is allowed, as HTTP asks."""
    assert request(limited[2], **sent).headers[header] == value


def test_an_announced_giant_is_refused_before_it_is_sent() -> None:
    """A sender that asks first (Expect: 100-continue) hears of the limit without sending its body."""
    head = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\nexpect: 100-continue\r\n"
    with http_receiver(Pipeline()) as (_, address), dialled(address) as sock:
        sock.sendall(f"{head}content-length: {1 << 40}\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


AGAIN: list[tuple[ReceiveError, int, str, float]] = [
    (Overloaded("the journal is full", 2.5), 429, "3", 2.5),
    (Overloaded("for a moment", 0.1), 429, "1", 0.1),
    (ShuttingDown("draining"), 503, "5", 5.0),
]


def test_what_may_be_sent_again() -> None:
    """A full or draining pipeline is 429 or 503 with Retry-After in whole seconds, and RetryInfo in the body."""
    with http_receiver(pipeline := Pipeline()) as (_, address):
        for (error, code, header, delay), (body, kind) in product(AGAIN, ((GOOD, PROTOBUF), (GOOD_JSON, JSON))):
            pipeline.answer = raising(error)
            answer = request(address, body, kind=kind)
            assert (answer.code, answer.headers["retry-after"], answer.status.message) == (code, header, str(error))
            info = RetryInfo()
            assert answer.status.details[0].Unpack(info)
            assert info.retry_delay.ToNanoseconds() == delay * 1e9


def test_a_fault_of_ours_is_internal(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is 500; neither sender nor log sees its text, which may hold telemetry."""
    caplog.set_level(logging.DEBUG)
    with http_receiver(Pipeline(raising(RuntimeError("card 4111111111111111")))) as (receiver, address):
        answer = request(address, GOOD)
        assert receiver.outcomes == {"internal": 1}
    assert answer.code == 500
    assert "log of the processor" in answer.status.message
    assert "RuntimeError" in caplog.text
    assert "4111" not in answer.status.message + caplog.text


def test_a_wrong_token_is_401(caplog: pytest.LogCaptureFixture) -> None:
    """Without the token nothing is taken, and no message or log line repeats what was sent or wanted."""
    caplog.set_level(logging.DEBUG)
    wrong = [
        {},
        *({"authorization": text} for text in ("Bearer wrong", "Bearer", "Basic the-token", "Bearer the-token2")),
    ]
    with http_receiver(pipeline := Pipeline(), ReceiveLimits(bearer_token="the-token")) as (receiver, address):
        for headers in wrong:
            answer = request(address, GOOD, headers=headers)
            assert (answer.code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "the-token" not in answer.status.message
        assert request(address, GOOD, headers={"authorization": "bearer the-token"}).code == 200
        assert receiver.outcomes == {"unauthenticated": len(wrong), "taken": 1}
    assert len(pipeline.taken) == 1
    assert "the-token" not in caplog.text


def test_what_is_not_http_is_400() -> None:
    """TLS, HTTP/2 and rubbish on a plain HTTP port are answered 400, and others are served."""
    with http_receiver(pipeline := Pipeline()) as (_, address):
        for junk in (b"\x16\x03\x01\x02\0\x01\0\0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n"):
            assert talk(address, junk).startswith(b"HTTP/1.1 400 ")
        assert request(address, GOOD).code == 200
    assert len(pipeline.taken) == 1
