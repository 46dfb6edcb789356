"""What the applications send to: a sink that takes OTLP/HTTP and counts it, and one that accepts and never answers."""

from __future__ import annotations

import contextlib
import gzip
import multiprocessing
import os
import socket
import time
from collections.abc import Collection, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple, Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_START_S = 30.0
_QUIET_S = 2.0
"""Twice as long as the applications hold spans back."""


class Received(NamedTuple):
    """What has come so far: spans, their events, and bytes of traces and logs together."""

    spans: int
    events: int
    bytes: int


class _Counts(Protocol):
    """A shared array of four numbers: the port and what was received."""

    def __getitem__(self, index: slice, /) -> list[int]: ...

    def get_lock(self) -> Any: ...


class Agent:
    """A running sink."""

    def __init__(self, counts: _Counts) -> None:
        self._counts = counts

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._counts[:1][0]}"

    def received(self) -> Received:
        """As of now."""
        return Received(*self._counts[1:4])

    def settled(self) -> Received:
        """Once nothing has come for two seconds."""
        before = self.received()
        while True:
            time.sleep(_QUIET_S)
            after = self.received()
            if after == before:
                return after
            before = after


@contextlib.contextmanager
def sink(cores: Collection[int]) -> Iterator[Agent]:
    """A process of its own on these cores that answers every export at once, until the block ends."""
    spawn = multiprocessing.get_context("spawn")
    counts = spawn.Array("q", 4)
    listening = spawn.Event()
    process = spawn.Process(target=_serve, args=(cores, counts, listening), daemon=True)
    process.start()
    try:
        if not listening.wait(_START_S):
            raise TimeoutError(f"the sink did not start within {_START_S:g} s")
        yield Agent(counts)
    finally:
        process.kill()
        process.join()


@contextlib.contextmanager
def stalled() -> Iterator[str]:
    """The URL of a socket whose connections the kernel accepts, all that come, and nobody reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _serve(cores: Collection[int], counts: Any, listening: Event) -> None:
    os.sched_setaffinity(0, cores)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()
            if self.path != "/v1/metrics":
                packed = self.headers.get("Content-Encoding") == "gzip"
                _count(gzip.decompress(body) if packed else body, self.path == "/v1/traces", counts)

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    counts[0] = server.server_address[1]
    listening.set()
    server.serve_forever()


def _count(body: bytes, is_traces: bool, counts: Any) -> None:
    request = ExportTraceServiceRequest.FromString(body) if is_traces else ExportTraceServiceRequest()
    spans = [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]
    with counts.get_lock():
        counts[1] += len(spans)
        counts[2] += sum(len(span.events) for span in spans)
        counts[3] += len(body)
