"""Which spans are requests to a service, and how long they took: for the metrics, under names that hide nobody."""

from __future__ import annotations

import enum
from collections import defaultdict
from typing import Protocol

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from errorplane.classification import ObservedError, Value, attributes, text
from errorplane.measures import Batch, Request, RequestKey, Requests

ENTRIES = frozenset({Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER})
"""Kinds of spans with which work enters a service."""
# OpenTelemetry proto, SpanFlags: bit 8 says that bit 9 tells whether the parent is remote.
PARENT, LOCAL = 0x300, 0x100
"""Of a span's flags, what they say about its parent, and that it is local: such a span is a part of a request."""


class Counting(enum.Enum):
    """Whether requests are counted, and where their names are read."""

    NOTHING = "nothing"
    AS_RECEIVED = "as received"  # unless something was hidden in the item
    REDACTED = "redacted"  # always in the redacted bytes, which takes longer


class Redacted(Protocol):
    """The redacted bytes of a request."""

    def item(self, number: int) -> bytes:
        """The bytes of one item."""
        ...

    def resource(self, number: int) -> dict[str, Value]:
        """The attributes of an item's resource."""
        ...


class RequestGroups:
    """Gathers the requests of one Export request by their labels.

    ``by_name`` has those of one resource that went well: by name their durations in ns, each followed by the number of
    its item. The loop over all spans adds to it by itself, since a call for each span costs more than everything else.
    """

    def __init__(self, redacted: Redacted) -> None:
        self.by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._redacted = redacted
        self._batches: dict[RequestKey, Batch] = {}

    def close(self, service: str, resource: ResourceSpans, first: int) -> None:
        """Take what ``by_name`` has of a resource, as received; ``first`` is the number of its first item."""
        if not self.by_name:
            return
        deployment = text("environment", attributes(resource.resource.attributes))
        for name, numbers in self.by_name.items():
            durations, items = numbers[::2], numbers[1::2]
            batch = self._batch(RequestKey(service, deployment, name or None, None))
            batch.durations.extend(durations)
            # The longest is worth a look, and any other one shows what is usual.
            longest = max(durations)
            proposed = {items[durations.index(longest)]: longest, items[0]: durations[0]}
            batch.proposed.extend(_request(_span(resource, item - first), took) for item, took in proposed.items())
        self.by_name.clear()

    def add(self, item: int, request: Request, error: ObservedError | None) -> None:
        """Add a request that failed, or whose labels must be read where they are redacted.

        Not one of a trace that the application did not sample: of those only the failed ones come, and as long as none
        of them counts, the failed and all requests are the same share of what happened.
        """
        if error is not None and error.unsampled:
            return
        resource = self._redacted.resource(item)
        service = text("service", resource) or "unknown_service"
        name = Span.FromString(self._redacted.item(item)).name or None if error is None else error.operation
        batch = self._batch(
            RequestKey(service, text("environment", resource), name, None if error is None else error.type)
        )
        batch.durations.append(request.duration_ns)
        batch.proposed.append(request)

    def requests(self) -> Requests:
        """All of them."""
        return self._batches

    def _batch(self, key: RequestKey) -> Batch:
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = Batch([], [])
        return batch


def _span(resource: ResourceSpans, number: int) -> Span:
    """One span of a resource, by its place among all of them."""
    for scope_spans in resource.scope_spans:
        if number < len(scope_spans.spans):
            return scope_spans.spans[number]
        number -= len(scope_spans.spans)
    raise IndexError(number)


def _request(span: Span, duration_ns: int) -> Request:
    return Request(duration_ns, span.trace_id, span.span_id, span.end_time_unix_nano)
