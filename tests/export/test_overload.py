"""An exporter that is overloaded gets less, and gets more again once it is well."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has no types
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from tests.export.conftest import Start
from tests.instrumentation.sink import Sink, attributes

from errorplane.export import Rates, Reason
from errorplane.testing import FixedClock

CARRIED = "errorplane.export.suppressed_count"


class Overloaded(Sink):
    """Refuses as a server does that has too much to do: with this code, and asks for this pause."""

    def __init__(self, code: grpc.StatusCode, retry_delay_ns: int | None) -> None:
        super().__init__()
        self.code = code
        self.refused = threading.Event()
        self.well = False
        self._delay_ns = retry_delay_ns

    def _keep(self, request: Any, context: grpc.ServicerContext) -> bytes:
        if self.well:
            return super()._keep(request, context)
        self.refused.set()
        if self._delay_ns is not None:
            info = RetryInfo()
            info.retry_delay.FromNanoseconds(self._delay_ns)
            context.set_trailing_metadata((("google.rpc.retryinfo-bin", info.SerializeToString()),))
        context.abort(self.code, "try later")
        raise AssertionError  # abort raises


class Gate(SpanExporter):
    """Exports nothing until it is opened; then fails or succeeds as told."""

    def __init__(self) -> None:
        self.result = SpanExportResult.SUCCESS
        self.open = threading.Event()
        self.entered = threading.Event()
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.entered.set()
        assert self.open.wait(60)
        self.spans += spans
        return self.result


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def wait_until(holds: Callable[[], bool]) -> None:
    """Poll for half a minute at most."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "did not happen in 30 s"
        time.sleep(0.01)


def test_a_failed_export_halves_the_rate_and_gives_the_counts_back(start: Start, gate: Gate) -> None:
    """What an exporter gives up is counted as lost, told of by the next one, and the rate is halved."""
    clock = FixedClock()
    app = start(rates=Rates(burst=3), clock=clock, exporter=gate)
    gate.open.set()
    gate.result = SpanExportResult.FAILURE
    for _ in range(5):
        app.fail()
    app.provider.force_flush()
    assert (app.export.throttle.share, app.export.lost) == (0.5, 3)
    gate.result = SpanExportResult.SUCCESS
    clock.advance(4)  # at half the rate
    app.fail()
    app.provider.force_flush()
    assert (gate.spans[-1].attributes or {})[CARRIED] == 5
    assert app.export.throttle.share == 0.5 + 1 / 16


def test_an_exporter_that_raises_is_overloaded_too(start: Start) -> None:
    """An exporter that raises instead of failing halves the rate, and what it was given is lost."""

    class Broken(Gate):
        def export(self, spans: Any) -> SpanExportResult:
            raise OSError("no route")

    app = start(rates=Rates(), exporter=Broken())
    app.fail()
    app.provider.force_flush()
    assert (app.export.throttle.share, app.export.lost) == (0.5, 1)


@pytest.mark.parametrize(
    ("code", "delay_ns"),
    [(grpc.StatusCode.RESOURCE_EXHAUSTED, 200_000_000), (grpc.StatusCode.UNAVAILABLE, None)],
)
def test_a_receiver_that_wants_a_pause_gets_one(start: Start, code: grpc.StatusCode, delay_ns: int | None) -> None:
    """A refusal with RetryInfo, or one that the exporter retries by itself, pauses all but firsts until it is over."""
    with Overloaded(code, delay_ns) as sink:
        app = start(
            rates=Rates(burst=1000, total=1000),
            exporter=OTLPSpanExporter(endpoint=sink.endpoint, insecure=True),
            schedule_delay_millis=10,
        )
        app.fail()
        assert sink.refused.wait(30)
        wait_until(lambda: app.export.throttle.is_paused)
        app.fail()
        assert app.export.budget.counts()[Reason.OVERLOAD] == 1
        app.fail("other", error=IndexError)
        assert app.export.budget.counts()[Reason.FIRST] == 2
        assert app.export.throttle.share == 0.5
        sink.well = True
        wait_until(lambda: not app.export.throttle.is_paused)
        app.fail()
        wait_until(lambda: len(sink.all_spans) == 3)
        assert attributes(sink.all_spans[-1].attributes)[CARRIED] == 1


def test_a_queue_that_fills_up_is_left_to_sampled_spans(start: Start, gate: Gate) -> None:
    """Above half of the queue no error of a dropped trace goes in, not even a first, which stays owed."""
    app = start(rates=Rates(burst=1000, total=1000), exporter=gate, max_queue_size=20, max_export_batch_size=10)
    for _ in range(10):
        app.fail()
    assert gate.entered.wait(30)  # it holds ten, and the queue is empty again
    for _ in range(30):
        app.fail()
    assert app.export.budget.counts()[Reason.OVERLOAD] == 19
    app.fail("other", error=IndexError)
    assert app.export.budget.counts()[Reason.FIRST] == 1
    gate.open.set()
    app.provider.force_flush()
    app.fail("other", error=IndexError)
    app.provider.force_flush()
    assert len(gate.spans) == 10 + 11 + 1
    assert (gate.spans[-1].attributes or {})[CARRIED] == 1


def test_an_export_that_hangs_is_an_overload(start: Start, gate: Gate) -> None:
    """While an export has not come back for two seconds, nothing more is handed on."""
    clock = FixedClock()
    app = start(rates=Rates(burst=1000), clock=clock, exporter=gate, schedule_delay_millis=1)
    app.fail()
    assert gate.entered.wait(30)
    clock.advance(3)
    app.fail()
    assert app.export.budget.counts()[Reason.OVERLOAD] == 1
    assert app.export.throttle.share == 0.5
    gate.open.set()
    app.provider.force_flush()
    app.fail()
    assert app.export.budget.counts()[Reason.WITHIN] == 1


def test_a_forked_child_begins_anew(start: Start, sink: Sink) -> None:
    """A child forked in the middle of it, with the locks held by other threads, counts from zero and does not hang."""
    app = start(rates=Rates(burst=5))
    for _ in range(20):
        app.fail()
    with app.export.budget._lock:  # as another thread would, at the moment of the fork
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            answer = b"wrong"
            signal.alarm(30)  # ends it where it hangs
            try:
                offered = sum(app.export.budget.counts().values())
                app.fail()
                answer = b"%d %d" % (offered, app.export.budget.counts()[Reason.FIRST])
            finally:
                os.write(write, answer)
                os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"0 1"
    assert os.waitpid(child, 0)[1] == 0
    assert sum(app.export.budget.counts().values()) == 20
