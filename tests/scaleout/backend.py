"""Real OTLP servers that remember which processor sent what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
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
    """OTLP/gRPC servers, one for each processor, so that each thing that arrives is known to come from one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: list[grpc.Server] = []
        self._spans: list[Arrived] = []
        self._logs: set[tuple[str, str]] = set()
        self._metrics: set[str] = set()

    def endpoint(self, sender: str) -> str:
        """The URL of a new server, for one processor."""
        server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", _LIMIT)])
        server.add_generic_rpc_handlers((_Handlers(sender, self._remember),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._servers.append(server)
        return f"http://127.0.0.1:{port}"

    def spans(self) -> list[Arrived]:
        """All spans so far."""
        with self._lock:
            return list(self._spans)

    def logs(self) -> set[tuple[str, str]]:
        """Of all log records but error facts: the processor that sent it, and the trace id in hex."""
        with self._lock:
            return set(self._logs)

    def metrics(self) -> set[str]:
        """The names of all metrics."""
        with self._lock:
            return set(self._metrics)

    def close(self) -> None:
        """End all servers."""
        for server in self._servers:
            server.stop(0).wait(10)

    def _remember(self, sender: str, signal: Signal, body: bytes) -> None:
        with self._lock:
            if signal is Signal.TRACES:
                self._spans.extend(_spans(sender, body))
            elif signal is Signal.LOGS:
                self._logs.update((sender, trace_id) for trace_id in _log_trace_ids(body))
            else:
                self._metrics.update(_metric_names(body))


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Takes every Export call of one processor."""

    def __init__(self, sender: str, remember: Callable[[str, Signal, bytes], None]) -> None:
        self._signals: Mapping[str, Signal] = {signal.grpc_method: signal for signal in Signal}
        self._sender = sender
        self._remember = remember

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        signal = self._signals[handler_call_details.method]

        def export(request: bytes, context: grpc.ServicerContext) -> bytes:
            self._remember(self._sender, signal, request)
            return b""

        return grpc.unary_unary_rpc_method_handler(export)


def _spans(sender: str, body: bytes) -> Iterator[Arrived]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Arrived(sender, span.trace_id.hex(), span.span_id.hex(), span.status.code == 2)


def _log_trace_ids(body: bytes) -> Iterator[str]:
    for group in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in group.scope_logs:
            yield from (r.trace_id.hex() for r in scope.log_records if r.event_name != "errorplane.error")


def _metric_names(body: bytes) -> Iterator[str]:
    for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in group.scope_metrics:
            yield from (metric.name for metric in scope.metrics)
