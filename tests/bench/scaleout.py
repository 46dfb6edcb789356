"""What several processors carry of what one carries, behind the real balancer.

Run: ``python -m tests.bench.scaleout``. A machine with few cores cannot show the speed of several processors, so this
counts CPU. First the real balancer shares out traffic to servers that record it: requests as one, two or three processors
get them, about equally much for each. Then each recording goes to a processor that has the machine for itself, gzipped as
the balancer sends it; a first part warms it up and is not counted.

N processors carry ``N * cost of a span for one / cost of a span for N`` times as much as one if all get the same share,
and less by as much as the fullest one has more than the mean.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
from tests.bench.traffic import requests
from tests.scaleout.cluster import Cluster, can_mount

from errorplane.otlp import Signal
from errorplane.otlp._wire import items

_TICKS = os.sysconf("SC_CLK_TCK")
_CALL_S = 60.0
_NAMES = "abcdefgh"
_WARM_UP = 0.25  # of a recording
_VERDICTS_S = 3.0  # asking all the time whether all is delivered would cost CPU too
_SAMPLING = {
    "decision_wait": "1s",
    "rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.01}],
}


@dataclass(frozen=True)
class Recording:
    """What each processor gets of the traffic, the balancer's CPU seconds a span, the share of the fullest processor."""

    bodies: list[list[bytes]]
    balancer_s: float
    fullest: float

    @property
    def spans_a_request(self) -> float:
        """The mean size of a request."""
        sizes = [_spans(body) for bodies in self.bodies for body in bodies]
        return sum(sizes) / len(sizes)


def record(count: int, spans: int, senders: int) -> Recording:
    """Let the balancer share out about ``count * spans`` spans to ``count`` recorders."""
    bodies = list(requests(count * spans, seed=count))
    heard: list[list[bytes]] = [[] for _ in range(count)]
    with tempfile.TemporaryDirectory(prefix="errorplane-scaleout-") as folder, contextlib.ExitStack() as stack:
        cluster = Cluster(Path(folder), {})
        stack.callback(cluster.close)
        for name, found in zip(_NAMES, heard, strict=False):
            stack.enter_context(_recorder(cluster.address(name), found))
        cluster.list_processors(*_NAMES[:count])
        cluster.start_balancer(0)
        pid = cluster.balancers[0].process.pid
        before = _cpu_s(pid)
        with grpc.insecure_channel(cluster.balancer_addresses[0]) as channel:
            _send(channel, bodies, senders)
        used = _cpu_s(pid) - before
    sizes = [sum(map(_spans, found)) for found in heard]
    return Recording(heard, used / sum(sizes), max(sizes) / sum(sizes))


def measure(bodies: Sequence[bytes], senders: int) -> tuple[float, int]:
    """Send a recording to a new processor: its CPU seconds, from the end of the warm-up to the last delivery; spans."""
    warm = int(len(bodies) * _WARM_UP)
    with tempfile.TemporaryDirectory(prefix="errorplane-scaleout-") as folder:
        cluster = Cluster(Path(folder), {"sampling": _SAMPLING})
        try:
            cluster.start("a")
            processor = cluster.processors["a"]
            with grpc.insecure_channel(processor.grpc, compression=grpc.Compression.Gzip) as channel:
                _send(channel, bodies[:warm], senders)
                cluster.settle()
                before = _cpu_s(processor.process.pid)
                _send(channel, bodies[warm:], senders)
            time.sleep(_VERDICTS_S)
            cluster.settle()
            used = _cpu_s(processor.process.pid) - before
            sent = sum(map(_spans, bodies))
            taken = processor.stats()["received"]["traces"]
            if taken != sent:
                raise SystemExit(f"scaleout: {taken} of {sent} spans were taken")
            return used, sum(map(_spans, bodies[warm:]))
        finally:
            cluster.close()


@contextlib.contextmanager
def _recorder(address: str, heard: list[bytes]) -> Iterator[None]:
    """An OTLP/gRPC server that keeps what it gets."""

    def export(body: bytes, _: grpc.ServicerContext) -> bytes:
        heard.append(body)
        return b""

    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 64 << 20)])
    service, method = Signal.TRACES.grpc_method.strip("/").split("/")
    handler = grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(export)})
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(address)
    server.start()
    try:
        yield
    finally:
        server.stop(0).wait(10)


def _send(channel: grpc.Channel, bodies: Sequence[bytes], senders: int) -> None:
    call = channel.unary_unary(Signal.TRACES.grpc_method, None, None)

    def one(body: bytes) -> None:
        call(body, timeout=_CALL_S)

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(one, bodies))


def _spans(body: bytes) -> int:
    return len(items(Signal.TRACES, body))


def _cpu_s(pid: int) -> float:
    """User and system time: fields 14 and 15 of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def main() -> int:
    """Measure in turn, several rounds, and print one table and what follows from it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=60_000, help="spans for each processor (default: 60,000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--senders", type=int, default=8, help="requests in flight (default: 8)")
    args = parser.parse_args()
    if not can_mount():
        raise SystemExit("scaleout: `unshare --map-root-user --mount true` fails here: run this as root")
    recordings = {count: record(count, args.spans, args.senders) for count in (1, 2, 3)}
    inputs = {"one, without balancer": [list(requests(args.spans, seed=1))]}
    inputs |= {f"{count} behind a balancer": recording.bodies for count, recording in recordings.items()}
    runs: dict[str, list[float]] = {name: [] for name in inputs}
    for number in range(args.rounds):
        for name, bodies in inputs.items():
            print(f"round {number + 1} of {args.rounds}: {name} ...", file=sys.stderr, flush=True)
            used = [measure(each, args.senders) for each in bodies]
            runs[name].append(sum(cpu for cpu, _ in used) / sum(spans for _, spans in used) * 1e6)
    _print(recordings, runs, args.spans)
    return 0


def _print(recordings: dict[int, Recording], runs: dict[str, list[float]], spans: int) -> None:
    rounds = len(next(iter(runs.values())))
    print(f"{spans:,} spans for each processor; {os.cpu_count()} cores; median of {rounds} (least-most)\n")
    print("| processors | us of CPU a span | of the balancer | spans a request | fullest gets |\n|" + " --- |" * 5)
    plain, *balanced = runs
    print(f"| {plain} | {_spread(runs[plain])} | | | |")
    for name, (count, found) in zip(balanced, recordings.items(), strict=True):
        share = f"{found.fullest * count:.2f} of the mean"
        print(
            f"| {name} | {_spread(runs[name])} | {found.balancer_s * 1e6:.1f} | {found.spans_a_request:,.0f} | {share} |"
        )
    print()
    for name, (count, found) in zip(balanced[1:], list(recordings.items())[1:], strict=True):
        factors = sorted(count * one / several for one, several in zip(runs[balanced[0]], runs[name], strict=True))
        middle = statistics.median(factors)
        print(
            f"{count} carry {middle:.2f} ({factors[0]:.2f}-{factors[-1]:.2f}) times one with equal shares, "
            f"{middle / (found.fullest * count):.2f} with these"
        )


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


if __name__ == "__main__":
    sys.exit(main())
