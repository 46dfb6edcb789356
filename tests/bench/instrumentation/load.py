"""Requests to a server: at a constant rate whatever it answers, or as fast as it answers.

At a constant rate each latency runs from the moment at which the request was due, not from that at which it was sent:
what waits behind a slow one counts (no "coordinated omission").
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.bench.instrumentation.apps.shop import FAILING

_SPIN_S = 0.0015  # epoll wakes a millisecond late; the last one is waited for by asking again and again
_ANSWER_S = 30.0
_EXPECTED = {True: b"HTTP/1.1 500", False: b"HTTP/1.1 200"}


class Misanswered(Exception):
    """The server did not answer as it should have; says what came instead."""


@dataclass(slots=True)
class Measured:
    """Seconds from when each request was due until its answer was here whole, and how late the requests went out."""

    latencies: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    took_s: float = 0.0

    def figures(self) -> dict[str, float]:
        """Percentiles in milliseconds, and answers per second."""
        hundredths = statistics.quantiles(self.latencies, n=100, method="inclusive")
        return {
            "p50_ms": hundredths[49] * 1000,
            "p99_ms": hundredths[98] * 1000,
            "per_s": len(self.latencies) / self.took_s,
            "lag_p99_ms": statistics.quantiles(self.lags, n=100, method="inclusive")[98] * 1000 if self.lags else 0.0,
        }


class _Connection(asyncio.Protocol):
    """A kept-alive connection with one request under way."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None
        self._got = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if found and self._answer is not None and not self._answer.done() and len(body) >= _length(head):
            self._answer.set_result(head)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed by the server"))

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer, when all of it is here."""
        assert self.transport is not None
        self._got, self._answer = b"", asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise Misanswered(f"an answer without its length: {head!r}")


class _Client:
    """Connections to one server, as many as are needed at the same time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._all: list[_Connection] = []
        self._idle: list[_Connection] = []

    async def get(self, fails: bool) -> None:
        """One request; raises Misanswered unless it fails or succeeds as it should."""
        connection = self._idle.pop() if self._idle else await self._connect()
        path = FAILING if fails else "jo"
        head = await connection.ask(f"GET /orders/{path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        if not head.startswith(_EXPECTED[fails]):
            raise Misanswered(f"{head.splitlines()[0]!r} for {path}")
        assert connection.transport is not None
        if fails or b"connection: close" in head.lower() or connection.transport.is_closing():
            # uvicorn closes the connection of a request that failed, and says so in no header.
            connection.transport.close()
        else:
            self._idle.append(connection)

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", self._port)
        self._all.append(connection)
        return connection

    def close(self) -> None:
        """Close all."""
        for connection in self._all:
            if connection.transport is not None:
                connection.transport.close()


def outcomes(count: int, errors: float, seed: int) -> list[bool]:
    """Which requests fail: exactly this share of them, at places that follow from the seed."""
    failing = round(count * errors)
    marks = [True] * failing + [False] * (count - failing)
    random.Random(seed).shuffle(marks)
    return marks


def at_rate(port: int, rate: float, fails: Sequence[bool]) -> Measured:
    """Send a request every 1/``rate`` seconds, one for each of ``fails``; raises Misanswered, OSError, TimeoutError."""
    return asyncio.run(_within(_at_rate(port, rate, fails), len(fails) / rate))


def flat_out(port: int, connections: int, seconds: float, fails: Sequence[bool]) -> Measured:
    """So many connections, each with the next request as soon as it has its answer; raises as ``at_rate`` does."""
    return asyncio.run(_within(_flat_out(port, connections, seconds, fails), seconds))


async def _within(load: Coroutine[Any, Any, Measured], seconds: float) -> Measured:
    try:
        async with asyncio.timeout(seconds + _ANSWER_S):
            return await load
    except* (Misanswered, OSError, TimeoutError) as group:
        raise group.exceptions[0] from None


async def _at_rate(port: int, rate: float, fails: Sequence[bool]) -> Measured:
    measured = Measured()
    start = time.perf_counter() + 0.01

    async def one(due: float, fail: bool) -> None:
        await client.get(fail)
        measured.latencies.append(time.perf_counter() - due)

    with contextlib.closing(_Client(port)) as client:
        async with asyncio.TaskGroup() as group:
            for number, fail in enumerate(fails):
                due = start + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter() - _SPIN_S))
                while time.perf_counter() < due:
                    await asyncio.sleep(0)
                measured.lags.append(time.perf_counter() - due)
                group.create_task(one(due, fail))
    measured.took_s = time.perf_counter() - start
    return measured


async def _flat_out(port: int, connections: int, seconds: float, fails: Sequence[bool]) -> Measured:
    measured = Measured()
    start = time.perf_counter()
    turn = 0

    async def sender() -> None:
        nonlocal turn
        while (sent := time.perf_counter()) < start + seconds:
            turn += 1
            await client.get(fails[turn % len(fails)])
            measured.latencies.append(time.perf_counter() - sent)

    with contextlib.closing(_Client(port)) as client:
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(sender())
    measured.took_s = time.perf_counter() - start
    return measured
