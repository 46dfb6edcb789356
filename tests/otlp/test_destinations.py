"""OTLP out to a real receiver, over gRPC and over HTTP: what arrives, and what is understood of the answer."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from tests.otlp.parts import Certificates, Gate, Pipeline, grpc_receiver, http_receiver, raising, sample
from tests.support.collector_tools import free_port

from errorplane.otlp import (
    ClientTls,
    GrpcDestination,
    GrpcReceiver,
    HttpDestination,
    HttpReceiver,
    InvalidRequest,
    Overloaded,
    Receipt,
    ReceiveLimits,
    Refused,
    RetryLater,
    SendError,
    ShuttingDown,
    Signal,
    TlsFiles,
)

GOOD = sample(Signal.TRACES)
TOKEN = "only-the-two-of-us-know"
Destination = GrpcDestination | HttpDestination
both = pytest.mark.parametrize("protocol", ["grpc", "http"])


@contextmanager
def receiver(
    protocol: str, pipeline: Pipeline, limits: ReceiveLimits | None = None, tls: TlsFiles | None = None
) -> Iterator[str]:
    """A running receiver; yields its endpoint."""
    with (grpc_receiver if protocol == "grpc" else http_receiver)(pipeline, limits, tls) as (_, address):
        yield f"{'http' if tls is None else 'https'}://{address}"


@contextmanager
def destination(protocol: str, endpoint: str, **more: Any) -> Iterator[Destination]:
    """A destination of that endpoint."""
    made = (GrpcDestination if protocol == "grpc" else HttpDestination)("next", endpoint, **more)
    try:
        yield made
    finally:
        made.close()


def failure(to: Destination, payload: bytes = GOOD) -> SendError:
    """The error of a send that must fail."""
    with pytest.raises(SendError) as caught:
        to.send(Signal.TRACES, "audit", payload, 1)
    return caught.value


@both
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_each_signal_arrives(protocol: str, compression: str) -> None:
    """The receiver gets exactly the bytes that were sent, compressed on the way if so configured."""
    payloads = [(signal, sample(signal)) for signal in Signal]
    with (
        receiver(protocol, pipeline := Pipeline()) as endpoint,
        destination(protocol, endpoint, compression=compression) as to,
    ):
        for signal, payload in payloads:
            assert to.send(signal, "audit", payload, 1) == Receipt()
    assert pipeline.taken == payloads


@both
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_payload_that_is_too_large_is_at_fault(protocol: str, compression: str) -> None:
    """What the receiver's limit does not let in is refused for good, so that the sender divides it."""
    limits = ReceiveLimits(max_request_bytes=50 * len(GOOD))
    with (
        receiver(protocol, Pipeline(), limits) as endpoint,
        destination(protocol, endpoint, compression=compression) as to,
    ):
        to.send(Signal.TRACES, "audit", 50 * GOOD, 50)
        error = failure(to, 51 * GOOD)
    assert isinstance(error, Refused)
    assert error.payload_at_fault


@both
def test_a_partial_success_is_understood(protocol: str) -> None:
    """Rejected items and the reason come back as the receipt, for each signal; they are not an error."""
    receipt = Receipt(3, "three ids are zero")
    with receiver(protocol, Pipeline(lambda: receipt)) as endpoint, destination(protocol, endpoint) as to:
        for signal in Signal:
            assert to.send(signal, "audit", sample(signal), 5) == receipt


MEANINGS: list[tuple[Exception, type[SendError], object]] = [
    (Overloaded("full", 3.0), RetryLater, 3.0),
    (ShuttingDown("draining"), RetryLater, 5.0),
    (InvalidRequest("an id is zero"), Refused, True),
    (RuntimeError("a fault of theirs"), Refused, True),
]


@both
def test_what_a_receiver_says_is_understood(protocol: str) -> None:
    """Busy and draining receivers are tried again when they say; what is refused is not."""
    with receiver(protocol, pipeline := Pipeline()) as endpoint, destination(protocol, endpoint) as to:
        for error, kind, meaning in MEANINGS:
            pipeline.answer = raising(error)
            failed = failure(to)
            seen = failed.retry_after if isinstance(failed, RetryLater) else getattr(failed, "payload_at_fault", None)
            assert (type(failed), seen) == (kind, meaning)
            assert endpoint in str(failed)


