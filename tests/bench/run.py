"""``make bench``: errorplane beside the real Collector, in turn, in one run, on the same traffic.

Each target gets its requests over gRPC on loopback, decides, and sends what it keeps to a sink that counts. CPU is
that of the target's process alone (user and system), memory its peak above what it had when it was ready.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.bench.traffic import fresh, requests

ROOT = Path(__file__).parents[2]
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_TICKS = os.sysconf("SC_CLK_TCK")
_READY_S = 60.0
_LIMIT = 64 << 20
# Nine patterns for the Collector's redaction processor: what the nine default detectors of errorplane look for.
_PATTERNS = (
    r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}",
    r"\b(?:\d[ -]?){12,18}\d\b",
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"\+\d{1,3}[ -]?(?:\d[ -]?){6,12}\d",
    r"(?i)bearer [a-z0-9._~+/-]+=*",
    r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b",
)


@dataclass(frozen=True)
class Target:
    """One contender: its name and the command that runs it, given a folder and two ports."""

    name: str
    command: Callable[[Path, int, int], Sequence[str]]


@dataclass(frozen=True)
class Result:
    """One run: microseconds of CPU a span, spans a second while sending, peak memory in bytes a span, spans kept."""

    cpu_us: float
    spans_per_s: float
    bytes_per_span: float
    kept: int


class Sink:
    """A real OTLP/gRPC server that counts the spans it gets."""

    def __init__(self) -> None:
        self.spans = 0
        self._lock = threading.Lock()
        options = [("grpc.max_receive_message_length", _LIMIT)]
        self._server = grpc.server(futures.ThreadPoolExecutor(4), options=options)
        handler = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(_EXPORT.split("/")[1], {"Export": handler}),)
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _export(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        request = ExportTraceServiceRequest.FromString(body)
        count = sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)
        with self._lock:
            self.spans += count
        return b""

    def close(self) -> None:
        """Stop at once."""
        self._server.stop(0).wait()


def collector(processors: Sequence[str], wait_s: float, keep: float) -> Callable[[Path, int, int], Sequence[str]]:
    """The command of a Collector with these processors."""

    def command(folder: Path, port: int, sink: int) -> Sequence[str]:
        config = folder / "collector.yaml"
        patterns = "\n".join(f"      - '{pattern}'" for pattern in _PATTERNS)
        config.write_text(
            f"""
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: 127.0.0.1:{port}, max_recv_msg_size_mib: 64}}}}}}
processors:
  redaction:
    allow_all_keys: true
    blocked_values:
{patterns}
  tail_sampling:
    decision_wait: {wait_s}s
    num_traces: 1000000
    policies:
      - {{name: errors, type: status_code, status_code: {{status_codes: [ERROR]}}}}
      - {{name: slow, type: latency, latency: {{threshold_ms: 5000}}}}
      - {{name: rest, type: probabilistic, probabilistic: {{sampling_percentage: {keep * 100}}}}}
exporters:
  otlp_grpc: {{endpoint: 127.0.0.1:{sink}, tls: {{insecure: true}}, sending_queue: {{queue_size: 100000}}}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [{", ".join(processors)}], exporters: [otlp_grpc]}}
"""
        )
        return [str(ROOT / ".tools" / "otelcol"), "--config", str(config)]

    return command


def errorplane(wait_s: float, keep: float) -> Callable[[Path, int, int], Sequence[str]]:
    """The command of an errorplane processor with its default detectors."""

    def command(folder: Path, port: int, sink: int) -> Sequence[str]:
        policy = folder / "errorplane.yaml"
        policy.write_text(
            f"""
version: 1
listen: {{grpc: 127.0.0.1:{port}, http: null, admin: null, max_request_bytes: 64MiB}}
journal: {{path: {folder}/data}}
sampling:
  decision_wait: {wait_s}s
  max_traces: 1000000
  rules:
    - {{name: errors, when: {{status: error}}}}
    - {{name: slow, when: {{duration_over: 5s}}}}
    - {{name: rest, keep: {keep}}}
destinations:
  sink: {{otlp: {{endpoint: "http://127.0.0.1:{sink}", compression: none}}}}
  facts: {{file: {{path: {folder}/facts.jsonl}}}}
