"""The counters as OpenTelemetry metrics: on a Prometheus page, and as OTLP through the pipeline itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from errorplane.measures import Measures, MeasuresPage, write_metrics
from errorplane.otlp import Ingest, OtlpError, Signal
from errorplane.pipeline._counters import COUNTERS, GAUGES, Counters, Labels

log = logging.getLogger("errorplane.pipeline")

Gauges = Mapping[str, Callable[[], Mapping[Labels, float]]]


class _Loopback(MetricExporter):
    """Sends the processor's metrics through its own pipeline: redacted, tagged and routed like any other."""

    def __init__(self, ingest: Ingest, measures: Measures | None) -> None:
        super().__init__()
        self._ingest = ingest
        self._measures = measures

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        try:
            request = encode_metrics(metrics_data)
            if self._measures is not None:
                write_metrics(self._measures, request.resource_metrics[0].scope_metrics.add(), time.time_ns())
            self._ingest(Signal.METRICS, request.SerializeToString())
        except OtlpError as error:
            log.debug("own metrics were not taken: %s", error)
            return MetricExportResult.FAILURE
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Nothing is held here."""


class OwnTelemetry:
    """Publishes counters, gauges and what is measured of the traffic; nothing is computed until somebody looks.

    ``instance`` tells this process from others that send to the same place.
    """

    def __init__(
        self,
        counters: Counters,
        gauges: Gauges,
        *,
        ingest: Ingest,
        interval_s: float | None,
        instance: str,
        measures: Measures | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._registry = registry or CollectorRegistry()
        readers: list[MetricReader] = [PrometheusMetricReader(registry=self._registry)]
        if interval_s is not None:
            exporter = _Loopback(ingest, measures)
            readers.append(PeriodicExportingMetricReader(exporter, export_interval_millis=interval_s * 1000))
        if measures is not None:
            self._registry.register(MeasuresPage(measures))
        resource = Resource({SERVICE_NAME: "errorplane-processor", SERVICE_INSTANCE_ID: instance})
        self._provider = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("errorplane.pipeline")
        _declare(meter, counters, gauges)

    def page(self) -> tuple[bytes, str]:
        """The Prometheus page and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def close(self) -> None:
        """Send what is due and stop."""
        self._provider.shutdown()


def _declare(meter: Meter, counters: Counters, gauges: Gauges) -> None:
    for metric in COUNTERS:
        meter.create_observable_counter(
            f"errorplane.{metric.name}",
            [_callback(lambda name=metric.name: counters.values(name))],  # type: ignore[misc]  # bound at definition
            metric.unit,
            metric.meaning,
        )
    for metric in GAUGES:
        meter.create_observable_gauge(
            f"errorplane.{metric.name}", [_callback(gauges[metric.name])], metric.unit, metric.meaning
        )


def _callback(read: Callable[[], Mapping[Labels, float]]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, dict(labels)) for labels, value in read().items()]

    return observe
