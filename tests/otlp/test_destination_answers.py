"""What destinations make of the answers of any server: the OTLP specification's rules of retrying, code by code."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import DebugInfo, RetryInfo  # type: ignore[import-untyped]  # it has no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # it has no stubs
from tests.otlp.parts import sample
from tests.otlp.servers import Script, grpc_server, http_server

from errorplane.otlp import GrpcDestination, HttpDestination, Receipt, Refused, RetryLater, SendError, Signal

GOOD = 50 * sample(Signal.TRACES)  # requests that follow one another are one; gRPC compresses where that saves bytes
SECRET = "s3cr3t-t0ken"
HEADERS = {"authorization": f"Bearer {SECRET}"}
PROTOBUF = "application/x-protobuf"
RETRYABLE, PAYLOAD, CONFIGURATION = "retryable", "the payload is at fault", "the configuration is at fault"
NOW = 1_790_000_000.0


def over_grpc(endpoint: str, compression: str = "gzip") -> Receipt:
    """One send with a destination of its own."""
    destination = GrpcDestination("next", endpoint, headers=HEADERS, compression=compression)
    try:
        return destination.send(Signal.TRACES, "audit", GOOD, 1)
    finally:
        destination.close()


def over_http(endpoint: str, compression: str = "gzip") -> Receipt:
    """One send with a destination of its own, at ``NOW``."""
    destination = HttpDestination("next", endpoint, headers=HEADERS, compression=compression, clock=lambda: NOW)
    try:
        return destination.send(Signal.TRACES, "audit", GOOD, 1)
    finally:
        destination.close()


def meaning(error: SendError) -> str:
    """What the sender will do about it."""
    if isinstance(error, RetryLater):
        return RETRYABLE
    assert isinstance(error, Refused)
    return PAYLOAD if error.payload_at_fault else CONFIGURATION


def details(*messages: RetryInfo | DebugInfo) -> bytes:
    """A google.rpc.Status with details."""
    status = Status()
    for message in messages:
        status.details.add().Pack(message)
    return bytes(status.SerializeToString())


IN_TWO_SECONDS = RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))
GRPC_CODES = {
    **dict.fromkeys(grpc.StatusCode, PAYLOAD),
    **dict.fromkeys(
        (
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED,
            grpc.StatusCode.ABORTED,
            grpc.StatusCode.OUT_OF_RANGE,
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DATA_LOSS,
        ),
        RETRYABLE,
    ),
    **dict.fromkeys(
        (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED),
        CONFIGURATION,
    ),
}
del GRPC_CODES[grpc.StatusCode.OK]


@pytest.mark.parametrize("code", GRPC_CODES, ids=lambda code: code.name)
def test_grpc_codes(code: grpc.StatusCode) -> None:
    """Each gRPC code is retryable or not as the specification says; the message names the code and the reason."""
    with grpc_server(code) as endpoint, pytest.raises(SendError) as caught:
        over_grpc(endpoint)
    assert meaning(caught.value) == GRPC_CODES[code]
    assert f"{endpoint} answered {code.name}: because" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "sent", "delay"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, details(IN_TWO_SECONDS), 2.5),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, details(DebugInfo(detail="x"), IN_TWO_SECONDS), 2.5),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, details(RetryInfo()), 0.0),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, details(RetryInfo(retry_delay=Duration(seconds=-9))), 0.0),
        (grpc.StatusCode.UNAVAILABLE, details(IN_TWO_SECONDS), 2.5),
        (grpc.StatusCode.UNAVAILABLE, details(DebugInfo(detail="x")), None),
        (grpc.StatusCode.UNAVAILABLE, b"\xff", None),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, details(DebugInfo(detail="x")), PAYLOAD),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, b"\xff", PAYLOAD),
        (grpc.StatusCode.INVALID_ARGUMENT, details(IN_TWO_SECONDS), PAYLOAD),
    ],
)
def test_retry_info(code: grpc.StatusCode, sent: bytes, delay: float | str | None) -> None:
    """RetryInfo says when to come back, and alone makes RESOURCE_EXHAUSTED retryable."""
    with grpc_server(code, details=sent) as endpoint, pytest.raises(SendError) as caught:
        over_grpc(endpoint)
    assert (caught.value.retry_after if isinstance(caught.value, RetryLater) else meaning(caught.value)) == delay


HTTP_CODES = {
    **dict.fromkeys((400, 402, 408, 409, 410, 411, 413, 414, 422, 431, 500, 501, 505, 507, 599), PAYLOAD),
    **dict.fromkeys((429, 502, 503, 504), RETRYABLE),
    **dict.fromkeys((301, 302, 307, 308, 401, 403, 404, 405, 407, 415), CONFIGURATION),
}


def test_http_codes() -> None:
    """Each HTTP status is retryable or not as the specification says; a redirection is not followed."""
    with http_server(script := Script(headers={"location": "/elsewhere"}, body=b"because")) as endpoint:
        for code, expected in HTTP_CODES.items():
            script.code = code
            with pytest.raises(SendError) as caught:
                over_http(endpoint)
            assert (code, meaning(caught.value)) == (code, expected)
            assert f"{endpoint} answered {code}: because" in str(caught.value)
    assert len(script.heard) == len(HTTP_CODES)


def test_retry_after() -> None:
    """Retry-After is a number of seconds or a date; whatever else it holds is no hint."""
    date = format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)
    past = format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)
    hints = {"7": 7.0, "0": 0.0, date: 90.0, past: 0.0, "soon": None, "-1": None, "": None, "1.5": None, "٣": None}
    with http_server(script := Script(503)) as endpoint:
        for hint, delay in hints.items():
            script.headers = {"retry-after": hint.encode().decode("latin-1")}
            with pytest.raises(RetryLater) as caught:
                over_http(endpoint)
            assert (hint, caught.value.retry_after) == (hint, delay)
        script.headers = {}
        with pytest.raises(RetryLater) as caught:
            over_http(endpoint)
        assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("headers", "body", "shown"),
    [
        ({"content-type": PROTOBUF}, Status(message="no\nroom").SerializeToString(), "no room"),
        ({"content-type": f"{PROTOBUF}; charset=x"}, Status(message="no room").SerializeToString(), "no room"),
        ({"content-type": PROTOBUF}, b"\xff\xff", "no readable message"),
        ({"content-type": PROTOBUF}, b"", "no message"),
        ({"content-type": "application/json"}, b'{"code":3,"message":"no room"}', '{"code":3,"message":"no room"}'),
        ({"content-type": "text/html"}, b"<p>\x1b[31mno\0room\xff", "<p> [31mno room\ufffd"),
        ({}, b"", "Bad Request"),
        ({}, b"x" * 100_000, "x" * 500 + "..."),
        ({}, f"who is Bearer {SECRET}?".encode(), "who is [hidden]?"),
        ({"content-type": PROTOBUF}, Status(message=f"{SECRET} is unknown").SerializeToString(), "[hidden] is unknown"),
    ],
)
def test_http_messages(headers: Mapping[str, str], body: bytes, shown: str) -> None:
    """The server's reason is shown in one printable, bounded line, without the credentials that it may repeat."""
    with http_server(Script(400, headers, body)) as endpoint, pytest.raises(Refused) as caught:
        over_http(endpoint)
    assert str(caught.value) == f"{endpoint} answered 400: {shown}"


