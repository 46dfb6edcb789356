"""Processors of the SDK that hand what ends to a tail sampler, with the exporters of what it keeps."""

from __future__ import annotations

import copy

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from errorplane.hooks import GUARD
from errorplane.otlp import Signal
from errorplane.sdk._decode import decode_logs, decode_spans
from errorplane.sdk._export_thread import Route
from errorplane.sdk._tail_sampling import TailSampling

_SHUTDOWN_S = 30.0
_NOTHING = Context()


class TailSamplingSpanProcessor(SpanProcessor):
    """Hands ended spans to ``sampling``, and exports those of the traces that it keeps.

    Takes the place of ``BatchSpanProcessor``. As there, spans that the SDK's own sampler did not sample are left out.
    """

    def __init__(self, exporter: SpanExporter, sampling: TailSampling) -> None:
        self._exporter = exporter
        self._sampling = sampling
        sampling.attach(
            Signal.TRACES, Route(decode_spans, lambda batch: exporter.export(batch) is SpanExportResult.SUCCESS)
        )

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is known yet."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span over; never waits."""
        context = span.context
        if context is not None and context.trace_flags.sampled:
            GUARD.run("span_end", self._sampling.put, Signal.TRACES, span)

    def shutdown(self) -> None:
        """Decide and export everything, within 30 s, and shut the exporter down."""
        GUARD.run("shutdown", self._sampling.close, Signal.TRACES, _SHUTDOWN_S)
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Decide everything that has ended so far, log records too, and export what is kept."""
        return bool(GUARD.run("force_flush", self._sampling.force_flush, timeout_millis))


class TailSamplingLogRecordProcessor(LogRecordProcessor):
    """Hands log records to ``sampling``, which decides them with their traces, and exports what it keeps.

    Takes the place of ``BatchLogRecordProcessor``. The exporter also gets an error fact for each error, whether its
    trace is kept or not.
    """

    def __init__(self, exporter: LogRecordExporter, sampling: TailSampling) -> None:
        self._exporter = exporter
        self._sampling = sampling
        sampling.attach(
            Signal.LOGS, Route(decode_logs, lambda batch: exporter.export(batch) is LogRecordExportResult.SUCCESS)
        )

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Hand the record over as it is now; never waits."""
        GUARD.run("log_emit", self._put, log_record)

    def _put(self, log_record: ReadWriteLogRecord) -> None:
        own = copy.copy(log_record.log_record)
        own.context = _NOTHING  # which would keep everything in the context of the emitting code alive
        resource = log_record.resource if log_record.resource is not None else Resource.get_empty()
        record = ReadableLogRecord(own, resource, log_record.instrumentation_scope, log_record.limits)
        self._sampling.put(Signal.LOGS, record)

    def shutdown(self) -> None:
        """Decide and export everything, within 30 s, and shut the exporter down."""
        GUARD.run("shutdown", self._sampling.close, Signal.LOGS, _SHUTDOWN_S)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no annotation there

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Decide everything that was emitted so far, spans too, and export what is kept."""
        return bool(GUARD.run("force_flush", self._sampling.force_flush, timeout_millis))
