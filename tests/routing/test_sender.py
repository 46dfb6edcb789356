"""A sender empties the journal towards a real OTLP server, whatever that server answers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.collector_tools import wait_until
from tests.support.telemetry import span, traces

from errorplane.journal import Change, Delivery, Journal, Refs
from errorplane.keys import Key
from errorplane.otlp import (
    ClientTls,
    Destination,
    GrpcDestination,
    GrpcReceiver,
    InvalidRequest,
    Overloaded,
    Receipt,
    ReceiveLimits,
    RetryLater,
    Signal,
)
from errorplane.routing import MAX_PAYLOAD_BYTES, Rewrite, Sender, SenderStats

Answer = Callable[[ExportTraceServiceRequest], Receipt]


class Server:
    """A real OTLP/gRPC server that answers as told, and remembers the names of the spans that it took."""

    def __init__(self, answer: Answer, token: str | None = None) -> None:
        self.answer = answer
        self.names: list[str] = []
        self.sizes: list[int] = []
        self._lock = threading.Lock()
        limits = ReceiveLimits(max_request_bytes=4 << 20, bearer_token=token)
        self._receiver = GrpcReceiver("127.0.0.1:0", self._ingest, limits, None, ready=lambda: True)
        self.port = self._receiver.start()

    def _ingest(self, signal: Signal, body: bytes) -> Receipt:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            receipt = self.answer(request)
            self.sizes.append(len(body))
            self.names += names_of(request)
        return receipt

    def close(self) -> None:
        """Stop at once."""
        self._receiver.stop(0.0)


class Stats(SenderStats):
    """Counts what the sender reports."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def delivered(self, destination: str, signal: Signal, items: int) -> None:
        self.counts["delivered"] += items

    def refused(self, destination: str, signal: Signal, items: int) -> None:
        self.counts["refused"] += items

    def retried(self, destination: str) -> None:
        self.counts["retried"] += 1


class Bench:
    """A journal, a server and a sender between them."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "journal", Key("6b6b6b6b", b"k" * 32), max_bytes=1 << 26)
        self.stats = Stats()
        self._stack: list[Callable[[], None]] = [self.journal.close]

    def keep(self, names: list[str], padding: int = 0) -> None:
        """Journal a request of spans with these names, and a delivery of all of them."""
        request = traces(span(name, attributes={"padding": "x" * padding}) for name in names)
        seq = self.journal.append(Signal.TRACES, request.SerializeToString())
        refs = Refs()
        refs.items.extend(range(len(names)))
        refs.tag.extend([0] * len(names))
        delivery = Delivery(Signal.TRACES, "audit", ("there",), (b"",), {seq: refs})
        self.journal.commit(Change(deliveries=[delivery], drop=Counter({seq: 1})))

    def send_to(self, answer: Answer, token: str | None = None, rewrite: Rewrite = lambda _, body: body) -> Server:
        """Start a server and the sender."""
        server = Server(answer, token)
        destination = GrpcDestination("there", f"http://127.0.0.1:{server.port}", ClientTls(), {}, 5.0, "none")
        sender = Sender(destination, self.journal, lambda name: b"", self.stats, lambda: 0.1, rewrite)
        sender.start()
        self._stack.insert(0, server.close)
        self._stack.insert(0, lambda: sender.stop(5.0))
        return server

    def close(self) -> None:
        """Stop the sender, the server and the journal."""
        for step in self._stack:
            step()

    def empty(self) -> bool:
        """Whether everything was acknowledged and let go."""
        return self.journal.used_bytes == 0 and not self.journal.pending("there")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench that is cleared away."""
    made = Bench(tmp_path)
    yield made
    made.close()


def names_of(request: ExportTraceServiceRequest) -> list[str]:
    """Names of all spans of a request."""
    return [each.name for group in request.resource_spans for scope in group.scope_spans for each in scope.spans]


def take(request: ExportTraceServiceRequest) -> Receipt:
    """Take everything."""
    return Receipt()


class Down(Destination):
    """A destination that is down until a simulated clock has gone on for ``hours``."""

    def __init__(self, hours: float) -> None:
        self.name = "there"
        self.now = 0.0
        self.longest = 0.0
        self.names: list[str] = []
        self._until = hours * 3600.0

    def send(self, signal: Signal, retention_class: str, payload: bytes, items: int) -> Receipt:
        if self.now < self._until:
            raise RetryLater("down")
        self.names += names_of(ExportTraceServiceRequest.FromString(payload))
        return Receipt()

    def close(self) -> None:
        """There is nothing to close."""

    def pause(self, seconds: float) -> bool:
        """The simulated clock goes on."""
        self.now += seconds
        self.longest = max(self.longest, seconds)
        return False


