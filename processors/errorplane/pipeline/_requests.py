"""Which spans are requests to a service, and how long they took: for the metrics, under names that hide nobody."""

from __future__ import annotations

import enum
from collections import defaultdict
from typing import Protocol

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from errorplane.classification import ObservedError, Value, attributes, text
from errorplane.measures import Request, RequestKey, Requests

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
    """Gathers the requests of one Export request by their labels; ``by_name`` has those of ``resource`` that went well.

    The loop over all spans adds to ``by_name`` by itself, since a call for each span costs more than everything else.
    """

    def __init__(self, redacted: Redacted) -> None:
        self.by_name: defaultdict[str, list[Request]] = defaultdict(list)
        self._redacted = redacted
        self._groups: dict[RequestKey, list[Request]] = {}

    def close(self, service: str, resource: ResourceSpans) -> None:
        """Take what ``by_name`` has of a resource, as received."""
        if self.by_name:
            deployment = text("environment", attributes(resource.resource.attributes))
            for name, requests in self.by_name.items():
                self._groups.setdefault(RequestKey(service, deployment, name or None, None), []).extend(requests)
            self.by_name.clear()

    def add(self, item: int, request: Request, error: ObservedError | None) -> None:
        """Add a request that failed, or whose labels must be read where they are redacted."""
        resource = self._redacted.resource(item)
        service = text("service", resource) or "unknown_service"
        name = Span.FromString(self._redacted.item(item)).name or None if error is None else error.operation
        key = RequestKey(service, text("environment", resource), name, None if error is None else error.type)
        self._groups.setdefault(key, []).append(request)

    def requests(self) -> Requests:
        """All of them."""
        return self._groups
