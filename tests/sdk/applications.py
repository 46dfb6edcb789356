"""An application of one process: providers of the SDK, a tail sampler, exporters that remember."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Span, Status, StatusCode
from tests.support.collector_tools import wait_until

from errorplane.policy import Policy
from errorplane.sdk import TailSampling, TailSamplingLogRecordProcessor, TailSamplingSpanProcessor

ERRORS_ONLY: Sequence[Mapping[str, Any]] = [
    {"name": "errors", "when": {"status": "error"}},
    {"name": "rest", "keep": 0},
]
RESOURCE = Resource({"service.name": "shop"})
DEADLINE_S = 20.0


class Spans(SpanExporter):
    """Remembers spans; while ``away`` is set, no batch is taken, and those with a span of the name ``refused`` never.

    While ``open`` is not set it blocks, as a backend may that does not answer.
    """

    def __init__(self, refused: str = "") -> None:
        self.spans: list[ReadableSpan] = []
        self.away = False
        self.closed = 0
        self.open = threading.Event()
        self.open.set()
        self._refused = refused

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Remember them."""
        assert self.open.wait(DEADLINE_S), "the test has not opened the exporter again"
        if self.away or any(span.name == self._refused for span in spans):
            return SpanExportResult.FAILURE
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Count it."""
        self.closed += 1

    @property
    def names(self) -> list[str]:
        """Of the spans."""
        return [span.name for span in self.spans]


class Logs(LogRecordExporter):
    """Remembers log records, error facts apart."""

    def __init__(self) -> None:
        self.records: list[ReadableLogRecord] = []
        self.facts: list[ReadableLogRecord] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Remember them."""
        for record in batch:
            kind = self.facts if record.log_record.event_name == "errorplane.error" else self.records
            kind.append(record)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held."""
        return True

    @property
    def bodies(self) -> list[Any]:
        """Of the log records."""
        return [record.log_record.body for record in self.records]


@dataclass
class Application:
    """Providers that share one tail sampler, and where they export to."""

    sampling: TailSampling
    spans: Spans
    logs: Logs
    tracer_provider: TracerProvider = field(init=False)
    logger_provider: LoggerProvider = field(init=False)

    def __post_init__(self) -> None:
        self.tracer_provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(TailSamplingSpanProcessor(self.spans, self.sampling))
        self.logger_provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(TailSamplingLogRecordProcessor(self.logs, self.sampling))
        self._tracer = self.tracer_provider.get_tracer("tests")
        self.logger = self.logger_provider.get_logger("tests")

    @contextlib.contextmanager
    def span(self, name: str, *, failed: bool = False, **attributes: Any) -> Iterator[Span]:
        """A span around the block."""
        with self._tracer.start_as_current_span(name, attributes=attributes) as span:
            if failed:
                span.set_status(Status(StatusCode.ERROR, "failed"))
            yield span

    def root(self, name: str, *, failed: bool = False, context: Context | None = None, **attributes: Any) -> Span:
        """A span that has ended; of a trace of its own without a context."""
        span = self._tracer.start_span(name, Context() if context is None else context, attributes=attributes)
        if failed:
            span.set_status(Status(StatusCode.ERROR, "failed"))
        span.end()
        return span

    def raise_in(self, name: str, error: Exception, *, context: Context | None = None, **attributes: Any) -> None:
        """A span that an exception leaves; of a trace of its own without a context."""
        own = Context() if context is None else context
        with contextlib.suppress(type(error)), self._tracer.start_as_current_span(name, own, attributes=attributes):
            raise error

    def items(self, signal: str = "traces") -> dict[str, Any]:
        """What became of the items of a signal."""
        found: dict[str, Any] = self.sampling.stats()["items"][signal]
        return found

    def decided(self, traces: int) -> None:
        """Wait until so many traces are decided."""

        def count() -> bool:
            stats = self.sampling.stats()["traces"]
            return bool(stats["kept"] + stats["dropped"] >= traces)

        wait_until(count, f"{traces} decided traces", DEADLINE_S)

    def close(self) -> None:
        """Shut both providers down."""
        self.spans.open.set()
        self.tracer_provider.shutdown()
        self.logger_provider.shutdown()


def policy(rules: Sequence[Mapping[str, Any]] = ERRORS_ONLY, **sampling: Any) -> Policy:
    """A policy with these rules, windows without end and no redaction."""
    section = {"decision_wait": "1h", **sampling, "rules": list(rules)}
    return Policy.model_validate({"version": 1, "redaction": {"detectors": []}, "sampling": section})


@contextlib.contextmanager
def application(
    rules: Sequence[Mapping[str, Any]] = ERRORS_ONLY,
    *,
    spans: Spans | None = None,
    options: Mapping[str, Any] | None = None,
    **sampling: Any,
) -> Iterator[Application]:
    """An application whose policy has these rules and ``sampling``; shut down at the end."""
    app = Application(TailSampling(policy(rules, **sampling), **(options or {})), spans or Spans(), Logs())
    try:
        yield app
    finally:
        app.close()


def accounts(items: Mapping[str, Any]) -> int:
    """How many items ``stats`` tells of, wherever they went."""
    dropped, lost = sum(items["dropped"].values()), sum(items["lost"].values())
    return int(items["exported"] + dropped - items["rescued"] + lost + items["held"] + items["queued"])
