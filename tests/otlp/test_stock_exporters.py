"""The exporters of the OpenTelemetry SDK send to the receivers as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from tests.otlp.clients import credentials_of
from tests.otlp.parts import Certificates, Pipeline, grpc_receiver, http_receiver, raising

from errorplane.otlp import InvalidRequest, Overloaded, Receipt, ReceiveLimits, Signal

TOKEN = "stock-exporters-know-it"
BEARER = {"authorization": f"Bearer {TOKEN}"}
RESOURCE = Resource({"service.name": "shop"})


def emit(span_exporter: Any, log_exporter: Any, metric_exporter: Any) -> None:
    """One span, one log record and one counter through the SDK's own providers."""
    tracers = TracerProvider(resource=RESOURCE)
    tracers.add_span_processor(BatchSpanProcessor(span_exporter))
    loggers = LoggerProvider(resource=RESOURCE)
    loggers.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    meters = MeterProvider([PeriodicExportingMetricReader(metric_exporter, 60_000)], RESOURCE)
    try:
        tracers.get_tracer("test").start_span("GET /cart").end()
        loggers.get_logger("test").emit(body="paid")
        meters.get_meter("test").create_counter("orders").add(1)
    finally:
        tracers.shutdown()
        loggers.shutdown()
        meters.shutdown()


def names_in(pipeline: Pipeline) -> set[tuple[Signal, str]]:
    """The names of spans and metrics and the bodies of log records that arrived."""
    return {
        (signal, name)
        for signal, body in pipeline.taken
        for name in READ[signal](signal.request_type.FromString(body).ListFields()[0][1][0])
    }


READ: dict[Signal, Callable[[Any], list[str]]] = {
    Signal.TRACES: lambda group: [span.name for span in group.scope_spans[0].spans],
    Signal.LOGS: lambda group: [record.body.string_value for record in group.scope_logs[0].log_records],
    Signal.METRICS: lambda group: [metric.name for metric in group.scope_metrics[0].metrics],
}
WANTED = {Signal.TRACES: "GET /cart", Signal.LOGS: "paid", Signal.METRICS: "orders"}


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_grpc_exporters(compression: grpc.Compression) -> None:
    """All three signals arrive over gRPC, compressed or not, with the token as a header."""
    pipeline = Pipeline()
    with grpc_receiver(pipeline, ReceiveLimits(bearer_token=TOKEN)) as (receiver, address):
        same: dict[str, Any] = {"endpoint": address, "insecure": True, "headers": BEARER, "compression": compression}
        emit(GrpcSpanExporter(**same), GrpcLogExporter(**same), GrpcMetricExporter(**same))
        assert set(receiver.outcomes) == {"taken"}
    assert names_in(pipeline) == set(WANTED.items())


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_http_exporters(compression: Compression) -> None:
    """All three signals arrive over HTTP, compressed or not, with the token as a header."""
    pipeline = Pipeline()
    with http_receiver(pipeline, ReceiveLimits(bearer_token=TOKEN)) as (receiver, address):

        def made(kind: Callable[..., Any], signal: Signal) -> Any:
            url = f"http://{address}{signal.http_path}"
            return kind(endpoint=url, headers=BEARER, compression=compression)

        emit(
            made(HttpSpanExporter, Signal.TRACES),
            made(HttpLogExporter, Signal.LOGS),
            made(HttpMetricExporter, Signal.METRICS),
        )
        assert set(receiver.outcomes) == {"taken"}
    assert names_in(pipeline) == set(WANTED.items())


def test_mutual_tls(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporters reach receivers that ask for a client certificate."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests would believe these first
        monkeypatch.delenv(name, raising=False)
    pipeline = Pipeline()
    tls = certificates.server_files(ask_client=True)
    cert, key = certificates.client
    with grpc_receiver(pipeline, tls=tls) as (_, address):
        over_grpc = GrpcSpanExporter(address, credentials=credentials_of(certificates, certificates.client))
        assert over_grpc.export([ended_span()]) is SpanExportResult.SUCCESS
        over_grpc.shutdown()
    with http_receiver(pipeline, tls=tls) as (_, address):
        url = f"https://{address}/v1/traces"
        over_http = HttpSpanExporter(url, str(certificates.ca), str(key), str(cert))
        assert over_http.export([ended_span()]) is SpanExportResult.SUCCESS
        over_http.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no types there
    assert len(pipeline.taken) == 2


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_backpressure_is_obeyed(protocol: str) -> None:
    """An exporter that is told to come back does, and its span is taken once."""
    answers = iter([Overloaded("busy", 0.1)])

    def answer() -> Receipt:
        for error in answers:
            raise error
        return Receipt()

    assert sent(protocol, pipeline := Pipeline(answer)) is SpanExportResult.SUCCESS
    assert len(pipeline.taken) == 1


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_refusal_is_final(protocol: str) -> None:
    """An exporter whose request is invalid is told so once, and does not send it again."""
    calls: list[None] = []
    refuse = raising(InvalidRequest("no"))

    def answer() -> Receipt:
        calls.append(None)
        return refuse()

    assert sent(protocol, Pipeline(answer)) is SpanExportResult.FAILURE
    assert len(calls) == 1


def sent(protocol: str, pipeline: Pipeline) -> SpanExportResult:
    """Send one span with a stock exporter to a receiver of that pipeline."""
    with (grpc_receiver if protocol == "grpc" else http_receiver)(pipeline) as (_, address):
        exporter: GrpcSpanExporter | HttpSpanExporter
        if protocol == "grpc":
            exporter = GrpcSpanExporter(address, insecure=True)
        else:
            exporter = HttpSpanExporter(f"http://{address}/v1/traces")
        try:
            return exporter.export([ended_span()])
        finally:
            exporter.shutdown()


def ended_span() -> ReadableSpan:
    """A span as an exporter is given it."""
    one = TracerProvider(resource=RESOURCE).get_tracer("test").start_span("GET /cart")
    one.end()
    assert isinstance(one, ReadableSpan)
    return one
