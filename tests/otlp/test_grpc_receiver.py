"""OTLP/gRPC in: what is taken, and how everything else is refused while good requests go on."""

from __future__ import annotations

import gzip
import logging

import grpc
import pytest
from tests.otlp.clients import (
    PROTOBUF,
    TIMEOUT_S,
    channel,
    dialled,
    export,
    http2_request,
    refusal,
    refusal_of,
    talk,
)
from tests.otlp.parts import Pipeline, grpc_receiver, raising, sample
from tests.support.collector_tools import wait_until

from errorplane.otlp import InvalidRequest, Overloaded, Receipt, ReceiveLimits, ShuttingDown, Signal
from errorplane.otlp._responses import REJECTED_FIELD

GOOD = sample(Signal.TRACES)
LIMIT = 1 << 20


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_raw_bytes_reach_the_pipeline(signal: Signal, compression: grpc.Compression | None) -> None:
    """Each signal arrives as exactly the bytes that were sent, decompressed if need be."""
    body = sample(signal)
    with grpc_receiver(pipeline := Pipeline()) as (receiver, address):
        assert export(address, body, signal, compression=compression) == signal.response_type()
        assert receiver.outcomes == {"taken": 1}
    assert pipeline.taken == [(signal, body)]


def test_an_empty_request_is_taken() -> None:
    """A message of no bytes is a valid request of no items."""
    with grpc_receiver(pipeline := Pipeline()) as (_, address):
        export(address, b"")
    assert pipeline.taken == [(Signal.TRACES, b"")]


@pytest.mark.parametrize("signal", Signal)
def test_rejected_items_are_a_partial_success(signal: Signal) -> None:
    """The call succeeds, and the response tells how many items were rejected and why."""
    with grpc_receiver(Pipeline(lambda: Receipt(3, "three ids are zero"))) as (_, address):
        partial = export(address, sample(signal), signal).partial_success
    assert getattr(partial, REJECTED_FIELD[signal]) == 3
    assert partial.error_message == "three ids are zero"


def test_a_warning_alone_is_a_partial_success_of_zero() -> None:
    """A message without rejected items is passed on as the specification's warning."""
    with grpc_receiver(Pipeline(lambda: Receipt(0, "old names"))) as (_, address):
        partial = export(address, GOOD).partial_success
    assert (partial.rejected_spans, partial.error_message) == (0, "old names")