retention: {{classes: {{all: {{days: 1, destinations: [sink]}}}}}}
errors: {{facts: {{destinations: [facts]}}}}
telemetry: {{metrics_interval: null, log_level: warning}}
"""
        )
        return [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(policy)]

    return command


def measure(target: Target, bodies: Sequence[bytes], sent: int, senders: int) -> Result:
    """Run one target once; ``sent`` is the number of spans in ``bodies``."""
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="errorplane-bench-") as name, contextlib.ExitStack() as stack:
        stack.callback(sink.close)
        port = _free_port()
        command = target.command(Path(name), port, sink.port)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.send_signal, signal.SIGKILL)
        channel = stack.enter_context(_connected(port, process))
        cpu, memory = _cpu_s(process.pid), _memory(process.pid)
        started = time.monotonic()
        _send(channel, bodies, senders)
        took = time.monotonic() - started
        kept = _settle(sink, process)
        used = _cpu_s(process.pid) - cpu
        peak = _peak(process.pid) - memory
        return Result(used / sent * 1e6, sent / took, peak / sent, kept)


@contextlib.contextmanager
def _connected(port: int, process: subprocess.Popen[bytes]) -> Iterator[grpc.Channel]:
    options = [("grpc.max_send_message_length", _LIMIT)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_READY_S)
        except grpc.FutureTimeoutError:
            raise SystemExit(f"bench: {process.args!r} did not listen within {_READY_S:g} s") from None
        yield channel


def _send(channel: grpc.Channel, bodies: Sequence[bytes], senders: int) -> None:
    call = channel.unary_unary(_EXPORT, request_serializer=None, response_deserializer=None)

    def one(body: bytes) -> None:
        while True:
            try:
                call(body, timeout=60.0)
                return
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE):
                    raise
                time.sleep(0.2)

    with futures.ThreadPoolExecutor(senders) as pool:
        list(pool.map(one, bodies))


def _settle(sink: Sink, process: subprocess.Popen[bytes]) -> int:
    """Wait until the target has sent everything: nothing new for 12 s; it must still be alive."""
    deadline = time.monotonic() + 180
    seen, since = -1, time.monotonic()
    while time.monotonic() < deadline:
        if sink.spans != seen:
            seen, since = sink.spans, time.monotonic()
        if time.monotonic() - since > 12:
            break
        time.sleep(0.5)
    if process.poll() is not None:
        raise SystemExit(f"bench: {process.args!r} ended with {process.returncode} during the run")
    return seen


def _count(body: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"bench: /proc/{pid}/status has no {name}")


def _memory(pid: int) -> int:
    return _status(pid, "VmRSS")


def _peak(pid: int) -> int:
    return _status(pid, "VmHWM")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _table(results: dict[str, list[Result]], spans: int) -> str:
    first = next(iter(results))
    base = statistics.median(result.cpu_us for result in results[first])
    rows = ["| target | us CPU/span (min-max) | of the first | spans/s | peak bytes/span | kept |", "|" + " --- |" * 6]
    for name, runs in results.items():
        cpu = sorted(result.cpu_us for result in runs)
        rows.append(
            f"| {name} | {statistics.median(cpu):.1f} ({cpu[0]:.1f}-{cpu[-1]:.1f}) "
            f"| {statistics.median(cpu) / base:.3f} "
            f"| {statistics.median(result.spans_per_s for result in runs):,.0f} "
            f"| {statistics.median(result.bytes_per_span for result in runs):,.0f} "
            f"| {statistics.median(result.kept for result in runs) / spans:.1%} |"
        )
    return "\n".join(rows)


def main() -> int:
    """Run every target in turn, several rounds, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=200_000, help="spans in each run (default: 200,000)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each target (default: 3)")
    parser.add_argument("--keep", type=float, default=0.01, help="share of healthy traces kept (default: 0.01)")
    parser.add_argument("--wait", type=float, default=10.0, help="decision wait in seconds (default: 10)")
    parser.add_argument("--senders", type=int, default=8, help="requests in flight (default: 8)")
    args = parser.parse_args()
    if not (ROOT / ".tools" / "otelcol").exists():
        raise SystemExit("bench: .tools/otelcol is missing: run `make collector`")
    targets = (
        Target("Collector, redaction + tail_sampling", collector(("redaction", "tail_sampling"), args.wait, args.keep)),
        Target("Collector, tail_sampling", collector(("tail_sampling",), args.wait, args.keep)),
        Target("errorplane", errorplane(args.wait, args.keep)),
    )
    results: dict[str, list[Result]] = {target.name: [] for target in targets}
    print(f"making {args.spans:,} spans ...", file=sys.stderr, flush=True)
    bodies = list(requests(args.spans, seed=1))
    sent = sum(_count(body) for body in bodies)
    for round_number in range(args.rounds):
        for target in targets:
            print(f"round {round_number + 1} of {args.rounds}: {target.name} ...", file=sys.stderr, flush=True)
            results[target.name].append(measure(target, fresh(bodies, time.time_ns()), sent, args.senders))
    print(
        f"{args.spans:,} spans a run, 1,000 a request, 10 a trace over 3 requests, 5% error traces, 2% of spans with "
        f"personal data; {args.keep:.0%} of healthy traces kept; wait {args.wait:g} s; {os.cpu_count()} cores; "
        f"median of {args.rounds}\n"
    )
    print(_table(results, sent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
