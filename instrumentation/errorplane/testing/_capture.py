"""Finished spans and log records, kept in memory, as the hooks left them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Self

from opentelemetry._logs import Logger
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from errorplane.errors import EXCEPTION_TYPE
from errorplane.hooks import attach, detach, is_attached, reporting_to
from errorplane.testing._ids import SeededIds


class Capture:
    """Providers of its own with errorplane attached, for the length of a `with` block.

    Touches no global provider, so it works in any test suite; `report` writes to its log records. `handler` is a handler for the standard library's
    logging; add it to the logger under test. `environ` is what `attach` reads; it is not read where that was called
    before.
    """

    def __init__(
        self,
        service: str = "test",
        seed: int = 0,
        new_id: Callable[[], str] | None = None,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        ids = SeededIds(seed)
        self._new_id = new_id or ids
        self._was_attached = is_attached()
        if not self._was_attached:
            attach(new_id=self._new_id, environ=environ)
        resource = Resource({"service.name": service})
        self._spans = InMemorySpanExporter()
        self._logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # its constructor has no annotations
        self.tracer_provider = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.handler: logging.Handler = LoggingHandler(logger_provider=self.logger_provider)
        self._back = reporting_to(self.logger_provider)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._back()
        self.tracer_provider.shutdown()
        self.logger_provider.shutdown()
        if not self._was_attached:
            detach()

    @property
    def tracer(self) -> Tracer:
        """A tracer whose spans end up in `spans`."""
        return self.tracer_provider.get_tracer("errorplane.testing")

    @property
    def logger(self) -> Logger:
        """An OpenTelemetry logger whose records end up in `logs`."""
        return self.logger_provider.get_logger("errorplane.testing")

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """The finished spans by name; of equal names the last."""
        return {span.name: span for span in self._spans.get_finished_spans()}

    @property
    def logs(self) -> list[Mapping[str, Any]]:
        """The attributes of each log record, in order."""
        return [dict(data.log_record.attributes or {}) for data in self._logs.get_finished_logs()]

    @property
    def records(self) -> Sequence[ReadableLogRecord]:
        """The log records themselves, in order."""
        return self._logs.get_finished_logs()

    @property
    def exceptions(self) -> list[tuple[str, Event]]:
        """Each exception event with the name of its span, in the order in which the spans ended."""
        spans = self._spans.get_finished_spans()
        return [(span.name, event) for span in spans for event in span.events if EXCEPTION_TYPE in _of(event)]


def _of(event: Event) -> Mapping[str, Any]:
    return event.attributes or {}
