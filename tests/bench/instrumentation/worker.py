"""A process that is set up as a contender says and runs batches of calls, and the handle that asks it to."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry import baggage, context, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from tests.bench.instrumentation.cases import BY_NAME, App
from tests.bench.instrumentation.chain import chain
from tests.bench.instrumentation.contenders import ROOT, STOCK, Contender, called

_END_S = 10.0


class Worker:
    """A process of its own that runs batches when asked to."""

    def __init__(self, who: Contender) -> None:
        command = who.command(sys.executable, "-m", __spec__.name, who.name)
        nowhere = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "none")
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=who.environment(**nowhere),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self, case: str, times: int | None = None) -> float:
        """Microseconds of CPU time of one call, over a batch (of ``times``). SystemExit if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # then there is no answer either
            self._process.stdin.write(f"{times or 0} {case}\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench: {self._process.args!r} ended with {self._process.wait(_END_S)}; see above")
        return float(answer)

    def close(self) -> None:
        """End it."""
        with suppress(BrokenPipeError):
            self._process.communicate(timeout=_END_S)


class _NoSpans(SpanExporter):
    """Takes spans and drops them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _NoLogs(LogRecordExporter):
    """Takes log records and drops them."""

    def export(self, batch: Sequence[object]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _application(who: Contender, folder: Path) -> App:
    fail = chain(folder)
    log = logging.getLogger("shop")
    if who.sentry is not None:
        import sentry_sdk

        logging.getLogger().addHandler(logging.NullHandler())
        start_sentry(who)
        return App(
            lambda name: sentry_sdk.start_transaction(name=name),
            lambda name: sentry_sdk.start_span(name=name),
            log,
            sentry_sdk.capture_exception,
            fail,
        )
    if who is STOCK:
        resource = Resource({"service.name": "shop"})
        trace.set_tracer_provider(TracerProvider(resource=resource))
        logs = LoggerProvider(resource=resource)
        logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
    else:
        logs = _sdk(get_logger_provider(), LoggerProvider)
    _sdk(trace.get_tracer_provider(), TracerProvider).add_span_processor(SimpleSpanProcessor(_NoSpans()))
    logs.add_log_record_processor(SimpleLogRecordProcessor(_NoLogs()))
    span = trace.get_tracer("shop").start_as_current_span
    fields = (_five_fields, _baggage_fields) if _is_attached() else ()
    return App(span, span, log, lambda _: None, fail, *fields)


def _sdk(provider: object, kind: type[Any]) -> Any:
    if not isinstance(provider, kind):
        raise SystemExit(f"bench: opentelemetry-instrument has set up {type(provider).__name__}, no {kind.__name__}")
    return provider


def _is_attached() -> bool:
    hooks = sys.modules.get("errorplane.hooks")
    return hooks is not None and hooks.is_attached()


def _five_fields() -> AbstractContextManager[object]:
    """As a middleware binds them for a request."""
    from errorplane.context import bind

    return bind(
        correlation_id="c-17", tenant="acme", component="cart", deployment="production", deployment_id="2026-11-25.3"
    )


def _baggage_fields() -> AbstractContextManager[object]:
    """Three fields bound, two in the baggage that came in."""
    from errorplane.context import bind

    stack = ExitStack()
    came = baggage.set_baggage("plan", "gold", baggage.set_baggage("region", "eu-west"))
    stack.callback(context.detach, context.attach(came))
    stack.enter_context(bind(correlation_id="c-17", tenant="acme", component="cart"))
    return stack


def start_sentry(who: Contender) -> None:
    """The real sentry-sdk with the contender's options; what it would send is dropped."""
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: object) -> None:
            """Drop it."""

    options: dict[str, Any] = {**(who.sentry or {})}
    sentry_sdk.init("http://public@127.0.0.1:9/1", transport=Nowhere, **options)


def _batch(app: App, name: str, times: int) -> float:
    case = BY_NAME[name]
    times = times or case.times
    call = partial(case.call, app)
    gc.collect()
    with case.within(app):
        started = time.thread_time_ns()
        for _ in range(times):
            call()
        took = time.thread_time_ns() - started
    return took / times / 1000


def main() -> int:
    """Be a worker: for each line, a number of calls and a case, run a batch and write what one call took."""
    who = called(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        app = _application(who, Path(folder))
        if who.name.startswith("errorplane") != _is_attached():
            raise SystemExit(f"bench: errorplane is {'' if _is_attached() else 'not '}attached for {who.name}")
        gc.disable()
        for line in sys.stdin:
            times, _, name = line.strip().partition(" ")
            print(_batch(app, name, int(times)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
