"""What an application writes of its business errors, kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.trace import Tracer

from errorplane.business import measuring_to
from errorplane.testing import Capture


class Shop:
    """Spans, events and counts of one application that has errorplane attached."""

    def __init__(self, capture: Capture, reader: InMemoryMetricReader) -> None:
        self.capture = capture
        self._reader = reader
        self._records = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # its constructor has no annotations
        capture.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._records))

    @property
    def tracer(self) -> Tracer:
        return self.capture.tracer

    @property
    def events(self) -> list[ReadableLogRecord]:
        return list(self._records.get_finished_logs())

    @property
    def event(self) -> ReadableLogRecord:
        """The only one."""
        (event,) = self.events
        return event

    def counts(self, name: str = "errorplane.business.errors") -> list[tuple[dict[str, Any], int]]:
        """The series of a counter, with their values."""
        data = self._reader.get_metrics_data()
        return [
            (dict(point.attributes or {}), int(point.value))
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
            if isinstance(point, NumberDataPoint)
        ]

    def everything(self) -> str:
        """All that was written anywhere, as text."""
        written = [span.to_json() for span in self.capture.spans.values()]
        written += [record.to_json() for record in self.events]
        return "\n".join([*written, repr(self.counts()), repr(self.counts("errorplane.business.validation.errors"))])


@pytest.fixture
def shop() -> Iterator[Shop]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    undo = measuring_to(provider)
    with Capture(service="shop") as capture:
        yield Shop(capture, reader)
    undo()
    provider.shutdown()
