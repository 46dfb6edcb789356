"""What tail sampling costs an application beside the SDK's own batch processor: `python -m tests.sdk.cost`.

Both get the same recorded spans and send to a server of another process over OTLP/HTTP, in turn, three times. What is
printed is CPU of this process in microseconds a span: the least and the most of the rounds.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from errorplane.policy import Policy
from errorplane.sdk import TailSampling, TailSamplingSpanProcessor

TRACES, SPANS_A_TRACE, ROUNDS = 2000, 10, 3
_MANY = 1 << 20
_AT_ONCE = 1000
_SERVER = """
import http.server
class Taking(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
Make = Callable[[str], SpanProcessor]


def recorded() -> Sequence[ReadableSpan]:
    """Traces of ten spans with 14 attributes, of about 500 bytes; one trace in twenty has a failed span."""
    memory, chance = InMemorySpanExporter(), random.Random(1)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("shop", "1")
    for number in range(TRACES):
        with tracer.start_as_current_span("GET /orders/{id}") as root:
            root.set_attribute("url.path", f"/orders/{number}")
            for child in range(SPANS_A_TRACE - 1):
                with tracer.start_as_current_span("SELECT orders") as span:
                    span.set_attributes({f"app.key{key}": f"value {chance.randrange(10_000)}" for key in range(10)})
                    span.set_attributes({"db.query.text": "SELECT * FROM orders WHERE id = ?", "server.port": 5432})
                    span.set_attributes({"app.share": chance.random(), "app.cached": chance.random() < 0.5})
                    if number % 20 == 0 and child == 3:
                        span.set_status(StatusCode.ERROR, "failed")
    return memory.get_finished_spans()


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a server that takes everything."""
    process = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1/traces"
    finally:
        process.kill()
        process.wait()


def batch(address: str) -> SpanProcessor:
    """The SDK's own, with a queue for everything."""
    return BatchSpanProcessor(OTLPSpanExporter(address), max_queue_size=_MANY)


def sampling(keep: float, **sections: Any) -> Make:
    """Ours, that keeps every error and a share of the rest."""
    rules = [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": keep}]
    policy = Policy.model_validate({"version": 1, "sampling": {"root_wait": "0s", "rules": rules}, **sections})

    def make(address: str) -> SpanProcessor:
        return TailSamplingSpanProcessor(OTLPSpanExporter(address), TailSampling(policy, max_queue=_MANY))

    return make


CONTENDERS: dict[str, Make] = {
    "BatchSpanProcessor": batch,
    "tail sampling, 1% of healthy kept": sampling(0.01),
    "tail sampling, 10% kept": sampling(0.1),
    "tail sampling, all kept": sampling(1.0),
    "tail sampling, 1% kept, no redaction": sampling(0.01, redaction={"detectors": []}),
}


def measure(make: Make, address: str, spans: Sequence[ReadableSpan]) -> tuple[float, float]:
    """CPU a span: of the thread that ends spans, at best, and of the whole process until everything is exported."""
    processor = make(address)
    before = time.process_time()
    own = []
    for first in range(0, len(spans), _AT_ONCE):
        started = time.thread_time()
        for span in spans[first : first + _AT_ONCE]:
            processor.on_end(span)
        own.append((time.thread_time() - started) / _AT_ONCE)
    assert processor.force_flush(120_000)
    whole = (time.process_time() - before) / len(spans)
    processor.shutdown()
    return min(own) * 1e6, whole * 1e6


def main() -> None:
    """Print the table."""
    spans = recorded()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTENDERS}
    with server() as address:
        for _ in range(ROUNDS):
            for name, make in CONTENDERS.items():
                found[name].append(measure(make, address, spans))
    print("| | the application's thread | the whole process |\n| --- | --- | --- |")
    for name, rounds in found.items():
        own, whole = zip(*rounds, strict=True)
        print(f"| {name} | {min(own):.1f} to {max(own):.1f} | {min(whole):.0f} to {max(whole):.0f} |")


if __name__ == "__main__":
    main()
