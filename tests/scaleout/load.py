"""Traffic whose traces come in several requests, and what became of each trace."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.scaleout.backend import Arrived
from tests.scaleout.cluster import Interval
from tests.support.telemetry import log, logs, metrics, new_trace_id, span, traces

from errorplane.otlp import Signal

_SENDERS = 8
_TRACES_AT_ONCE = 8
_PARTS = 3
_GAP_S = 0.25
_ERRORS = 0.25
_DEADLINE_S = 15.0  # of one call, as the agent's
_OPTIONS = [("grpc.max_reconnect_backoff_ms", 200)]


@dataclass
class Sent:
    """One trace: whether it has an error, and its spans, each from when it was sent to when it was acknowledged."""

    failed: bool
    spans: dict[str, Interval] = field(default_factory=dict)

    @property
    def under_way(self) -> Interval:
        """From when the first span was sent to when the last one was acknowledged."""
        times = self.spans.values()
        return Interval(min(each.began for each in times), max(each.ended for each in times))


class Load:
    """Senders that export traces of three spans in three requests, each of these with spans of eight traces.

    The parts of a trace take turns among the balancers. What is not acknowledged is sent again, as exporters do, until
    it is. A quarter of the traces has an error, in any of its spans.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.traces: dict[str, Sent] = {}
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(_SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> dict[str, Sent]:
        """Let the senders finish the traces under way; what was acknowledged, by trace id."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a sender did not get its last request through"
        return self.traces

    def _run(self, seed: int) -> None:
        rng = random.Random(seed)
        with contextlib.ExitStack() as stack:
            channels = [stack.enter_context(grpc.insecure_channel(each, options=_OPTIONS)) for each in self._addresses]
            calls = [channel.unary_unary(Signal.TRACES.grpc_method, None, None) for channel in channels]
            while not self._stop.is_set():
                made = [_trace(rng) for _ in range(_TRACES_AT_ONCE)]
                sent = [Sent(any(each.status.code for each in spans)) for spans in made]
                for part in range(_PARTS):
                    took = self._deliver(calls[(seed + part) % len(calls)], [spans[part] for spans in made])
                    for trace, spans in zip(sent, made, strict=True):
                        trace.spans[spans[part].span_id.hex()] = took
                    self._stop.wait(0 if part == _PARTS - 1 else _GAP_S)
                with self._lock:
                    self.traces.update(
                        {spans[0].trace_id.hex(): trace for spans, trace in zip(made, sent, strict=True)}
                    )

    def _deliver(self, call: grpc.UnaryUnaryMultiCallable[bytes, bytes], spans: Sequence[Span]) -> Interval:
        body, began = traces(spans).SerializeToString(), time.monotonic()
        while True:
            try:
                call(body, timeout=_DEADLINE_S)
                return Interval(began, time.monotonic())
            except grpc.RpcError:
                time.sleep(0.1)  # as an exporter waits before it sends again


def _trace(rng: random.Random) -> list[Span]:
    trace_id, fails = new_trace_id(), rng.randrange(_PARTS) if rng.random() < _ERRORS else None
    root = span(trace_id=trace_id, error=fails == 0)
    rest = [span(trace_id=trace_id, parent=root.span_id, error=fails == part) for part in range(1, _PARTS)]
    return [root, *rest]


def send_all_signals(addresses: Sequence[str], count: int) -> set[str]:
    """Failed spans through the first balancer, harmless log records of their traces and metrics through the last one.

    Returns the trace ids; raises ``grpc.RpcError`` if a balancer does not take something.
    """
    failed = [span(error=True) for _ in range(count)]
    with grpc.insecure_channel(addresses[0]) as first, grpc.insecure_channel(addresses[-1]) as last:
        for channel, signal, request in (
            (first, Signal.TRACES, traces(failed)),
            (last, Signal.LOGS, logs(log(trace_id=each.trace_id) for each in failed)),
            (last, Signal.METRICS, metrics(["scaleout.metric"])),
        ):
            channel.unary_unary(signal.grpc_method, None, None)(request.SerializeToString(), timeout=_DEADLINE_S)
    return {each.trace_id.hex() for each in failed}


@dataclass(frozen=True)
class Outcome:
    """What became of the traces, by id.

    ``contradicted``: only a part of it arrived, so there was more than one verdict. ``split``: parts of it came from
    different processors. ``duplicates``: further copies of spans, by trace and span id.
    """

    lost_errors: list[str]
    contradicted_errors: list[str]
    contradicted_healthy: list[str]
    split: list[str]
    duplicates: Counter[tuple[str, str]]


def outcome(sent: Mapping[str, Sent], arrived: Sequence[Arrived]) -> Outcome:
    """Compare what was acknowledged with what arrived."""
    spans: defaultdict[str, set[str]] = defaultdict(set)
    senders: defaultdict[str, set[str]] = defaultdict(set)
    failed: set[str] = set()
    for each in arrived:
        spans[each.trace_id].add(each.span_id)
        senders[each.trace_id].add(each.sender)
        if each.failed:
            failed.add(each.trace_id)
    partly = [trace_id for trace_id, trace in sent.items() if spans.get(trace_id, set()) != set(trace.spans)]
    times = Counter((each.trace_id, each.span_id) for each in arrived)
    return Outcome(
        lost_errors=[trace_id for trace_id, trace in sent.items() if trace.failed and trace_id not in failed],
        contradicted_errors=[trace_id for trace_id in partly if sent[trace_id].failed],
        contradicted_healthy=[trace_id for trace_id in partly if not sent[trace_id].failed and trace_id in spans],
        split=[trace_id for trace_id in sent if len(senders[trace_id]) > 1],
        duplicates=Counter({key: count - 1 for key, count in times.items() if count > 1}),
    )
