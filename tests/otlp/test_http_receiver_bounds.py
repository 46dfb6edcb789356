"""OTLP/HTTP in: bounds on time, headers, requests, memory and connections, and the end of a receiver."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPResponse

import pytest
from tests.otlp.clients import JSON, PROTOBUF, TIMEOUT_S, dialled, read_all, request, talk
from tests.otlp.parts import Gate, Pipeline, http_receiver, sample
from tests.support.collector_tools import wait_until

from errorplane.otlp import HttpReceiver, ListenError, ReceiveLimits, Signal, to_json_line

GOOD = sample(Signal.TRACES)
HEAD = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\n".encode()
HALF = HEAD + b"content-length: %d\r\n\r\n" % len(GOOD) + GOOD[:9]
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n\n\0\r\n"


def test_headers_that_do_not_come_are_408() -> None:
    """A connection whose request headers are not complete in time is answered 408 and closed."""
    with http_receiver(Pipeline(), header_timeout_s=0.2) as (_, address), ThreadPoolExecutor(3) as pool:
        for answer in pool.map(lambda sent: talk(address, sent), [b"", b"POST /v1/tr", HEAD]):
            assert answer.startswith(b"HTTP/1.1 408 ")
        assert request(address, GOOD).code == 200


def test_a_slow_second_request_is_408_too() -> None:
    """The time for headers holds for each request of a connection, not only for the first."""
    with http_receiver(Pipeline(), header_timeout_s=0.2) as (_, address):
        answers = talk(address, HEAD + b"content-length: 0\r\n\r\nPOST /v1/tr")
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answers


def test_a_body_that_does_not_come_is_408() -> None:
    """A body that is not complete in time is answered 408; others are served meanwhile."""
    with http_receiver(pipeline := Pipeline(), read_timeout_s=0.3) as (receiver, address), dialled(address) as sock:
        sock.sendall(HALF)
        assert request(address, GOOD).code == 200
        response = HTTPResponse(sock)
        response.begin()
        assert response.status == 408
        assert b"did not arrive within 0.3 s" in response.read()
        assert receiver.outcomes == {"taken": 1, "not_received": 1}
    assert len(pipeline.taken) == 1


def test_a_sender_that_goes_away_is_not_taken() -> None:
    """A body that ends early, with its connection, never reaches the pipeline."""
    with http_receiver(pipeline := Pipeline()) as (receiver, address):
        with dialled(address) as sock:
            sock.sendall(HALF)
        wait_until(lambda: receiver.outcomes == {"not_received": 1}, "the end of the request")
    assert not pipeline.taken


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (HEAD, b"x-more: " + b"a" * 1000 + b"\r\n"),
        (HEAD + b"x-more: ", b"a" * 1000),
        (CHUNKED + b"0\r\n", b"x-more: " + b"a" * 1000 + b"\r\n"),
        (CHUNKED + b"2;", b"a" * 1000),
    ],
    ids=["many headers", "an endless header", "endless trailers", "an endless chunk extension"],
)
def test_headers_without_end_are_cut_off(start: bytes, more: bytes) -> None:
    """Whatever is not body is bounded at 64 KiB, in headers, trailers and between chunks."""
    with http_receiver(pipeline := Pipeline()) as (_, address), dialled(address) as sock:
        sent = len(start)
        sock.sendall(start)
        with suppress(BrokenPipeError, ConnectionResetError):
            while sent < 64 << 20:
                sock.sendall(more * 60)
                sent += 60 * len(more)
        assert sent < 16 << 20  # what the kernel's buffers take is sent too
        assert request(address, GOOD).code == 200
    assert len(pipeline.taken) == 1


def test_a_body_of_small_chunks_is_taken() -> None:
    """Many small chunks are a body, however many bytes of framing they bring."""
    body = 200 * GOOD
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nx-trailer: a\r\n\r\n"
    with http_receiver(pipeline := Pipeline()) as (_, address):
        answer = talk(address, HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert pipeline.taken == [(Signal.TRACES, body)]


def test_requests_beyond_the_limit_are_429() -> None:
    """When as many requests as allowed are being stored, the next is told to come back."""
    gate = Gate()
    with (
        http_receiver(pipeline := Pipeline(gate), ReceiveLimits(max_concurrent=2)) as (receiver, address),
        ThreadPoolExecutor(2) as pool,
    ):
        stored = [pool.submit(request, address, GOOD) for _ in range(2)]
        for _ in stored:
            assert gate.entered.acquire(timeout=TIMEOUT_S)
        refused = request(address, GOOD)
        assert (refused.code, refused.headers["retry-after"]) == (429, "1")
        assert "2 requests are being stored" in refused.status.message
        gate.opened.set()
        assert [each.result(TIMEOUT_S).code for each in stored] == [200, 200]
        assert request(address, GOOD).code == 200
        assert receiver.outcomes == {"overloaded": 1, "taken": 3}
    assert len(pipeline.taken) == 3


def test_slow_bodies_do_not_keep_others_out() -> None:
    """Requests whose bodies are still coming take no place of those being stored."""
    with http_receiver(Pipeline(), ReceiveLimits(max_concurrent=1)) as (_, address), ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(dialled(address)).sendall(HALF)
        assert request(address, GOOD).code == 200


@pytest.mark.parametrize(("kind", "weight"), [(PROTOBUF, 1), (JSON, 17)])
def test_memory_is_bounded_over_all_requests(kind: str, weight: int) -> None:
    """A request that does not fit beside those being stored is 429, JSON with what its parser takes; alone it fits."""
    gate = Gate()
    body = GOOD if kind == PROTOBUF else to_json_line(Signal.TRACES, GOOD)
    limits = ReceiveLimits(max_held_bytes=2 * weight * len(body) - 1)
    with http_receiver(Pipeline(gate), limits) as (_, address), ThreadPoolExecutor(1) as pool:
        first = pool.submit(request, address, body, kind=kind)
        assert gate.entered.acquire(timeout=TIMEOUT_S)
        refused = request(address, body, kind=kind)
        assert (refused.code, refused.headers["retry-after"]) == (429, "1")
        gate.opened.set()
        assert first.result(TIMEOUT_S).code == 200
        assert request(address, 3 * GOOD).code == 200


def test_connections_are_bounded() -> None:
    """Beyond the limit a connection is told to come back; when others have ended there is room again."""
    with http_receiver(Pipeline(), max_connections=2) as (_, address):
        with ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(dialled(address)).sendall(HALF)
            turned_away = wait_until(lambda: _turned_away(address), "the limit")
            assert b"503 " in turned_away
            assert b"retry-after: 5" in turned_away
        wait_until(lambda: not _turned_away(address), "room")


def _turned_away(address: str) -> bytes:
    """What a connection is told before it says anything; nothing within a moment if it is let in."""
    with dialled(address, 0.1) as sock:
        try:
            return sock.recv(65536)
        except TimeoutError:
            return b""


def test_stopping_finishes_what_is_under_way() -> None:
    """A request that is being stored when the receiver stops is answered; idle connections are closed."""
    gate = Gate()
    with (
        http_receiver(pipeline := Pipeline(gate)) as (receiver, address),
        ThreadPoolExecutor(2) as pool,
        dialled(address) as idle,
    ):
        under_way = pool.submit(request, address, GOOD)
        assert gate.entered.acquire(timeout=TIMEOUT_S)
        stopping = pool.submit(receiver.stop, TIMEOUT_S)
        assert read_all(idle) == b""
        assert not stopping.done()
        gate.opened.set()
        assert under_way.result(TIMEOUT_S).code == 200
        stopping.result(TIMEOUT_S)
        with pytest.raises(ConnectionRefusedError):
            request(address, GOOD)
    assert len(pipeline.taken) == 1


def test_a_body_on_its_way_is_still_taken_while_stopping() -> None:
    """A request whose head came before the end is read, stored and answered."""
    with (
        http_receiver(pipeline := Pipeline()) as (receiver, address),
        ThreadPoolExecutor(1) as pool,
        dialled(address) as sock,
    ):
        sock.sendall(HEAD + b"expect: 100-continue\r\n" + HALF.removeprefix(HEAD))
        assert sock.recv(65536).startswith(b"HTTP/1.1 100 ")
        stopping = pool.submit(receiver.stop, TIMEOUT_S)
        wait_until(lambda: not _listens(address), "the end of listening")
        sock.sendall(GOOD[9:])
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")
        stopping.result(TIMEOUT_S)
    assert pipeline.taken == [(Signal.TRACES, GOOD)]


def _listens(address: str) -> bool:
    try:
        with dialled(address):
            return True
    except ConnectionRefusedError:
        return False


def test_stopping_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """A request that outlasts the grace is told 503, the receiver is stopped in time, and no traceback is logged."""
    gate = Gate()
    with http_receiver(Pipeline(gate)) as (receiver, address), ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(request, address, GOOD)
        assert gate.entered.acquire(timeout=TIMEOUT_S)
        began = time.monotonic()
        receiver.stop(0.3)
        assert time.monotonic() - began < 5
        answer = under_way.result(TIMEOUT_S)
        assert (answer.code, answer.headers["retry-after"]) == (503, "5")
        gate.opened.set()
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:", ":4318", "127.0.0.1:port", "127.0.0.1:65536"])
def test_a_wrong_address_says_what_to_write(address: str) -> None:
    """An address that is not one is refused with the form that it should have."""
    receiver = HttpReceiver(address, Pipeline())
    with pytest.raises(ListenError, match=r"write host:port, such as 127\.0\.0\.1:4317"):
        receiver.start()


def test_a_port_in_use_is_refused() -> None:
    """Two receivers never share a port without knowing."""
    with http_receiver(Pipeline()) as (_, address):
        second = HttpReceiver(address, Pipeline())
        with pytest.raises(ListenError, match=f"cannot listen on {address}"):
            second.start()
