"""What the hooks cost an application: the stock OpenTelemetry SDK and the SDK with errorplane, in turn, in one run.

Two processes, one of them attached, run each case in short batches, one after the other, so that both see the same
machine. The figures are microseconds of CPU time; the exporters do nothing.
"""

from __future__ import annotations

import argparse
import gc
import logging
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from opentelemetry import baggage, context
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from errorplane.context import bind
from errorplane.hooks import attach

ROOT = Path(__file__).parents[2]
DEPTH = 10
"""Frames between the span and the failing function."""


class Failed(Exception):
    """What the cases raise."""


class NoSpans(SpanExporter):
    """Takes spans and drops them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class NoLogs(LogRecordExporter):
    """Takes log records and drops them."""

    def export(self, batch: Sequence[object]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


@dataclass(frozen=True)
class App:
    """An application with its own providers."""

    tracer: Tracer
    log: logging.Logger


def app() -> App:
    """An application, attached if the hooks are in."""
    resource = Resource({"service.name": "shop"})
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(NoSpans()))
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(NoLogs()))
    log = logging.Logger("shop")  # noqa: LOG001  # not in the tree, where other handlers may be
    log.addHandler(LoggingHandler(logger_provider=logs))
    return App(spans.get_tracer("shop"), log)


def fail(depth: int = DEPTH) -> None:
    """Raise, so many frames down."""
    if depth:
        fail(depth - 1)
    raise Failed(f"order {depth} of jo@example.org was lost")


def plain_span(it: App) -> None:
    """A span in which nothing happens."""
    with it.tracer.start_as_current_span("request"):
        pass


def bound_span(it: App) -> None:
    """The same on behalf of a tenant, whose name came in as baggage."""
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    with bind(correlation_id="c-17"), it.tracer.start_as_current_span("request"):
        pass
    context.detach(token)


def exception_in_a_span(it: App) -> None:
    """An exception that leaves a span."""
    try:
        with it.tracer.start_as_current_span("request"):
            fail()
    except Failed:
        pass


def exception_in_three_spans(it: App) -> None:
    """An exception that leaves three nested spans."""
    try:
        with it.tracer.start_as_current_span("request"), it.tracer.start_as_current_span("service"):
            exception_in_query(it)
    except Failed:
        pass


def exception_in_query(it: App) -> None:
    """The innermost of the three."""
    with it.tracer.start_as_current_span("query"):
        fail()


def plain_log(it: App) -> None:
    """A log record without an exception."""
    it.log.warning("three orders left")


def logged_exception(it: App) -> None:
    """An exception that is logged, outside of any span."""
    try:
        fail()
    except Failed:
        it.log.exception("cannot serve")


def span_and_log(it: App) -> None:
    """An exception that leaves a span and is then logged."""
    try:
        with it.tracer.start_as_current_span("request"):
            fail()
    except Failed:
        it.log.exception("cannot serve")


def traceback_only(_: App) -> None:
    """Not OpenTelemetry at all: raise, and format the stack trace."""
    try:
        fail()
    except Failed as error:
        traceback.format_exception(error)


CASES: tuple[tuple[str, Callable[[App], None], int], ...] = (
    ("span", plain_span, 400),
    ("span, with tenant and correlation id", bound_span, 400),
    ("log record", plain_log, 400),
    ("exception in a span", exception_in_a_span, 60),
    ("exception in three nested spans", exception_in_three_spans, 30),
    ("logged exception", logged_exception, 60),
    ("exception in a span, then logged", span_and_log, 40),
    ("(formatting the stack trace alone)", traceback_only, 60),
)


class Worker:
    """A process of its own that runs batches when asked to, with the hooks or without."""

    def __init__(self, kind: str) -> None:
        command = [sys.executable, "-m", "tests.bench.instrumentation", "--worker", kind]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def measure(self, case: int) -> float:
        """Microseconds of CPU time for one call, over a batch."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{case}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench: {self._process.args!r} ended with {self._process.wait(10)}; its error is above")
        return float(answer)

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


def work(kind: str) -> int:
    """Be a worker: for each number of a case read, run a batch of it and write what one call took."""
    if kind == "attached":
        attach(environ={})
    it = app()
    gc.disable()
    for line in sys.stdin:
        _, case, times = CASES[int(line)]
        gc.collect()
        started = time.thread_time_ns()
        for _ in range(times):
            case(it)
        print((time.thread_time_ns() - started) / times / 1000, flush=True)
    return 0


def run(rounds: int) -> list[tuple[list[float], list[float]]]:
    """For each case the batches of the stock SDK and those with the hooks, taken in turn."""
    workers = Worker("stock"), Worker("attached")
    results: list[tuple[list[float], list[float]]] = [([], []) for _ in CASES]
    for round_number in range(rounds + 1):
        for case, result in enumerate(results):
            for worker, batches in zip(workers, result, strict=True):
                took = worker.measure(case)
                if round_number:  # the first round warms up
                    batches.append(took)
    for worker in workers:
        worker.close()
    return results


def table(results: list[tuple[list[float], list[float]]]) -> str:
    """One row a case: medians, the quartiles around them, and what the hooks add."""
    rows = ["| case | stock SDK, us | with errorplane, us | added, us | added |", "|" + " --- |" * 5]
    for (name, *_), (stock, attached) in zip(CASES, results, strict=True):
        added = statistics.median(ours - theirs for theirs, ours in zip(stock, attached, strict=True))
        share = added / statistics.median(stock)
        rows.append(f"| {name} | {_spread(stock)} | {_spread(attached)} | {added:+.1f} | {share:+.0%} |")
    return "\n".join(rows)


def _spread(batches: list[float]) -> str:
    low, middle, high = statistics.quantiles(batches, n=4)
    return f"{middle:.1f} ({low:.1f}-{high:.1f})"


def main() -> int:
    """Run all cases and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30, help="batches of each case (default: 30)")
    parser.add_argument("--worker", choices=("stock", "attached"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(args.worker)
    print(
        f"what the hooks add to the application: {args.rounds} batches of each case, stock and attached in turn; "
        f"exceptions {DEPTH} frames deep; median (quartiles) of CPU time for one; Python {sys.version.split()[0]}, "
        f"OpenTelemetry SDK {version('opentelemetry-sdk')}\n"
    )
    print(table(run(args.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
