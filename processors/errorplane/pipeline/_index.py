"""What the decision needs to know of a request, read once, while the sender waits: per trace a few values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from errorplane.classification import (
    ObservedError,
    Value,
    attributes,
    log_is_error,
    observe_log,
    observe_span,
    span_is_error,
    text,
)
from errorplane.detectors import DataClass, most_sensitive
from errorplane.measures import Request, Requests
from errorplane.otlp import Signal
from errorplane.otlp._wire import Layout
from errorplane.pipeline._hints import Classes, Hints
from errorplane.pipeline._requests import ENTRIES, LOCAL, PARENT, Counting, RequestGroups
from errorplane.sampling import Observer, Seen, explicit_randomness

_ERROR = Status.STATUS_CODE_ERROR
_RESOURCE_TYPES: dict[Signal, type[Message]] = {
    Signal.TRACES: ResourceSpans,
    Signal.LOGS: ResourceLogs,
    Signal.METRICS: ResourceMetrics,
}


_NO_CLASSES: frozenset[DataClass] = frozenset()


@dataclass(frozen=True, slots=True)
class LoneLog:
    """A log record without a trace, decided by itself."""

    item: int
    service: str
    error: ObservedError | None
    data_classes: frozenset[DataClass] = _NO_CLASSES
    hits: int = 0
    size: int = 0


@dataclass(slots=True)
class Index:
    """One request as the decider sees it. ``items`` counts spans, log records or metrics.

    ``faults`` says of items that no receiver may take what is wrong with them; an index with faults is not used.
    ``services`` and ``data_classes``, by metric, are those of a request of metrics. ``requests`` are for the metrics.
    """

    signal: Signal
    items: int
    faults: dict[int, str] = field(default_factory=dict)
    traces: dict[bytes, Seen] = field(default_factory=dict)
    lone: list[LoneLog] = field(default_factory=list)
    services: frozenset[str] = frozenset()
    data_classes: Classes = field(default_factory=dict)
    requests: Requests = field(default_factory=dict)


class Reader:
    """Reads single items of one redacted request, and the attributes of their resources."""

    def __init__(self, signal: Signal, body: bytes, layout: Layout) -> None:
        self._signal = signal
        self._body = body
        self._layout = layout
        self._resources: dict[int, dict[str, Value]] = {}

    def item(self, number: int) -> bytes:
        """The bytes of one item."""
        start, end = self._layout.items[number]
        return self._body[start:end]

    def resource(self, number: int) -> dict[str, Value]:
        """The attributes of an item's resource."""
        return self.group(self._layout.scope_of(number).resource)

    def group(self, group: int) -> dict[str, Value]:
        """The attributes of the resource of a group."""
        found = self._resources.get(group)
        if found is None:
            own = b"".join(self._body[start:end] for start, end in self._layout.resources[group].rest)
            message = cast(ResourceSpans, _RESOURCE_TYPES[self._signal].FromString(own))
            found = self._resources[group] = attributes(message.resource.attributes)
        return found


def index_request(
    signal: Signal,
    message: Message,
    body: bytes,
    layout: Layout,
    hints: Hints,
    observer: Observer | None = None,
    counting: Counting = Counting.NOTHING,
) -> Index:
    """Index a request: ``message`` as it was received, ``body`` and ``layout`` as redacted (same items, same order).

    ``observer`` sees what the sampling rules ask for besides.
    """
    candidates, classes = hints
    reader = Reader(signal, body, layout)
    if signal is Signal.TRACES:
        spans = cast(ExportTraceServiceRequest, message)
        index = _index_traces(spans, reader, candidates, classes, counting)
        if observer is not None:
            observer.spans(spans, body, layout, index.traces)
        return index
    if signal is Signal.LOGS:
        index = _index_logs(cast(ExportLogsServiceRequest, message), reader, candidates, classes)
        if observer is not None:
            _observe_logs(index, observer, body, layout)
        return index
    metrics = cast(ExportMetricsServiceRequest, message)
    services = frozenset(_service(group) for group in metrics.resource_metrics)
    return Index(signal, len(layout.items), services=services, data_classes=classes)


