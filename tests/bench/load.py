"""The senders: as fast as a contender takes it, or at a rate of their own whatever it takes."""

from __future__ import annotations

import contextlib
import heapq
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent import futures
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # has no stubs
from grpc_status import rpc_status
from tests.bench.sink import EXPORT, LIMIT

_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_READY_S = 60.0
_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Exporter:
    """What a sender does with requests that are not taken at once.

    One export takes at most ``deadline_s`` with all its tries, one try at most ``try_s``. What is refused for now is
    sent again after ``first_s``, and ``factor`` times that for each further try, up to ``longest_s``, more or less by
    the share ``jitter``; if the refusal names a longer delay, after that. ``slots`` exports are under way at once (None:
    any number), others wait in a queue of ``queue``; beyond that they are lost.
    """

    name: str
    title: str
    deadline_s: float
    try_s: float
    first_s: float
    factor: float
    longest_s: float
    jitter: float
    slots: int | None = None
    queue: int = 0


SDK = Exporter("sdk", "exporters of SDKs, 10 s for an export", 10.0, 10.0, 1.0, 2.0, 32.0, 0.2)
"""Each request that of another application. Figures of OpenTelemetry's exporter for Python; all SDKs have the 10 s."""
AGENT = Exporter("agent", "four Collectors in front, 5 min for an export", 300.0, 5.0, 5.0, 1.5, 30.0, 0.5, 40, 4000)
"""Four Collectors with the defaults of ``sending_queue`` (10 consumers, 1,000 requests) and ``retry_on_failure``."""
EXPORTERS = (SDK, AGENT)


@dataclass(slots=True)
class Sent:
    """What became of one request: when it was first sent, and when it was acknowledged (None: never)."""

    at: float
    acknowledged: float | None = None


class Line:
    """Connections to a contender."""

    def __init__(self, port: int, check: Callable[[], None]) -> None:
        options = [("grpc.max_send_message_length", LIMIT), ("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.insecure_channel(f"127.0.0.1:{port}", options=options) for _ in range(_CONNECTIONS)]
        self.check = check
        self.calls = [
            channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
            for channel in self._channels
        ]

    def wait(self) -> None:
        """Until it listens; raises what ``check`` raises, and TimeoutError after a minute."""
        deadline = time.monotonic() + _READY_S
        for channel in self._channels:
            ready = grpc.channel_ready_future(channel)
            while True:
                self.check()
                try:
                    ready.result(timeout=0.2)
                    break
                except grpc.FutureTimeoutError:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"does not listen after {_READY_S:g} s") from None

    def close(self) -> None:
        """Close them."""
        for channel in self._channels:
            channel.close()


def at_full_speed(
    line: Line,
    bodies: Sequence[bytes],
    senders: int,
    stop: threading.Event | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> list[Sent]:
    """Send all, ``senders`` at once, the next when one is acknowledged; in their order.

    What is refused for now is sent again until it is taken, or until ``stop``, after which nothing is sent. ``seen``
    is told the number of each that is acknowledged. Raises what ``line.check`` raises, and ``grpc.RpcError`` for what is
    refused for good.
    """
    sent = [Sent(0.0) for _ in bodies]

    def one(number: int) -> None:
        if stop is not None and stop.is_set():
            return
        sent[number].at = time.monotonic()
        while True:
            try:
                line.calls[number % _CONNECTIONS](bodies[number], timeout=120.0)
                sent[number].acknowledged = time.monotonic()
                seen(number)
                return
            except grpc.RpcError as error:
                if stop is not None and stop.is_set():
                    return
                line.check()
                if error.code() not in _RETRYABLE:
                    raise
                time.sleep(_hint(error) or 0.2)

    with futures.ThreadPoolExecutor(senders) as pool:
        try:
            list(pool.map(one, range(len(bodies))))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # else it would send the rest before anybody hears of it
            raise
    return sent


@dataclass(order=True, slots=True)
class _Try:
    """The next try of a request, at ``due``; ``count`` came before, the first of them at ``began``."""

    due: float
    number: int
    began: float
    count: int


class Overload:
    """Offers requests at a fixed rate, whatever becomes of them, and sees each to its end."""

    def __init__(self, line: Line, bodies: Sequence[bytes], interval_s: float, exporter: Exporter, seed: int) -> None:
        self._line, self._bodies, self._exporter, self._interval_s = line, bodies, exporter, interval_s
        self._rng = random.Random(seed)
        self._queue: deque[int] = deque()
        self._retries: list[_Try] = []
        self._answers: queue.SimpleQueue[tuple[_Try, grpc.Future[bytes]]] = queue.SimpleQueue()
        self._busy = 0
        self.sent = [Sent(0.0) for _ in bodies]
        self.lag_s = 0.0
        """How much too late a request was offered, at worst."""

    def run(self) -> list[Sent]:
        """Until every request is acknowledged or lost."""
        started, offered = time.monotonic(), 0
        while offered < len(self._bodies) or self._busy or self._queue:
            now = time.monotonic()
            while offered < len(self._bodies) and started + offered * self._interval_s <= now:
                self.lag_s = max(self.lag_s, now - started - offered * self._interval_s)
                self._offer(offered, now)
                offered += 1
            while self._queue and self._has_slot():
                self._begin(self._queue.popleft(), now)
            while self._retries and self._retries[0].due <= now:
                self._send(heapq.heappop(self._retries), now)
            self._await(started + offered * self._interval_s if offered < len(self._bodies) else now + 1.0)
        return self.sent

    def _await(self, until: float) -> None:
        if self._retries:
            until = min(until, self._retries[0].due)
        with contextlib.suppress(queue.Empty):
            self._answer(*self._answers.get(timeout=max(0.0, until - time.monotonic())))

    def _has_slot(self) -> bool:
        return self._exporter.slots is None or self._busy < self._exporter.slots

    def _offer(self, number: int, now: float) -> None:
        if self._has_slot() and not self._queue:
            self._begin(number, now)
        elif len(self._queue) < self._exporter.queue:
            self._queue.append(number)

    def _begin(self, number: int, now: float) -> None:
        self._busy += 1
        self.sent[number].at = now
        self._send(_Try(now, number, now, 0), now)

    def _send(self, one: _Try, now: float) -> None:
        left = min(self._exporter.try_s, one.began + self._exporter.deadline_s - now)
        call = self._line.calls[one.number % _CONNECTIONS].future(self._bodies[one.number], timeout=max(0.0, left))
        call.add_done_callback(lambda done: self._answers.put((one, done)))

    def _answer(self, one: _Try, done: grpc.Future[bytes]) -> None:
        error, now = done.exception(), time.monotonic()
        if error is None:
            self.sent[one.number].acknowledged = now
            self._busy -= 1
            return
        assert isinstance(error, grpc.RpcError)
        its = self._exporter
        delay = min(its.longest_s, its.first_s * its.factor**one.count) * self._rng.uniform(
            1 - its.jitter, 1 + its.jitter
        )
        due = now + max(delay, _hint(error))
        if error.code() in _RETRYABLE and due < one.began + its.deadline_s:
            heapq.heappush(self._retries, _Try(due, one.number, one.began, one.count + 1))
        else:
            self._busy -= 1


def _hint(error: grpc.RpcError) -> float:
    """The delay of a RetryInfo in seconds; 0 without one."""
    status = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    details: Iterable[Any] = status.details if status is not None else ()
    for detail in details:
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    return 0.0
