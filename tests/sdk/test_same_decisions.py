"""The same telemetry through a real processor and through the sampler of the SDK, with the same policy."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import SpanKind, StatusCode
from tests.sdk.applications import Logs, Spans
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import attribute_values, logs_in, policy, read_lines, run_processor, spans_in

from errorplane.otlp import Signal, to_json_line
from errorplane.policy import load
from errorplane.sdk import TailSampling, TailSamplingLogRecordProcessor, TailSamplingSpanProcessor

TRACES, BATCH = 300, 64
SAMPLING: Mapping[str, Any] = {
    "decision_wait": "1h",
    "rules": [
        {"name": "probes", "when": {"attributes": {"http.route": {"values": ["/healthz"]}}}, "action": "drop"},
        {"name": "timeouts", "when": {"kind": "timeout", "not": {"attributes": {"vip": {"is": True}}}}, "keep": 0.5},
        {"name": "errors", "when": {"status": "error"}, "budget": {"samples": 3, "window": "1h"}},
        {"name": "paid", "when": {"attributes": {"http.route": {"regex": "^/pay"}, "amount": {"min": 50.5}}}},
        {"name": "slow", "when": {"duration_over": "2s", "spans": {"max": 3}}},
        {"name": "rest", "keep": 0.2},
    ],
}
RETENTION = {
    "classes": {"short": {"days": 3}, "long": {"days": 300}},
    "rules": [
        {"when": {"status": "error"}, "class": "long"},
        {"when": {"data_class": "personal"}, "class": "long"},
        {"class": "short"},
    ],
}
ERRORS: Sequence[type[Exception]] = (TimeoutError, ValueError, KeyError, PermissionError)


class Ids(IdGenerator):
    """The same ids in each run, so that chance keeps the same traces."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def generate_span_id(self) -> int:
        return self._source.getrandbits(64) | 1

    def generate_trace_id(self) -> int:
        return self._source.getrandbits(128) | 1


class Traffic:
    """Recorded spans and log records of an application, in the order in which they ended."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK has no annotation there
        resource = Resource({"service.name": "shop", "service.version": "1"})
        self._tracers = TracerProvider(resource=resource, id_generator=Ids(random.Random(seed)), shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(spans))
        self._loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
        for number in range(TRACES):
            self._trace(number)
        self.spans: list[ReadableSpan] = list(spans.get_finished_spans())
        self.logs: list[ReadableLogRecord] = list(logs.get_finished_logs())

    def _trace(self, number: int) -> None:
        chance = self._random.random
        tracer, logger = self._tracers.get_tracer("shop", "1"), self._loggers.get_logger("shop")
        route = self._random.choice(["/healthz", "/pay", "/pay/now", "/cart"])
        start = 1_790_000_000_000_000_000 + number * 1_000_000
        with tracer.start_as_current_span(
            f"GET {route}", Context(), SpanKind.SERVER, start_time=start, end_on_exit=False
        ) as root:
            root.set_attributes({"http.route": route, "amount": round(chance() * 100, 2), "vip": chance() < 0.3})
            if chance() < 0.2:
                root.set_attribute("user.mail", f"user{number}@example.com")
            for child in range(self._random.choice([0, 1, 2, 3, 5])):
                span = tracer.start_span(f"db {child}", kind=SpanKind.CLIENT, start_time=start)
                if chance() < 0.05:
                    span.record_exception(self._random.choice(ERRORS)(f"order {number} failed"), timestamp=start)
                    span.set_status(StatusCode.ERROR, "failed")
                span.end(start + 1000 * child)
            if chance() < 0.1:
                logger.emit(body=f"order {number}", severity_number=self._random.choice(list(SeverityNumber)))
            root.end(start + int(3_000_000_000 * chance()))
        if chance() < 0.05:
            logger.emit(body="nobody's", severity_number=SeverityNumber.ERROR, context=Context())


def batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    """As many as an exporter sends at once."""
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch


def comparable(items: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str, str]]:
    """Of each item ids, name or body, trace state and attributes."""

    def row(item: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
        attributes = sorted((pair["key"], str(sorted(pair["value"].items()))) for pair in item.get("attributes", ()))
        named = str(item.get("name") or item.get("body") or "")  # the SDK's exporter writes an empty body, too
        return item.get("traceId", ""), item.get("spanId", ""), named, item.get("traceState", ""), str(attributes)

    return sorted(row(item) for item in items)


def resources(lines: Sequence[Mapping[str, Any]], group: str) -> set[str]:
    """What resources say, of one signal."""
    return {
        str(sorted((pair["key"], str(pair["value"])) for pair in each["resource"]["attributes"]))
        for line in lines
        for each in line.get(group, ())
    }


def by_processor(path: Path, traffic: Traffic) -> list[dict[str, Any]]:
    """What a real processor writes to its destination, as objects of OTLP JSON."""
    with run_processor(path) as processor:
        for batch in batches(traffic.spans):
            processor.send(Signal.TRACES, encode_spans(batch))
        for batch in batches(traffic.logs):
            processor.send(Signal.LOGS, encode_logs(batch))
        received = {"traces": len(traffic.spans), "logs": len(traffic.logs)}
        wait_until(lambda: processor.stats()["received"] == received, "all that was sent")
    return read_lines(path.parent / "out.jsonl")


def in_process(path: Path, traffic: Traffic) -> list[dict[str, Any]]:
    """What the sampler of the SDK exports, as the same objects."""
    spans, logs = Spans(), Logs()
    sampling = TailSampling(load(path), destination="out")
    processor = TailSamplingSpanProcessor(spans, sampling)
    records = TailSamplingLogRecordProcessor(logs, sampling)
    for span in traffic.spans:
        processor.on_end(span)
    for record in traffic.logs:
        sampling.put(Signal.LOGS, record)
    assert processor.force_flush()
    processor.shutdown()
    records.shutdown()
    bodies = [
        (Signal.TRACES, encode_spans(spans.spans)),
        (Signal.LOGS, encode_logs(logs.records)),
        (Signal.LOGS, encode_logs(logs.facts)),
    ]
    return [json.loads(to_json_line(signal, body.SerializeToString())) for signal, body in bodies]


def test_it_keeps_and_tags_what_a_processor_keeps_and_tags(tmp_path: Path) -> None:
    """Equal spans and log records, equal attributes, trace states and resources, equal error facts."""
    traffic = Traffic(seed=5)
    path = policy(tmp_path, sampling=SAMPLING, retention=RETENTION, errors={"max_per_second": 10_000})
    ours, theirs = in_process(path, traffic), by_processor(path, traffic)
    kept = comparable(spans_in(ours))
    assert len(traffic.spans) * 0.2 < len(kept) < len(traffic.spans) * 0.9
    assert kept == comparable(spans_in(theirs))
    assert comparable(logs_in(ours)) == comparable(logs_in(theirs)) != []
    assert comparable(logs_in(ours, facts=True)) == comparable(logs_in(theirs, facts=True)) != []
    for group in ("resourceSpans", "resourceLogs"):
        assert resources(ours, group) == resources(theirs, group) != set()
    rules = {attribute_values(span)["errorplane.sampling.rule"] for span in spans_in(ours)}
    assert rules == {"timeouts", "errors", "paid", "slow", "rest"}
