"""A real OTLP/gRPC server in a process of its own: it keeps what comes, with the time, and takes it apart afterwards."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from concurrent import futures
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.bench.contenders import ROOT
from tests.bench.recording import Key
from tests.bench.traffic import NOTE

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LIMIT = 64 << 20
_SERVICE = EXPORT.split("/")[1]
_ANSWER_S = 300.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """Spans that came in one request, when it was here whole (monotonic seconds), and how many were not redacted."""

    at: float
    keys: tuple[Key, ...]
    raw: int


class Sink:
    """A server that does nothing while a contender is measured but to keep the bytes that it gets."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", f"from tests.bench.sink import serve; serve({theirs.fileno()})"]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        self._asked = Connection(ours.detach())
        self.port = int(self._answer())

    def progress(self) -> tuple[int, float]:
        """Requests so far, and when the last one came (0 if none has)."""
        self._asked.send("progress")
        count, last = self._answer()
        return count, last

    def take(self, private: Collection[str]) -> list[Arrived]:
        """All that has come, which is forgotten then; spans with one of the ``private`` texts were not redacted."""
        self._asked.send(frozenset(private))
        return list(self._answer())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._asked.close()

    def _answer(self) -> Any:
        if not self._asked.poll(_ANSWER_S):
            raise TimeoutError(f"the sink has not answered within {_ANSWER_S:g} s")
        return self._asked.recv()


class _Kept:
    """The requests that have come."""

    def __init__(self) -> None:
        self.bodies: list[tuple[float, bytes]] = []
        self._lock = threading.Lock()

    def export(self, body: bytes, _: grpc.ServicerContext) -> bytes:
        with self._lock:
            self.bodies.append((time.monotonic(), body))
        return b""

    def taken(self) -> list[tuple[float, bytes]]:
        with self._lock:
            bodies, self.bodies = self.bodies, []
        return bodies


def serve(descriptor: int) -> None:
    """Be the process: tell the port, then answer what is asked over the socket until it is closed."""
    asked = Connection(descriptor)
    kept = _Kept()
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", LIMIT)])
    handler = grpc.unary_unary_rpc_method_handler(kept.export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler}),))
    asked.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    while True:
        try:
            question = asked.recv()
        except EOFError:
            return
        if question == "progress":
            bodies = kept.bodies
            asked.send((len(bodies), bodies[-1][0] if bodies else 0.0))
        else:
            asked.send([_arrived(at, body, question) for at, body in kept.taken()])


def _arrived(at: float, body: bytes, private: Collection[str]) -> Arrived:
    spans = list(_spans(body))
    return Arrived(
        at, tuple(span.trace_id + span.span_id for span in spans), sum(_is_raw(span, private) for span in spans)
    )


def _spans(body: bytes) -> Iterator[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return (span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans)


def _is_raw(span: Span, private: Collection[str]) -> bool:
    return any(pair.key == NOTE and pair.value.string_value in private for pair in reversed(span.attributes))