def _index_traces(
    message: ExportTraceServiceRequest,
    reader: Reader,
    candidates: frozenset[int],
    classes: Classes,
    counting: Counting,
) -> Index:
    index = Index(Signal.TRACES, 0)
    traces = index.traces
    groups = None if counting is Counting.NOTHING else RequestGroups(reader)
    by_name: Mapping[str, list[int]] = {} if groups is None else groups.by_name
    reread = counting is Counting.REDACTED
    item = 0
    for resource_spans in message.resource_spans:
        service = _service(resource_spans)
        services = frozenset((service,))
        first = item
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                trace_id = span.trace_id
                seen = traces.get(trace_id)
                if seen is None:
                    seen = traces[trace_id] = Seen(services=services)
                    if span.trace_state:  # one span tells: explicit randomness is that of the whole trace
                        seen.random = explicit_randomness(span.trace_state)
                span_id = span.span_id
                if len(span_id) != _SPAN_ID_BYTES or span_id == _NO_SPAN:
                    index.faults[item] = _fault("span_id", _SPAN_ID_BYTES, span_id)
                seen.items.append(item)
                if seen.services is not services:
                    seen.services |= services
                start, end = span.start_time_unix_nano, span.end_time_unix_nano
                if start and (start < seen.start_ns or not seen.start_ns):
                    seen.start_ns = start
                if end > seen.end_ns:  # noqa: PLR1730  # a call of max() for every span costs more
                    seen.end_ns = end
                if span.status.code == _ERROR or item in candidates:
                    error = _observe_span(seen, item, reader, classes)
                else:
                    error = None
                if (
                    groups is not None
                    and span.kind in ENTRIES
                    and (span.flags & PARENT != LOCAL or not span.parent_span_id)
                ):
                    if error is not None or reread or item in classes:
                        groups.add(item, Request(end - start, trace_id, span_id, end), error)
                    else:
                        group = by_name[span.name]
                        group.append(end - start)
                        group.append(item)
                if item in classes:
                    seen.data_classes |= classes[item]
                item += 1
        if groups is not None:
            groups.close(service, resource_spans, first)
    index.items = item
    if groups is not None:
        index.requests = groups.requests()
    for trace_id in [each for each in traces if len(each) != _TRACE_ID_BYTES or each == _NO_TRACE]:
        faulty = traces.pop(trace_id)
        index.faults |= dict.fromkeys(faulty.items, _fault("trace_id", _TRACE_ID_BYTES, trace_id))
    return index


# Trace context: an id of the right length that is not all zero.
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
_NO_TRACE, _NO_SPAN = bytes(_TRACE_ID_BYTES), bytes(_SPAN_ID_BYTES)


def _fault(name: str, length: int, value: bytes) -> str:
    return f"{name} must be {length} bytes, not all zero; got {value.hex()[:40]!r}"


def _observe_span(seen: Seen, item: int, reader: Reader, classes: Classes) -> ObservedError | None:
    span = Span.FromString(reader.item(item))
    if not span_is_error(span):
        return None
    error = observe_span(item, span, reader.resource(item), most_sensitive(classes.get(item, ())))
    seen.error = True
    seen.errors.append(error)
    return error


def _index_logs(
    message: ExportLogsServiceRequest, reader: Reader, candidates: frozenset[int], classes: Classes
) -> Index:
    index = Index(Signal.LOGS, 0)
    item = 0
    for service, record in _records(message):
        error = None
        hidden = classes.get(item, _NO_CLASSES)
        if item in candidates or log_is_error(record):
            redacted = LogRecord.FromString(reader.item(item))
            if log_is_error(redacted):
                error = observe_log(item, redacted, reader.resource(item), most_sensitive(hidden))
        if record.trace_id and len(record.trace_id) != _TRACE_ID_BYTES:
            index.faults[item] = _fault("trace_id", _TRACE_ID_BYTES, record.trace_id)
        elif record.trace_id and record.trace_id != _NO_TRACE:
            seen = index.traces.setdefault(record.trace_id, Seen())
            seen.items.append(item)
            seen.services |= {service}
            seen.data_classes |= hidden
            if error is not None:
                seen.error = True
                seen.errors.append(error)
        else:
            index.lone.append(LoneLog(item, service, error, hidden))
        item += 1
    index.items = item
    return index


def _observe_logs(index: Index, observer: Observer, body: bytes, layout: Layout) -> None:
    hits = observer.logs(body, layout)
    sizes = observer.sizes(layout)
    for seen in index.traces.values():
        seen.size = 0 if sizes is None else sizes.of(seen.items)
        for item in seen.items:
            seen.hits |= hits.get(item, 0)
    index.lone = [
        replace(lone, hits=hits.get(lone.item, 0), size=0 if sizes is None else sizes.of([lone.item]))
        for lone in index.lone
    ]


def _records(message: ExportLogsServiceRequest) -> Iterator[tuple[str, LogRecord]]:
    for resource_logs in message.resource_logs:
        service = _service(resource_logs)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                yield service, record


def _service(group: ResourceSpans | ResourceLogs | ResourceMetrics) -> str:
    for pair in group.resource.attributes:
        if pair.key == "service.name":
            return pair.value.string_value
    return text("service", attributes(group.resource.attributes)) or "unknown_service"
