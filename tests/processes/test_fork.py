"""What a fork breaks of the stock SDK, and that it does not with errorplane."""

from __future__ import annotations

import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.instrumentation.sink import Sink
from tests.processes.http_sink import HttpSink
from tests.processes.servers import environment, run

CHILDREN = 8
EACH = 20  # of the program
HTTP = {f"OTEL_{signal}_EXPORTER": "otlp_proto_http" for signal in ("TRACES", "METRICS", "LOGS")}


def forking(sink: Sink, more: dict[str, str], seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
    env = environment(sink, OTEL_PYTHON_DISTRO="distro", **more)
    return run(env, "forking.py", str(CHILDREN), str(seconds))


@pytest.mark.e2e
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_forked_children_send_and_count_as_they_should(protocol: str) -> None:
    """Each child ends, each span arrives once, and with `ERRORPLANE_FORK=all` every counter adds up."""
    with HttpSink() if protocol == "http" else Sink() as sink:
        done = forking(sink, {"ERRORPLANE_FORK": "all", **(HTTP if protocol == "http" else {})})
        assert done.stdout == "left 0\n", done.stderr
        spans = Counter(span.name for span in sink.all_spans if span.name != "other")
        assert spans == dict.fromkeys(["parent", *(f"child {number}" for number in range(CHILDREN))], EACH)
        assert len({span.span_id for span in sink.all_spans}) == len(sink.all_spans)
        if isinstance(sink, HttpSink):
            assert {len(instances) for instances in sink.senders.values()} == {1}, "no connection is shared"
        for metric in ("errorplane.orders", "shop.orders"):
            counts = sink.counts(metric)
            assert sorted(counts.values()) == [EACH] * (CHILDREN + 1)


@pytest.mark.e2e
def test_what_the_stock_sdk_does() -> None:
    """It copies every count into every child, where the child gets so far: some wait for ever for a lock.

    By default only errorplane's own counters are right; if this fails, the SDK has learned it, and ours can go.
    """
    with Sink() as stock, Sink() as default, ThreadPoolExecutor(2) as pool:
        first = pool.submit(forking, stock, {"ERRORPLANE_ENABLED": "false"}, 4.0)
        second = pool.submit(forking, default, {})
        assert second.result().stdout == "left 0\n"
        assert sorted(default.counts("errorplane.orders").values()) == [EACH] * (CHILDREN + 1)
        assert sorted(default.counts("shop.orders").values()) == [EACH] + [2 * EACH] * CHILDREN
        arrived = stock.counts("errorplane.orders")
        stuck = first.result().stdout != "left 0\n"
        assert stuck or sum(arrived.values()) > EACH * (CHILDREN + 1)