def test_grpc_messages() -> None:
    """The same holds for gRPC's messages."""
    said = f"who is\n{SECRET}? " + "x" * 1000
    with grpc_server(grpc.StatusCode.UNAVAILABLE, said) as endpoint, pytest.raises(RetryLater) as caught:
        over_grpc(endpoint)
    assert "answered UNAVAILABLE: who is [hidden]? xxx" in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("headers", "body", "receipt"),
    [
        ({"content-type": PROTOBUF}, b"\x0a\x04\x08\x02\x12\0", Receipt(2)),
        ({"content-type": PROTOBUF.upper()}, b"\x0a\x02\x08\x02", Receipt(2)),
        ({"content-type": PROTOBUF}, b"\xff", Receipt()),
        ({"content-type": "text/plain"}, b"\x0a\x02\x08\x02", Receipt()),
        ({}, b"", Receipt()),
    ],
)
def test_http_success(headers: Mapping[str, str], body: bytes, receipt: Receipt) -> None:
    """A success is a success, whatever its body is; a readable partial success is reported."""
    with http_server(script := Script(200, headers, body)) as endpoint:
        assert over_http(endpoint) == receipt
        script.code = 202
        assert over_http(endpoint) == receipt


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [(b"\x0a\x02\x08\x02", Receipt(2)), (b"\xff", Receipt()), (b"\x12\xc0\x84\x3d" + b"x" * 10**6, Receipt())],
)
def test_grpc_success(answer: bytes, receipt: Receipt) -> None:
    """A success is a success, whatever its message is and however long; nothing that was taken is sent again."""
    with grpc_server(grpc.StatusCode.OK, answer=answer) as endpoint:
        assert over_grpc(endpoint) == receipt


def test_an_endless_body_ends() -> None:
    """Of an answer that never ends a part is read; what it says holds."""
    with http_server(Script(503, {"content-length": str(1 << 40)}, b"busy " * 100_000)) as endpoint:
        began = time.monotonic()
        with pytest.raises(RetryLater, match="busy busy"):
            over_http(endpoint)
        assert time.monotonic() - began < 5


def test_what_is_on_the_wire() -> None:
    """Requests are gzip, or not, as configured, with the path of the signal, the headers and who sends them."""
    with http_server(script := Script()) as endpoint:
        over_http(endpoint + "/base/")
        over_http(endpoint, compression="none")
    (packed_path, packed_headers, packed), (plain_path, plain_headers, plain) = script.heard
    assert (packed_path, plain_path) == ("/base/v1/traces", "/v1/traces")
    assert (gzip.decompress(packed), plain) == (GOOD, GOOD)
    assert packed_headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain_headers
    for headers in (packed_headers, plain_headers):
        assert (headers["content-type"], headers["user-agent"]) == (PROTOBUF, "errorplane")
        assert headers["authorization"] == f"Bearer {SECRET}"
    heard: list[bytes] = []
    with grpc_server(grpc.StatusCode.OK, heard=heard) as endpoint:
        over_grpc(endpoint)
        over_grpc(endpoint, compression="none")
    assert (gzip.decompress(heard[0]), heard[1]) == (GOOD, GOOD)
