"""Masked copies of what the SDK hands to processors and exporters; the originals stay as they are."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status
from opentelemetry.trace.span import SpanContext, TraceState
from opentelemetry.util.types import Attributes

from errorplane.masking import Mask
from errorplane.sdk._identity import by_identity


class CopiedSpan(ReadableSpan):
    """A copy of a span; it says as the original how many attributes, events and links its limits have dropped."""

    def __init__(self, dropped: tuple[int, int, int], **parts: Any) -> None:
        super().__init__(**parts)
        self._dropped = dropped

    @property
    def dropped_attributes(self) -> int:
        """Attributes that the limits of the SDK dropped."""
        return self._dropped[0]

    @property
    def dropped_events(self) -> int:
        """Events that the limits of the SDK dropped."""
        return self._dropped[1]

    @property
    def dropped_links(self) -> int:
        """Links that the limits of the SDK dropped."""
        return self._dropped[2]


class Copies:
    """Makes masked copies; resources and scopes are remembered, since every item has the same."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self.resource = by_identity(self._resource)
        self.scope = by_identity(self._scope)

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """The span with every text and number in it masked; ids, times and kind are the same."""
        text = self._mask.text
        scope = span.instrumentation_scope
        return CopiedSpan(
            (span.dropped_attributes, span.dropped_events, span.dropped_links),
            name=text(span.name),
            context=self._context(span.context),
            parent=self._context(span.parent),
            resource=self.resource(span.resource),
            attributes=self.attributes(span.attributes),
            events=[Event(text(one.name), self.attributes(one.attributes), one.timestamp) for one in span.events],
            links=[self._link(link) for link in span.links],
            kind=span.kind,
            status=Status(span.status.status_code, span.status.description and text(span.status.description)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=scope and self.scope(scope),
        )

    def log(self, record: ReadableLogRecord) -> ReadableLogRecord:
        """The log record with body, event name, attributes, resource and scope masked, and without its exception, whose
        text the SDK has in the attributes."""
        scope = record.instrumentation_scope
        return replace(
            record,
            log_record=self.log_record(record.log_record),
            resource=self.resource(record.resource),
            instrumentation_scope=scope and self.scope(scope),
        )

    def emitted(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord:
        """The same for a log record that is just being emitted."""
        scope = record.instrumentation_scope
        masked = copy(record)
        masked.log_record = self.log_record(record.log_record)
        masked.resource = record.resource and self.resource(record.resource)
        masked.instrumentation_scope = scope and self.scope(scope)
        return masked

    def log_record(self, record: LogRecord) -> LogRecord:
        """The API's part of a log record, masked. Its exception goes: the SDK has its text in the attributes."""
        masked = copy(record)
        masked.body = self._mask.value(record.body)
        masked.attributes = self._bounded(record.attributes)
        masked.exception = None
        masked.event_name = record.event_name and self._mask.text(record.event_name)
        masked.severity_text = record.severity_text and self._mask.text(record.severity_text)
        return masked

    def _bounded(self, attributes: Attributes) -> BoundedAttributes:
        """Masked attributes that say, as the original ones, how many the limits of the SDK have dropped."""
        bounded = BoundedAttributes(None, self.attributes(attributes), immutable=False, extended_attributes=True)
        bounded.dropped = getattr(attributes, "dropped", 0)
        return bounded

    def attributes(self, attributes: Attributes) -> dict[str, Any]:
        """Attributes masked, their names too."""
        mask = self._mask
        return {mask.text(key): mask.value(value, key) for key, value in (attributes or {}).items()}

    def _resource(self, resource: Resource) -> Resource:
        return Resource(self.attributes(resource.attributes), self._mask.text(resource.schema_url))

    def _scope(self, scope: InstrumentationScope) -> InstrumentationScope:
        text = self._mask.text
        return InstrumentationScope(
            text(scope.name),
            scope.version and text(scope.version),
            scope.schema_url and text(scope.schema_url),
            self.attributes(scope.attributes),
        )

    def _link(self, link: Link) -> Link:
        context = self._context(link.context)
        assert context is not None
        return Link(context, self.attributes(link.attributes))

    def _context(self, context: SpanContext | None) -> SpanContext | None:
        """The context without the entries of its trace state in which something must be hidden."""
        if context is None or not context.trace_state:
            return context
        shown = [(key, value) for key, value in context.trace_state.items() if self._is_clean(f"{key}={value}")]
        state = TraceState(shown)
        return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags, state)

    def _is_clean(self, text: str) -> bool:
        return self._mask.text(text) == text