BAD: dict[str, tuple[bytes, grpc.StatusCode, str, str]] = {
    "malformed": (b"\x0a\xff\xff", grpc.StatusCode.INVALID_ARGUMENT, "not an Export request", "invalid"),
    "truncated": (GOOD[:-3], grpc.StatusCode.INVALID_ARGUMENT, "not an Export request", "invalid"),
    "damaged gzip": (gzip.compress(GOOD)[:-8] + b"x" * 8, grpc.StatusCode.INVALID_ARGUMENT, "damaged", "invalid"),
    "cut gzip": (gzip.compress(GOOD)[:-9], grpc.StatusCode.INVALID_ARGUMENT, "cut off", "invalid"),
    "bomb": (gzip.compress(b"\0" * (64 * LIMIT)), grpc.StatusCode.RESOURCE_EXHAUSTED, "fewer items", "too_large"),
    "oversized": (b"\0" * (LIMIT + 1), grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max", "not_received"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_requests_are_refused_and_good_ones_go_on(what: str) -> None:
    """A bad request gets its code and a clear message, without a hint to retry; its connection stays usable."""
    body, code, message, outcome = BAD[what]
    with (
        grpc_receiver(pipeline := Pipeline(), ReceiveLimits(max_request_bytes=LIMIT)) as (receiver, address),
        channel(address) as opened,
    ):
        call = opened.unary_unary(Signal.TRACES.grpc_method, None, None)
        with pytest.raises(grpc.RpcError) as caught:
            call(body, timeout=TIMEOUT_S)
        refused = refusal_of(caught.value)
        assert (refused.code, refused.retry_after) == (code, None)
        assert message in refused.message
        call(GOOD, timeout=TIMEOUT_S)
        wait_until(lambda: receiver.outcomes == {outcome: 1, "taken": 1}, "both outcomes")
    assert pipeline.taken == [(Signal.TRACES, GOOD)]


def test_a_bomb_in_grpcs_own_compression_is_refused() -> None:
    """A message that gRPC itself compressed is not decompressed before its size is bounded."""
    with grpc_receiver(pipeline := Pipeline(), ReceiveLimits(max_request_bytes=LIMIT)) as (receiver, address):
        refused = refusal(address, b"\0" * (64 * LIMIT), compression=grpc.Compression.Gzip)
        assert (refused.code, refused.retry_after) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)
        assert "after decompression: send fewer items" in refused.message
        assert receiver.outcomes == {"too_large": 1}
    assert not pipeline.taken


def test_a_request_of_exactly_the_limit_is_taken() -> None:
    """The limit itself passes, before and after decompression."""
    many = 50 * GOOD  # requests that follow one another are one request
    with grpc_receiver(pipeline := Pipeline(), ReceiveLimits(max_request_bytes=len(many))) as (_, address):
        export(address, many)
        export(address, gzip.compress(many))
        assert refusal(address, gzip.compress(many + b"\n\0")).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(pipeline.taken) == 2


@pytest.mark.parametrize(
    ("error", "code", "retry_after"),
    [
        (Overloaded("the journal is full", 2.5), grpc.StatusCode.RESOURCE_EXHAUSTED, 2.5),
        (ShuttingDown("draining"), grpc.StatusCode.UNAVAILABLE, 5.0),
        (InvalidRequest("draining"), grpc.StatusCode.INVALID_ARGUMENT, None),
    ],
)
def test_refusals_of_the_pipeline(error: Exception, code: grpc.StatusCode, retry_after: float | None) -> None:
    """What may be sent again carries RetryInfo, what may not carries none."""
    with grpc_receiver(Pipeline(raising(error))) as (_, address):
        refused = refusal(address, GOOD)
    assert (refused.code, refused.message, refused.retry_after) == (code, str(error), retry_after)


def test_a_fault_of_ours_is_internal(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is INTERNAL; neither sender nor log sees its text, which may hold telemetry."""
    caplog.set_level(logging.DEBUG)
    with grpc_receiver(Pipeline(raising(RuntimeError("card 4111111111111111")))) as (receiver, address):
        refused = refusal(address, GOOD)
        assert receiver.outcomes == {"internal": 1}
    assert refused.code is grpc.StatusCode.INTERNAL
    assert "log of the processor" in refused.message
    assert "RuntimeError" in caplog.text
    assert "4111" not in refused.message + caplog.text


def test_a_call_without_a_message_is_refused() -> None:
    """A stream that ends before any message is not mistaken for an empty request."""
    with grpc_receiver(pipeline := Pipeline()) as (receiver, address), channel(address) as opened:
        call = opened.stream_unary(Signal.TRACES.grpc_method, None, None)
        with pytest.raises(grpc.RpcError) as caught:
            call(iter(()), timeout=TIMEOUT_S)
        assert refusal_of(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
        assert receiver.outcomes == {"not_received": 1}
    assert not pipeline.taken


def test_a_message_that_ends_early_is_not_taken() -> None:
    """A message of fewer bytes than its length says never reaches the pipeline, and others do."""
    announced = b"\0" + (len(GOOD) + 5).to_bytes(4, "big") + GOOD
    with grpc_receiver(pipeline := Pipeline()) as (receiver, address), dialled(address) as sock:
        sock.sendall(http2_request(Signal.TRACES.grpc_method, announced, end=True))
        wait_until(lambda: receiver.outcomes == {"not_received": 1}, "the end of the call")
        export(address, GOOD)
    assert len(pipeline.taken) == 1


PROFILES = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"


@pytest.mark.parametrize(
    ("method", "compression"), [(PROFILES, None), (Signal.TRACES.grpc_method, grpc.Compression.Deflate)]
)
def test_what_is_not_served_is_unimplemented(method: str, compression: grpc.Compression | None) -> None:
    """An unknown service and an unknown compression are UNIMPLEMENTED, as gRPC says."""
    with grpc_receiver(pipeline := Pipeline()) as (_, address), channel(address) as opened:
        call = opened.unary_unary(method, None, None)
        with pytest.raises(grpc.RpcError) as caught:
            call(GOOD * 50, timeout=TIMEOUT_S, compression=compression)
        assert refusal_of(caught.value).code is grpc.StatusCode.UNIMPLEMENTED
    assert not pipeline.taken


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Bearer", "Basic the-token", "the-token", "Bearer the-token2"]
)
def test_a_wrong_token_is_unauthenticated(authorization: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """Without the token nothing is taken, and no message or log line repeats what was sent or wanted."""
    caplog.set_level(logging.DEBUG)
    metadata = () if authorization is None else (("authorization", authorization),)
    with grpc_receiver(pipeline := Pipeline(), ReceiveLimits(bearer_token="the-token")) as (receiver, address):
        refused = refusal(address, GOOD, metadata=metadata)
        assert refused.code is grpc.StatusCode.UNAUTHENTICATED
        assert "authorization: Bearer <token>" in refused.message
        export(address, GOOD, metadata=(("authorization", "bearer the-token"),))
        assert receiver.outcomes == {"unauthenticated": 1, "taken": 1}
    assert len(pipeline.taken) == 1
    assert "the-token" not in refused.message + caplog.text + repr(ReceiveLimits(bearer_token="the-token"))


def test_plain_http_is_not_taken_for_grpc() -> None:
    """A client that speaks HTTP/1.1 is turned away, and gRPC clients are served."""
    with grpc_receiver(pipeline := Pipeline()) as (_, address):
        talk(address, f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\n\r\n".encode())
        export(address, GOOD)
    assert len(pipeline.taken) == 1
