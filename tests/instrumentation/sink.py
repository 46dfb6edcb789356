"""A small OTLP/gRPC receiver that keeps what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_PACKAGE = "opentelemetry.proto.collector"
_REQUESTS: dict[str, type[Any]] = {
    f"{_PACKAGE}.trace.v1.TraceService": ExportTraceServiceRequest,
    f"{_PACKAGE}.metrics.v1.MetricsService": ExportMetricsServiceRequest,
    f"{_PACKAGE}.logs.v1.LogsService": ExportLogsServiceRequest,
}


class Sink:
    """Listens on a free loopback port for the length of a `with` block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Any] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        for service, request in _REQUESTS.items():
            export = grpc.unary_unary_rpc_method_handler(self._keep, request.FromString, lambda answer: answer)
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": export}),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop(None).wait(10)

    def _keep(self, request: Any, context: grpc.ServicerContext) -> bytes:
        with self._lock:
            self._requests.append(request)
        return b""  # an empty message is a valid answer

    def _items(self, kind: type[Any], walk: Callable[[Any], list[Any]]) -> list[Any]:
        with self._lock:
            return [item for request in self._requests if isinstance(request, kind) for item in walk(request)]

    @property
    def all_spans(self) -> list[Span]:
        """The spans in order of arrival."""
        return self._items(
            ExportTraceServiceRequest,
            lambda r: [span for rs in r.resource_spans for scope in rs.scope_spans for span in scope.spans],
        )

    @property
    def spans(self) -> dict[str, Span]:
        """The spans by name."""
        return {span.name: span for span in self.all_spans}

    def counts(self, metric: str) -> dict[str, int]:
        """The last sum of a counter of integers, over its attributes, by instance of the service."""
        reported = self._items(
            ExportMetricsServiceRequest,
            lambda r: [
                (attributes(rm.resource.attributes)["service.instance.id"], found)
                for rm in r.resource_metrics
                for scope in rm.scope_metrics
                for found in scope.metrics
                if found.name == metric
            ],
        )
        return {instance: sum(point.as_int for point in found.sum.data_points) for instance, found in reported}

    @property
    def logs(self) -> list[LogRecord]:
        """The log records in order of arrival."""
        return self._items(
            ExportLogsServiceRequest,
            lambda r: [record for rl in r.resource_logs for scope in rl.scope_logs for record in scope.log_records],
        )

    @property
    def metrics(self) -> set[str]:
        """The names of the metrics."""
        return set(
            self._items(
                ExportMetricsServiceRequest,
                lambda r: [m.name for rm in r.resource_metrics for scope in rm.scope_metrics for m in scope.metrics],
            )
        )


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes of a span, an event or a log record as a dict."""
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    return getattr(value, which) if which else None
