"""Real OTLP servers that remember which processor sent which span."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from errorplane.otlp import Signal

_LIMIT = 64 << 20


@dataclass(frozen=True)
class Arrived:
    """One span at the backend: which processor sent it, its ids in hex, whether it failed."""

    sender: str
    trace_id: str
    span_id: str
    failed: bool


class Backend:
    """An OTLP/gRPC server that remembers the spans of every processor; ``endpoint`` tells them apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: list[grpc.Server] = []
        self._arrived: list[Arrived] = []

    def endpoint(self, sender: str) -> str:
        """The URL of a new port, for one processor."""
        server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", _LIMIT)])
        server.add_generic_rpc_handlers((_Handlers(lambda body: self._remember(sender, body)),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._servers.append(server)
        return f"http://127.0.0.1:{port}"

    def arrived(self) -> list[Arrived]:
        """Everything so far."""
        with self._lock:
            return list(self._arrived)

    def close(self) -> None:
        """End all servers."""
        for server in self._servers:
            server.stop(0).wait(10)

    def _remember(self, sender: str, body: bytes) -> None:
        spans = [
            Arrived(sender, span.trace_id.hex(), span.span_id.hex(), span.status.code == 2)
            for group in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._arrived.extend(spans)


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Takes every Export call; the spans go to ``remember``."""

    def __init__(self, remember: Callable[[bytes], None]) -> None:
        self._remember = remember

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        is_traces = handler_call_details.method == Signal.TRACES.grpc_method

        def export(request: bytes, context: grpc.ServicerContext) -> bytes:
            if is_traces:
                self._remember(request)
            return b""

        return grpc.unary_unary_rpc_method_handler(export)
