"""The free texts of errors in an Export request that was redacted: names in them are hidden as well.

These are looked at, and nothing else: the message of a span's status, the attributes ``exception.message`` and
``error.message`` of spans, span events and log records, and the body of a log record, if it is a string, of severity
ERROR or above or with an ``exception.*`` attribute. Error facts take their messages from these, so they hold no more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from errorplane.detectors import DataClass, Transform, data_class, most_sensitive, replacement
from errorplane.errors import DATA_CLASS, REDACTED
from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, Layout, frame, splice, walk
from errorplane.policy import Redaction
from errorplane.redaction._marks import read_mark
from errorplane.redaction._quarantine import DEADLINE, ERROR, Seal, withheld
from errorplane.redaction._result import Redacted
from errorplane.redaction.ner._names import Names
from errorplane.redaction.ner._process import TooLate

MESSAGE_KEYS = frozenset({"exception.message", "error.message"})


class ErrorTexts:
    """Hides names in the free texts of errors; safe to use from several threads. ``clock`` is that of ``names``."""

    def __init__(
        self,
        names: Names,
        transform: Transform | None = None,
        seal: Seal | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.names = names
        self._transform = transform or (lambda finding, _: replacement(finding.entity))
        self._seal = seal
        self._clock = clock

    @classmethod
    def from_policy(
        cls, policy: Redaction, transform: Transform | None = None, seal: Seal | None = None
    ) -> ErrorTexts | None:
        """What the policy asks for; None if that is nothing. Raises ``NerUnavailable``; starting takes some seconds."""
        ner = policy.ner
        return None if ner is None else cls(Names(ner.model, ner.entities, ner.deadline), transform, seal)

    def apply(self, signal: Signal, redacted: Redacted, seconds: float) -> Redacted:
        """The request with names hidden, counted and marked; texts not looked at within ``seconds`` are withheld."""
        if signal is Signal.METRICS:
            return redacted
        deadline = self._clock() + seconds
        body = redacted.body
        layout = walk(signal, body)
        edits: list[Edit] = []
        found, withheld_texts = Counter(redacted.found), Counter(redacted.quarantined)
        items, classes = dict(redacted.items), dict(redacted.data_classes)
        for number, (start, end) in enumerate(layout.items):
            look = _Look(self, deadline)
            item = look.item(signal, body[start:end])
            if item is None:
                continue
            if look.found:
                classes[number] = classes.get(number, frozenset()) | _mark(item.attributes, look.found)
                items[number] = Counter(items.get(number, {})) + look.found
            found += look.found
            withheld_texts += look.withheld
            edits.append(Edit(start, end, item.SerializeToString(), _around(body, layout, number)))
        if not edits:
            return redacted
        return replace(
            redacted,
            body=splice(body, edits),
            found=found,
            quarantined=withheld_texts,
            items=items,
            data_classes=classes,
        )

    def text(self, text: str, deadline: float) -> tuple[str, Counter[str], str | None]:
        """A text with names hidden, what was found, and why it had to be withheld."""
        try:
            findings = self.names.find(text, deadline)
            out: list[str] = []
            done = 0
            hidden: Counter[str] = Counter()
            for finding in findings:
                value = text[finding.start : finding.end]
                new = self._transform(finding, value)
                hidden[finding.entity] += new != value
                out += (text[done : finding.start], new)
                done = finding.end
            return "".join((*out, text[done:])), +hidden, None
        except TooLate:
            reason = DEADLINE
        except Exception:  # noqa: BLE001  # the boundary: no fault of a model may let the text pass
            reason = ERROR
        return withheld(reason, text.encode("utf-8", "replace"), self._seal), Counter(), reason


class _Look:
    """One item looked at."""

    def __init__(self, texts: ErrorTexts, deadline: float) -> None:
        self.found: Counter[str] = Counter()
        self.withheld: Counter[str] = Counter()
        self._texts = texts
        self._deadline = deadline
        self._changed = False

    def item(self, signal: Signal, body: bytes) -> Any | None:
        """The item with its texts replaced; None if it stays as it is."""
        if signal is Signal.TRACES:
            span = Span.FromString(body)
            if span.status.message:
                span.status.message = self._new(span.status.message)
            for attributes in (span.attributes, *(event.attributes for event in span.events)):
                self._messages(attributes)
            return span if self._changed else None
        record = LogRecord.FromString(body)
        self._messages(record.attributes)
        if record.body.WhichOneof("value") == "string_value" and _is_error(record):
            record.body.string_value = self._new(record.body.string_value)
        return record if self._changed else None

    def _messages(self, attributes: Iterable[KeyValue]) -> None:
        for each in attributes:
            if each.key in MESSAGE_KEYS and each.value.WhichOneof("value") == "string_value":
                each.value.string_value = self._new(each.value.string_value)

    def _new(self, text: str) -> str:
        new, found, reason = self._texts.text(text, self._deadline)
        self.found += found
        self.withheld.update([reason] if reason else [])
        self._changed |= new != text
        return new


def _is_error(record: LogRecord) -> bool:
    return record.severity_number >= SEVERITY_NUMBER_ERROR or any(
        each.key.startswith("exception.") for each in record.attributes
    )


def _mark(attributes: Any, found: Counter[str]) -> frozenset[DataClass]:
    """Count what was found in the item's mark, as ``errorplane.redaction._marks`` writes it; returns the classes."""
    counts, classes = Counter(found), {data_class(entity) for entity in found}
    kept: list[KeyValue] = []
    for each in attributes:
        mark = read_mark(each)
        if mark is None:
            kept.append(each)
        elif mark.entity is not None:
            counts[mark.entity] += mark.count
        elif mark.data_class is not None:
            classes.add(mark.data_class)
    kept += _encoded(counts, most_sensitive(classes))
    kept = [KeyValue.FromString(each.SerializeToString()) for each in kept]
    del attributes[:]
    attributes.extend(kept)
    return frozenset(classes)


def _encoded(counts: Counter[str], most: DataClass | None) -> Iterator[KeyValue]:
    if most is not None:
        yield KeyValue(key=DATA_CLASS, value=AnyValue(string_value=most))
    for entity, count in sorted(counts.items()):
        yield KeyValue(key=REDACTED + entity.lower(), value=AnyValue(int_value=count))


def _around(body: bytes, layout: Layout, number: int) -> tuple[Any, ...]:
    scope, resource = layout.scope_of(number), layout.resource_of(number)
    start, end = layout.items[number]
    return (
        frame(body, resource.start, resource.end),
        frame(body, scope.start, scope.end),
        frame(body, start, end),
    )
