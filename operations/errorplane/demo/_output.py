"""What the destinations hold: OTLP JSON lines read back into spans, log records, error facts and counts."""

from __future__ import annotations

import base64
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errorplane.access import AllowAll, local_actor
from errorplane.cli import CommandFailed
from errorplane.demo._folder import Folder
from errorplane.errors import EVENT_NAME, RETENTION_CLASS, ErrorFact
from errorplane.keys import KeyUnavailable, from_policy
from errorplane.otlp import SegmentError, read_segment
from errorplane.policy import Policy

# Signal -> what its items are called.
SIGNALS = {"traces": "spans", "logs": "logs", "metrics": "metrics"}
_STATUS_ERROR = 2


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a span."""

    name: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """One span; ids are hex, times Unix nanoseconds."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    retention_class: str
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    status_text: str
    attributes: Mapping[str, Any]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """One log record that is not an error fact; ``trace_id`` is empty outside of a trace."""

    trace_id: str
    span_id: str
    service: str
    retention_class: str
    severity: str
    body: str
    attributes: Mapping[str, Any]


@dataclass(slots=True)
class Output:
    """Everything that one destination holds.

    ``counts`` is by kind of item and retention class, ``places`` the files that hold a class; ``raw`` are all lines,
    ``strings`` all texts in them.
    """

    name: str
    endpoint: str | None
    files: tuple[Path, ...]
    spans: list[Span] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    facts: list[ErrorFact] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: defaultdict[str, set[Path]] = field(default_factory=lambda: defaultdict(set))
    raw: list[bytes] = field(default_factory=list)
    strings: set[str] = field(default_factory=set)

    def by_class(self, kind: str) -> dict[str, int]:
        """Spans, logs or metrics by retention class, those without any left out."""
        return {name: count for (counted, name), count in sorted(self.counts.items()) if counted == kind and count}

    @property
    def items(self) -> Iterator[Span | Log]:
        """Spans and log records."""
        yield from self.spans
        yield from self.logs


def read_outputs(policy: Policy, folder: Folder) -> dict[str, Output]:
    """The output of each destination of the policy; that of an OTLP destination is what the gateway wrote."""
    access = AllowAll(policy.journal.path / "audit.jsonl")
    actor = local_actor()
    outputs = {}
    for name, destination in policy.destinations.items():
        if destination.file is not None:
            place, endpoint = destination.file.location, None
        else:
            place, endpoint = folder.gateway, destination.otlp.endpoint if destination.otlp else None
        outputs[name] = output = Output(name, endpoint, tuple(_files(place)))
        for path in output.files:
            decision = access.decide(actor, "error-data.read", str(path))
            if not decision.allowed:
                raise CommandFailed(f"{path}: not allowed: {decision.reason}")
            for line in _lines(path, policy):
                _take(output, line, path)
    return outputs


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.rglob("*") if path.name.endswith((".jsonl", ".jsonl.enc")))
    return [place] if place.exists() else []


def _lines(path: Path, policy: Policy) -> Iterator[bytes]:
    try:
        key = from_policy(policy).key("segments") if path.suffix == ".enc" else None
        yield from read_segment(path, key)
    except (OSError, SegmentError, KeyUnavailable) as error:
        raise CommandFailed(f"{path}: {error}") from error


def _take(output: Output, line: bytes, path: Path) -> None:
    document = json.loads(line)
    output.raw.append(line)
    output.strings.update(texts(document))
    groups = (
        group for name in ("resourceSpans", "resourceLogs", "resourceMetrics") for group in document.get(name, ())
    )
    for group in groups:
        output.places[_class(attributes(group.get("resource", {})))].add(path)
    for group in document.get("resourceSpans", ()):
        resource = attributes(group.get("resource", {}))
        spans = [_span(span, resource) for scope in group.get("scopeSpans", ()) for span in scope.get("spans", ())]
        output.spans += spans
        output.counts["spans", _class(resource)] += len(spans)
    for group in document.get("resourceLogs", ()):
        resource = attributes(group.get("resource", {}))
        records = [record for scope in group.get("scopeLogs", ()) for record in scope.get("logRecords", ())]
        output.counts["logs", _class(resource)] += len(records)
        for record in records:
            if record.get("eventName") == EVENT_NAME:
                output.facts.append(ErrorFact.from_attributes(attributes(record)))
            else:
                output.logs.append(_log(record, resource))
    for group in document.get("resourceMetrics", ()):
        resource = attributes(group.get("resource", {}))
        count = sum(len(scope.get("metrics", ())) for scope in group.get("scopeMetrics", ()))
        output.counts["metrics", _class(resource)] += count


def _class(resource: Mapping[str, Any]) -> str:
    return str(resource.get(RETENTION_CLASS, ""))


def _span(span: dict[str, Any], resource: Mapping[str, Any]) -> Span:
    status = span.get("status", {})
    return Span(
        trace_id=span.get("traceId", ""),
        span_id=span.get("spanId", ""),
        parent_id=span.get("parentSpanId", ""),
        service=str(resource.get("service.name", "")),
        retention_class=_class(resource),
        name=span.get("name", ""),
        start_ns=int(span.get("startTimeUnixNano", 0)),
        end_ns=int(span.get("endTimeUnixNano", 0)),
        failed=status.get("code") == _STATUS_ERROR,
        status_text=status.get("message", ""),
        attributes=attributes(span),
        events=tuple(Event(event.get("name", ""), attributes(event)) for event in span.get("events", ())),
    )


def _log(record: dict[str, Any], resource: Mapping[str, Any]) -> Log:
    return Log(
        trace_id=record.get("traceId", ""),
        span_id=record.get("spanId", ""),
        service=str(resource.get("service.name", "")),
        retention_class=_class(resource),
        severity=record.get("severityText", ""),
        body=str(value_of(record.get("body", {}))),
        attributes=attributes(record),
    )


def attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an OTLP JSON object as plain values."""
    return {pair["key"]: value_of(pair.get("value", {})) for pair in holder.get("attributes", ())}


def value_of(value: Mapping[str, Any]) -> Any:
    """An OTLP JSON ``AnyValue`` as a plain value.

    >>> value_of({"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "3"}}]}})
    {'n': 3}
    """
    for kind, content in value.items():
        if kind == "intValue":
            return int(content)
        if kind == "arrayValue":
            return [value_of(element) for element in content.get("values", ())]
        if kind == "kvlistValue":
            return {pair["key"]: value_of(pair.get("value", {})) for pair in content.get("values", ())}
        if kind == "bytesValue":
            return base64.b64decode(content)
        return content
    return None


def texts(document: Any) -> Iterator[str]:
    """Every string of a JSON document, keys too; what is base64 of bytes also decoded."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for element in document:
            yield from texts(element)
    elif isinstance(document, dict):
        for key, element in document.items():
            yield key
            if key == "bytesValue":
                yield base64.b64decode(element).decode("utf-8", "replace")
            yield from texts(element)
