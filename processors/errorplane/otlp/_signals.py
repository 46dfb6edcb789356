"""The three OTLP signals and what a receiver and the pipeline say to each other."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Signal(enum.Enum):
    """One OTLP signal; the value is its name in paths, policies and reports."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"

    @property
    def grpc_method(self) -> str:
        """Full gRPC method of the signal's Export call."""
        return _GRPC_METHOD[self]

    @property
    def http_path(self) -> str:
        """Default OTLP/HTTP path (OTLP specification, "OTLP/HTTP Request")."""
        return f"/v1/{self.value}"

    @property
    def request_type(self) -> type[Message]:
        """Protobuf class of the Export request."""
        return _REQUEST[self]

    @property
    def response_type(self) -> type[Message]:
        """Protobuf class of the Export response."""
        return _RESPONSE[self]


_GRPC_METHOD = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
_REQUEST: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
_RESPONSE: dict[Signal, type[Message]] = {
    Signal.TRACES: ExportTraceServiceResponse,
    Signal.LOGS: ExportLogsServiceResponse,
    Signal.METRICS: ExportMetricsServiceResponse,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender is told once its request is synced: how many items were refused, and why.

    ``rejected`` counts spans, log records or data points; 0 means that all were taken. ``message`` becomes the
    ``error_message`` of OTLP's ``partial_success``.
    """

    rejected: int = 0
    message: str = ""


class Ingest(Protocol):
    """The pipeline's entrance, called by every receiver from a worker thread; returns when the data is synced."""

    def __call__(self, signal: Signal, body: bytes) -> Receipt:
        """Take one serialised Export request (protobuf, not compressed).

        Raises ``InvalidRequest``, ``Overloaded`` or ``ShuttingDown``.
        """
        ...