def test_a_destination_that_is_down_for_hours_gets_everything_afterwards(bench: Bench) -> None:
    """Six hours of failures: it is tried every 30 s at the latest, and then gets each span once, in order."""
    names = [f"span {number}" for number in range(200)]
    for name in names:
        bench.keep([name])
    down = Down(6)
    sender = Sender(down, bench.journal, lambda name: b"", bench.stats, lambda: 1.0, pause=down.pause)
    sender.start()
    try:
        wait_until(bench.empty, "everything to be sent", 60)
    finally:
        sender.stop(5.0)
    assert down.names == names
    assert down.longest == 30.0
    assert bench.stats.counts["retried"] > 6 * 3600 / 30
    assert bench.stats.counts["delivered"] == len(names)


def test_what_waits_is_sent_and_let_go(bench: Bench) -> None:
    """Deliveries of several requests arrive, joined, and the journal is empty afterwards."""
    for number in range(5):
        bench.keep([f"{number}-a", f"{number}-b"])
    server = bench.send_to(take)
    wait_until(bench.empty, "an empty journal", 10)
    assert sorted(server.names) == sorted(f"{number}-{name}" for number in range(5) for name in "ab")
    assert len(server.sizes) == 1
    assert bench.stats.counts == {"delivered": 10}


def test_payloads_are_rewritten_before_they_are_measured_and_divided(bench: Bench) -> None:
    """What a destination may have is what counts for the bound, what is refused by halves, and what is sent again."""
    grow, refused = "x" * (MAX_PAYLOAD_BYTES // 8), threading.Event()

    def rewrite(signal: Signal, payload: bytes) -> bytes:
        request = ExportTraceServiceRequest.FromString(payload)
        for each in request.resource_spans[0].scope_spans[0].spans:
            each.name = each.name.replace("old", "new") + grow
        return request.SerializeToString()

    def answer(request: ExportTraceServiceRequest) -> Receipt:
        assert not any(name.startswith("old") for name in names_of(request))
        if not refused.is_set():
            refused.set()
            raise Overloaded("later", 0.0)
        if any(name.startswith("new-13") for name in names_of(request)):
            raise InvalidRequest("not 13")
        return Receipt()

    bench.keep([f"old-{number:02}" for number in range(20)])
    server = bench.send_to(answer, rewrite=rewrite)
    wait_until(bench.empty, "an empty journal", 20)
    assert sorted(name[:6] for name in server.names) == [f"new-{number:02}" for number in range(20) if number != 13]
    assert max(server.sizes) <= MAX_PAYLOAD_BYTES
    assert (bench.stats.counts["delivered"], bench.stats.counts["refused"]) == (19, 1)


def test_one_refused_item_does_not_take_its_neighbours_along(bench: Bench) -> None:
    """A destination that refuses one span gets all the others; that one is counted and given up."""

    def picky(request: ExportTraceServiceRequest) -> Receipt:
        if "poison" in names_of(request):
            raise InvalidRequest("no poison, please")
        return Receipt()

    names = [f"good-{number}" for number in range(50)]
    bench.keep([*names[:20], "poison", *names[20:]])
    bench.keep(["another request"])
    server = bench.send_to(picky)
    wait_until(bench.empty, "an empty journal", 10)
    assert sorted(server.names) == sorted([*names, "another request"])
    assert bench.stats.counts["refused"] == 1
    assert bench.stats.counts["delivered"] == 51


def test_a_busy_destination_is_asked_again(bench: Bench) -> None:
    """RESOURCE_EXHAUSTED with a retry hint is no loss: the same data is sent once there is room."""
    answers = iter([Overloaded("busy", 0.1), Overloaded("busy", 0.1)])

    def busy(request: ExportTraceServiceRequest) -> Receipt:
        error = next(answers, None)
        if error is not None:
            raise error
        return Receipt()

    bench.keep(["patient"])
    server = bench.send_to(busy)
    wait_until(bench.empty, "an empty journal", 10)
    assert server.names == ["patient"]
    assert bench.stats.counts == {"retried": 2, "delivered": 1}


def test_wrong_credentials_cost_no_data(bench: Bench) -> None:
    """A destination that does not know us is a matter for an operator; the data waits in the journal."""
    bench.keep(["precious"])
    server = bench.send_to(take, token="a-token-that-the-sender-does-not-have")
    wait_until(lambda: bench.stats.counts["retried"] >= 2, "two tries", 10)
    assert server.names == []
    assert bench.stats.counts["refused"] == 0
    assert len(bench.journal.pending("there")) == 1


def test_a_partial_success_is_counted(bench: Bench) -> None:
    """Items that the destination rejects while it takes the rest are counted as refused."""
    bench.keep(["a", "b", "c"])
    bench.send_to(lambda request: Receipt(1, "one too many"))
    wait_until(bench.empty, "an empty journal", 10)
    assert bench.stats.counts == {"delivered": 2, "refused": 1}


def test_payloads_stay_below_what_receivers_take(bench: Bench) -> None:
    """A request of 12 MB leaves in payloads that a default receiver of 4 MiB accepts."""
    names = [f"span-{number}" for number in range(120)]
    bench.keep(names, padding=100_000)
    server = bench.send_to(take)
    wait_until(bench.empty, "an empty journal", 20)
    assert sorted(server.names) == sorted(names)
    assert max(server.sizes) <= MAX_PAYLOAD_BYTES
