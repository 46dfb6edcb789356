"""Processors that mask before others see what was recorded."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from errorplane.hooks import GUARD
from errorplane.masking import Mask
from errorplane.sdk._copies import Copies
from errorplane.sdk._engine import engine_mask


class RedactingSpanProcessor(SpanProcessor):
    """Hands masked copies of ended spans to another processor, such as ``BatchSpanProcessor``.

    A span that cannot be masked is not handed on. Other processors of the provider see the span as it was.
    """

    def __init__(self, processor: SpanProcessor, mask: Mask | None = None) -> None:
        self._processor = processor
        self._copies = Copies(engine_mask() if mask is None else mask)

    @property
    def span_exporter(self) -> object:
        """What the other processor exports to, by which the application's error export knows it; None if it does not."""
        return getattr(self._processor, "span_exporter", None)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Tell the other processor."""
        self._processor.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the masked copy on."""
        masked = GUARD.run("span_end", self._copies.span, span)
        if masked is not None:
            self._processor.on_end(masked)

    def shutdown(self) -> None:
        """Shut the other processor down."""
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the other processor send what it holds."""
        return self._processor.force_flush(timeout_millis)


class RedactingLogRecordProcessor(LogRecordProcessor):
    """Hands masked copies of log records to another processor, such as ``BatchLogRecordProcessor``.

    A record that cannot be masked is not handed on. Other processors of the provider see the record as it was.
    """

    def __init__(self, processor: LogRecordProcessor, mask: Mask | None = None) -> None:
        self._processor = processor
        self._copies = Copies(engine_mask() if mask is None else mask)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Hand the masked copy on."""
        masked = GUARD.run("log_emit", self._copies.emitted, log_record)
        if masked is not None:
            self._processor.on_emit(masked)

    def shutdown(self) -> None:
        """Shut the other processor down."""
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the other processor send what it holds."""
        return self._processor.force_flush(timeout_millis)
