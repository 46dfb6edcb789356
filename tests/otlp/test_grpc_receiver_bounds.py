"""OTLP/gRPC in: bounds on time, calls, memory and connections, and the end of a receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.otlp.clients import (
    TIMEOUT_S,
    GrpcRefusal,
    channel,
    dialled,
    export,
    http2_request,
    read_all,
    refusal,
    refusal_of,
)
from tests.otlp.parts import Gate, Pipeline, grpc_receiver, sample
from tests.support.collector_tools import wait_until

from errorplane.otlp import GrpcReceiver, ListenError, ReceiveLimits, Signal

GOOD = sample(Signal.TRACES)
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class Silent:
    """Calls that are open and never send their message."""

    def __init__(self, address: str) -> None:
        self._channel = channel(address)
        self._call = self._channel.stream_unary(Signal.TRACES.grpc_method, None, None)
        self._end = threading.Event()
        self._open: list[Any] = []  # a call that nobody refers to is cancelled

    def open(self) -> Any:
        """One more call; its ``exception`` waits for its end."""
        self._open.append(self._call.future(self._messages(), timeout=TIMEOUT_S))
        return self._open[-1]

    def close(self) -> None:
        """End them all."""
        self._end.set()
        self._channel.close()

    def _messages(self) -> Iterator[bytes]:
        self._end.wait(TIMEOUT_S)
        yield from ()


def test_a_sender_that_never_sends_is_cancelled() -> None:
    """A call whose message does not come in time ends as CANCELLED, which is retryable, and others are served."""
    with grpc_receiver(pipeline := Pipeline(), read_timeout_s=0.2) as (receiver, address):
        silent = Silent(address)
        error = silent.open().exception(TIMEOUT_S)
        assert refusal_of(error).code is grpc.StatusCode.CANCELLED
        export(address, GOOD)
        assert receiver.outcomes == {"not_received": 1, "taken": 1}
        silent.close()
    assert len(pipeline.taken) == 1


def test_a_message_that_stops_half_way_is_given_up() -> None:
    """A sender that stalls in the middle of its message does not hold its place for ever."""
    half = b"\0" + len(GOOD).to_bytes(4, "big") + GOOD[:5]
    with grpc_receiver(Pipeline(), read_timeout_s=0.2) as (receiver, address), dialled(address) as sock:
        sock.sendall(http2_request(Signal.TRACES.grpc_method, half, end=False))
        wait_until(lambda: receiver.outcomes == {"not_received": 1}, "the end of the call")


def test_requests_beyond_the_limit_are_told_to_come_back() -> None:
    """When as many requests as allowed are being stored, the next is RESOURCE_EXHAUSTED with RetryInfo."""
    gate = Gate()
    with (
        grpc_receiver(pipeline := Pipeline(gate), ReceiveLimits(max_concurrent=2)) as (receiver, address),
        ThreadPoolExecutor(2) as pool,
    ):
        stored = [pool.submit(export, address, GOOD) for _ in range(2)]
        for _ in stored:
            assert gate.entered.acquire(timeout=TIMEOUT_S)
        refused = refusal(address, GOOD)
        assert (refused.code, refused.retry_after) == (EXHAUSTED, 1.0)
        assert "2 requests are being stored" in refused.message
        gate.opened.set()
        for each in stored:
            each.result(TIMEOUT_S)
        export(address, GOOD)
        assert receiver.outcomes == {"overloaded": 1, "taken": 3}
    assert len(pipeline.taken) == 3


def test_open_calls_are_bounded() -> None:
    """Calls that only wait for their message have places of their own; beyond them a call is told to come back."""
    with grpc_receiver(Pipeline(), ReceiveLimits(max_concurrent=1)) as (receiver, address):
        silent = Silent(address)
        for _ in range(4):
            silent.open()
        refused = wait_until(lambda: _refused(address), "four open calls")
        assert (refused.code, refused.retry_after) == (EXHAUSTED, 1.0)
        assert "4 calls are open" in refused.message
        silent.close()
        wait_until(lambda: not _refused(address), "the end of the calls")
        assert receiver.outcomes["overloaded"] >= 1


def test_memory_is_bounded_over_all_requests() -> None:
    """A request that does not fit beside those being stored is told to come back; alone it fits."""
    gate = Gate()
    limits = ReceiveLimits(max_held_bytes=len(GOOD))
    with grpc_receiver(Pipeline(gate), limits) as (_, address), ThreadPoolExecutor(1) as pool:
        first = pool.submit(export, address, GOOD)
        assert gate.entered.acquire(timeout=TIMEOUT_S)
        refused = refusal(address, GOOD)
        assert (refused.code, refused.retry_after) == (EXHAUSTED, 1.0)
        gate.opened.set()
        first.result(TIMEOUT_S)
        export(address, 3 * GOOD)


def test_a_connection_that_says_nothing_is_closed() -> None:
    """A connection that does not begin HTTP/2 is closed after the time for it."""
    with grpc_receiver(Pipeline(), handshake_timeout_s=0.3) as (_, address), dialled(address) as sock:
        read_all(sock)
        export(address, GOOD)


def test_connections_are_bounded() -> None:
    """Beyond the limit a connection is closed at once; when others have ended there is room again."""
    with grpc_receiver(pipeline := Pipeline(), max_connections=2) as (_, address):
        with ExitStack() as stack:
            for _ in range(2):
                opened = stack.enter_context(channel(address))
                opened.unary_unary(Signal.TRACES.grpc_method, None, None)(GOOD, timeout=TIMEOUT_S)
            assert refusal(address, GOOD).code is grpc.StatusCode.UNAVAILABLE
        wait_until(lambda: not _refused(address), "room")
    assert len(pipeline.taken) == 3


def _refused(address: str) -> GrpcRefusal | None:
    """How a good request is refused; None if it is taken."""
    try:
        export(address, GOOD)
    except grpc.RpcError as error:
        return refusal_of(error)
    return None


def test_stopping_finishes_what_is_under_way() -> None:
    """A request that is being stored when the receiver stops is answered; a new one finds nobody."""
    gate = Gate()
    with grpc_receiver(pipeline := Pipeline(gate)) as (receiver, address), ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(export, address, GOOD)
        assert gate.entered.acquire(timeout=TIMEOUT_S)
        stopping = pool.submit(receiver.stop, TIMEOUT_S)
        wait_until(lambda: refusal(address, GOOD).code is grpc.StatusCode.UNAVAILABLE, "the end of listening")
        assert not stopping.done()
        gate.opened.set()
        under_way.result(TIMEOUT_S)
        stopping.result(TIMEOUT_S)
    assert len(pipeline.taken) == 1


def test_stopping_does_not_wait_for_ever() -> None:
    """A request that outlasts the grace fails as a retryable error, and the receiver is stopped in time."""
    gate = Gate()
    with grpc_receiver(Pipeline(gate)) as (receiver, address), ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(refusal, address, GOOD)
        assert gate.entered.acquire(timeout=TIMEOUT_S)
        began = time.monotonic()
        receiver.stop(0.3)
        assert time.monotonic() - began < 5
        assert under_way.result(TIMEOUT_S).code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        gate.opened.set()


def test_health_follows_the_pipeline() -> None:
    """Health is SERVING while the pipeline is ready; who watches hears of each change and of the end, at once."""
    ready = threading.Event()
    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    with grpc_receiver(Pipeline(), ready=ready.is_set) as (receiver, address), channel(address) as opened:
        stub = health_pb2_grpc.HealthStub(opened)
        told = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=30)
        assert next(told).status == not_serving
        ready.set()
        assert next(told).status == serving
        for name in ("", service):
            assert stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_S).status == serving
        with pytest.raises(grpc.RpcError) as unknown:
            stub.Check(health_pb2.HealthCheckRequest(service="shop"), timeout=TIMEOUT_S)
        assert refusal_of(unknown.value).code is grpc.StatusCode.NOT_FOUND
        began = time.monotonic()
        receiver.stop(20)
        assert time.monotonic() - began < 5
        assert [each.status for each in told] == [not_serving]


def test_health_answers_while_all_places_are_taken() -> None:
    """A probe is answered although every call that may be open is."""
    with grpc_receiver(Pipeline(), ReceiveLimits(max_concurrent=1)) as (_, address), channel(address) as opened:
        silent = Silent(address)
        for _ in range(4):
            silent.open()
        wait_until(lambda: _refused(address), "four open calls")
        answer = health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S / 2)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        silent.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:", ":4317", "127.0.0.1:port", "127.0.0.1:65536"])
def test_a_wrong_address_says_what_to_write(address: str) -> None:
    """An address that is not one is refused with the form that it should have."""
    receiver = GrpcReceiver(address, Pipeline())
    with pytest.raises(ListenError, match=r"write host:port, such as 127\.0\.0\.1:4317"):
        receiver.start()


def test_a_port_in_use_is_refused() -> None:
    """Two receivers never share a port without knowing."""
    with grpc_receiver(Pipeline()) as (_, address):
        second = GrpcReceiver(address, Pipeline())
        with pytest.raises(ListenError, match=f"cannot listen on {address}"):
            second.start()
