"""kill -9 under load: whatever was acknowledged comes out in the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest
from tests.support.collector_tools import free_port, wait_until
from tests.support.processor_tools import policy, read_lines, run_processor, spans_in
from tests.support.telemetry import span, traces

from errorplane.otlp import Signal

pytestmark = pytest.mark.e2e

_SENDERS = 4
_KILLS = 3
_LOAD_S = 2.0


class Load:
    """Senders that export error traces of two spans, in two requests, until they are told to stop."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: list[tuple[str, str]] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(_SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the senders finish the request under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self) -> None:
        with grpc.insecure_channel(self._address, options=[("grpc.max_reconnect_backoff_ms", 200)]) as channel:
            call = channel.unary_unary(Signal.TRACES.grpc_method, None, None)
            while not self._stop.is_set():
                root = span()
                failed = span(trace_id=root.trace_id, parent=root.span_id, error=True)
                for each in (root, failed):
                    try:
                        call(traces([each]).SerializeToString(), timeout=5)
                    except grpc.RpcError:
                        time.sleep(0.02)  # not acknowledged: a stock exporter would send it again
                        continue
                    with self._lock:
                        self.acknowledged.append((each.trace_id.hex(), each.span_id.hex()))


def test_kill_under_load_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Killed three times under load and restarted, the processor delivers every acknowledged error trace."""
    port = free_port()
    listen = {"grpc": f"127.0.0.1:{port}", "http": None, "admin": "127.0.0.1:0"}
    path = policy(tmp_path, listen=listen)
    load = Load(f"127.0.0.1:{port}")
    for _ in range(_KILLS):
        with run_processor(path) as processor:
            before = len(load.acknowledged)
            wait_until(lambda seen=before: len(load.acknowledged) > seen + 50, "load", 30)  # type: ignore[misc]  # bound at definition
            time.sleep(_LOAD_S)
            processor.kill()
    load.stop()
    with run_processor(path) as processor:
        wait_until(lambda: processor.stats()["traces"]["undecided"] == 0, "all verdicts", 30)
        wait_until(lambda: processor.stats()["journal"]["bytes"] == 0, "all deliveries", 30)
    spans = spans_in(read_lines(tmp_path / "out.jsonl"))
    out = {(each["traceId"], each["spanId"]) for each in spans}
    failed = {each["traceId"] for each in spans if each.get("status", {}).get("code") == 2}
    acknowledged = set(load.acknowledged)
    lost = [pair for pair in acknowledged if pair[0] in failed and pair not in out]
    lost_traces = {trace for trace, _ in acknowledged} - {trace for trace, _ in out}
    print(f"{len(acknowledged)} acknowledged spans, {len(spans) - len(out)} duplicates, {_KILLS} kills")
    assert len(acknowledged) > 300
    assert lost == []
    # A trace of which only the healthy root was acknowledged is rightly dropped; those with their error are not.
    spans_of = Counter(trace for trace, _ in load.acknowledged)
    assert not [trace for trace in lost_traces if spans_of[trace] == 2]