@both
def test_headers_are_sent_and_not_shown(protocol: str, caplog: pytest.LogCaptureFixture) -> None:
    """The right token is let in; a wrong one is a fault of the configuration; neither is in errors, logs or repr."""
    caplog.set_level(logging.DEBUG)
    limits = ReceiveLimits(bearer_token=TOKEN)
    with receiver(protocol, Pipeline(), limits) as endpoint:
        with destination(protocol, endpoint, headers={"Authorization": f"Bearer {TOKEN}"}) as to:
            to.send(Signal.TRACES, "audit", GOOD, 1)
            shown = repr(to) + str(to)
        with destination(protocol, endpoint, headers={"authorization": f"Bearer {TOKEN}-old"}) as to:
            error = failure(to)
    assert isinstance(error, Refused)
    assert not error.payload_at_fault
    assert TOKEN not in shown + str(error) + repr(error) + caplog.text


@both
def test_mutual_tls(protocol: str, certificates: Certificates) -> None:
    """A destination shows its certificate and checks the server's; whoever is not trusted gets nothing."""
    files = certificates.server_files(ask_client=True)
    with receiver(protocol, pipeline := Pipeline(), tls=files) as endpoint:
        with destination(protocol, endpoint, tls=certificates.client_files(certificates.client)) as to:
            to.send(Signal.TRACES, "audit", GOOD, 1)
        untrusted = [certificates.client_files(), certificates.client_files(certificates.stranger)]
        untrusted += [ClientTls(certificates.stranger[0], *certificates.client), ClientTls(None, *certificates.client)]
        for tls in untrusted:
            with destination(protocol, endpoint, tls=tls) as to:
                assert isinstance(failure(to), RetryLater)
        with destination(protocol, endpoint.replace("https", "http")) as to:
            assert isinstance(failure(to), RetryLater)
    assert len(pipeline.taken) == 1


def test_verification_can_be_skipped_over_http(certificates: Certificates) -> None:
    """For trials, an HTTP destination takes any certificate."""
    with (
        receiver("http", pipeline := Pipeline(), tls=certificates.server_files()) as endpoint,
        destination("http", endpoint, tls=ClientTls(insecure_skip_verify=True)) as to,
    ):
        to.send(Signal.TRACES, "audit", GOOD, 1)
    assert len(pipeline.taken) == 1


@both
def test_a_receiver_that_comes_back_is_found(protocol: str) -> None:
    """Nobody listening is retryable; the same destination reaches a receiver that listens there later."""
    port = free_port()
    with destination(protocol, f"http://127.0.0.1:{port}") as to:
        assert isinstance(failure(to), RetryLater)
        kind = GrpcReceiver if protocol == "grpc" else HttpReceiver
        running = kind(f"127.0.0.1:{port}", pipeline := Pipeline())
        running.start()
        try:
            deadline = time.monotonic() + 20
            while not pipeline.taken and time.monotonic() < deadline:
                try:
                    to.send(Signal.TRACES, "audit", GOOD, 1)
                except RetryLater:
                    time.sleep(0.05)
        finally:
            running.stop(0.2)
    assert len(pipeline.taken) == 1


@both
def test_a_slow_answer_is_not_waited_for(protocol: str) -> None:
    """An answer that does not come in time is retryable, and the next send works."""
    gate = Gate()
    with receiver(protocol, Pipeline(gate)) as endpoint, destination(protocol, endpoint, timeout_s=0.3) as to:
        began = time.monotonic()
        assert isinstance(failure(to), RetryLater)
        assert time.monotonic() - began < 5
        gate.opened.set()
        to.send(Signal.TRACES, "audit", GOOD, 1)


@both
def test_a_server_that_says_nothing_is_not_waited_for(protocol: str) -> None:
    """A peer that accepts the connection and is silent is retryable after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with destination(protocol, f"http://127.0.0.1:{port}", timeout_s=0.3) as to:
            began = time.monotonic()
            assert isinstance(failure(to), RetryLater)
            assert time.monotonic() - began < 5


@both
def test_several_threads_may_send(protocol: str) -> None:
    """Sends from several threads at once all arrive."""
    start = threading.Barrier(4)

    def send_many(to: Destination) -> None:
        start.wait(10)
        for _ in range(10):
            to.send(Signal.TRACES, "audit", GOOD, 1)

    with (
        receiver(protocol, pipeline := Pipeline()) as endpoint,
        destination(protocol, endpoint) as to,
        ThreadPoolExecutor(4) as pool,
    ):
        for done in [pool.submit(send_many, to) for _ in range(4)]:
            done.result(20)
    assert len(pipeline.taken) == 40
