"""Exporters that mask what they pass on to another exporter."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from errorplane.hooks import GUARD
from errorplane.masking import Mask
from errorplane.sdk._copies import Copies
from errorplane.sdk._engine import engine_mask
from errorplane.sdk._metrics import MetricCopies


class RedactingSpanExporter(SpanExporter):
    """Passes masked copies of the spans on. A batch that cannot be masked is not passed on, and counted as failed."""

    def __init__(self, exporter: SpanExporter, mask: Mask | None = None) -> None:
        self._exporter = exporter
        self._copies = Copies(engine_mask() if mask is None else mask)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Mask and pass on."""
        masked = GUARD.run("export_spans", lambda: [self._copies.span(span) for span in spans])
        return SpanExportResult.FAILURE if masked is None else self._exporter.export(masked)

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the other exporter send what it holds."""
        return self._exporter.force_flush(timeout_millis)


class RedactingLogExporter(LogRecordExporter):
    """Passes masked copies of the log records on; one batch that cannot be masked is not."""

    def __init__(self, exporter: LogRecordExporter, mask: Mask | None = None) -> None:
        self._exporter = exporter
        self._copies = Copies(engine_mask() if mask is None else mask)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Mask and pass on."""
        masked = GUARD.run("export_logs", lambda: [self._copies.log(record) for record in batch])
        return LogRecordExportResult.FAILURE if masked is None else self._exporter.export(masked)

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation there

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the other exporter send what it holds."""
        return self._exporter.force_flush(timeout_millis)


class RedactingMetricExporter(MetricExporter):
    """Passes masked copies of the metrics on: names, descriptions, attributes, exemplars.

    A series of which an attribute was masked gets the attribute ``errorplane.series``, a number of this process, so that
    it does not become one with another.
    """

    def __init__(self, exporter: MetricExporter, mask: Mask | None = None) -> None:
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._exporter = exporter
        self._copies = MetricCopies(engine_mask() if mask is None else mask)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """Mask and pass on."""
        masked = GUARD.run("export_metrics", self._copies.metrics, metrics_data)
        if masked is None:
            return MetricExportResult.FAILURE
        return self._exporter.export(masked, timeout_millis, **kwargs)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """Shut the other exporter down."""
        self._exporter.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Have the other exporter send what it holds."""
        return self._exporter.force_flush(timeout_millis)
