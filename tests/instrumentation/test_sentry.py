"""Beside sentry-sdk, in either order: each chains to the other, and each system is told of an error once."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

import pytest

from errorplane.errors import ERROR_FINGERPRINT

PROGRAM = """
import json, logging, sys
import sentry_sdk
from opentelemetry import _logs, propagate, trace
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.integrations.otlp import OTLPIntegration

dsn, integration, *order = sys.argv[1:]
spans, records = InMemorySpanExporter(), InMemoryLogRecordExporter()
provider, logs = TracerProvider(), LoggerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
logs.add_log_record_processor(SimpleLogRecordProcessor(records))
trace.set_tracer_provider(provider)
_logs.set_logger_provider(logs)
logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))

def ours():
    from errorplane.hooks import attach
    attach()

def theirs():
    integrations = [OTLPIntegration(capture_exceptions=True)] if integration == "otlp" else []
    sentry_sdk.init(dsn=dsn, integrations=integrations)

for name in order:
    {"ours": ours, "theirs": theirs}[name]()

def fail():
    tracer = trace.get_tracer("shop")
    with tracer.start_as_current_span("request"), tracer.start_as_current_span("query"):
        raise TimeoutError("no answer")

def report():
    sentry_sdk.flush(10)
    print(json.dumps({
        "spans": {span.name: [len(span.events), dict(span.attributes)] for span in spans.get_finished_spans()},
        "records": [dict(record.log_record.attributes) for record in records.get_finished_logs()],
        "headers": carrier,
    }, default=str))

carrier = {}
with trace.get_tracer("shop").start_as_current_span("outgoing"):
    propagate.inject(carrier)
try:
    fail()
except TimeoutError:
    logging.exception("cannot serve")
import atexit
atexit.register(report)
if integration == "unhandled":
    spans.clear(), records.clear()
    raise KeyError("order")
"""


class Sentry:
    """A server that keeps the events that it is sent, for the length of a `with` block."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        keep = self.events.append

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.endswith("/envelope/"):
                    body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                    _, *lines = body.split(b"\n")
                    for head, item in zip(lines[::2], lines[1::2], strict=False):
                        if json.loads(head)["type"] == "event":
                            keep(json.loads(item))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self.dsn = f"http://key@127.0.0.1:{self._server.server_port}/1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    @property
    def types(self) -> list[str]:
        """The types of the exceptions of each event, the outermost last."""
        return [event["exception"]["values"][-1]["type"] for event in self.events]


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    with Sentry() as sentry:
        yield sentry


ORDERS = [("ours", "theirs"), ("theirs", "ours")]


def run(sentry: Sentry, integration: str, order: tuple[str, ...], code: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-c", PROGRAM, sentry.dsn, integration, *order]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("integration", ["otlp", "plain"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_each_is_told_once(sentry: Sentry, integration: str, order: tuple[str, ...]) -> None:
    """An exception that passes two spans and is logged; Sentry's patch of the span and its headers stay in force."""
    found = run(sentry, integration, order)
    assert sentry.types == ["TimeoutError"]
    (query_events, query), (request_events, request) = found["spans"]["query"], found["spans"]["request"]
    assert (query_events, request_events) == (1, 0)
    (record,) = found["records"]
    assert query[ERROR_FINGERPRINT] == request[ERROR_FINGERPRINT] == record[ERROR_FINGERPRINT]
    assert ("sentry-trace" in found["headers"]) == (integration == "otlp")


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_an_error_that_nobody_handles(sentry: Sentry, order: tuple[str, ...]) -> None:
    """Both hooks of the interpreter run."""
    found = run(sentry, "unhandled", order, code=1)
    assert sentry.types == ["TimeoutError", "KeyError"]
    (record,) = found["records"]
    assert record["exception.type"] == "KeyError"
    assert ERROR_FINGERPRINT in record
