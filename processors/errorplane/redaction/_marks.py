"""Marks: attributes that say of an item, a scope or a resource what was hidden in it, and how sensitive that was.

A mark stands where it identifies nothing: a metric's is in its ``metadata``, so that no data point changes. What an
earlier errorplane in the chain wrote is counted on, in one attribute a key.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.detectors import DataClass, most_sensitive
from errorplane.errors import DATA_CLASS, REDACTED
from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, Frame, Layout, Range, delimited, frame, read_varint
from errorplane.redaction._locate import Target
from errorplane.redaction._shapes import Kind

Classify = Callable[[str], DataClass]

# Tags of the attributes (opentelemetry-proto): Span 9, LogRecord 6, Metric.metadata 12; Resource 1,
# InstrumentationScope 3. Resource and scope are field 1 of their groups.
_ITEM = {Signal.TRACES: 0x4A, Signal.LOGS: 0x32, Signal.METRICS: 0x62}
_RESOURCE, _SCOPE, _OWN = 0x0A, 0x1A, 0x0A
# An entity's name has few digits and a count is less than any card number, so that neither carries one.
_COUNT = re.compile(re.escape(REDACTED) + r"(?!(?:[^0-9]*[0-9]){5})([a-z][a-z0-9_]{0,63})\Z")
_LARGEST = 1 << 40
_REMEMBERED = 4096  # most items hold one of few things
_start = attrgetter("start")


@dataclass(frozen=True, slots=True)
class Mark:
    """One attribute of a mark: an entity with its count, or the class of the whole."""

    entity: str | None = None
    count: int = 0
    data_class: DataClass | None = None


def is_mark_key(key: str) -> bool:
    """Whether this is a name of errorplane's own for marks."""
    return key == DATA_CLASS or key.startswith(REDACTED)


def read_mark(pair: KeyValue) -> Mark | None:
    """What an attribute with such a name says; None if it is no mark that errorplane writes."""
    kind = pair.value.WhichOneof("value")
    if pair.key == DATA_CLASS and kind == "string_value":
        word = pair.value.string_value
        return Mark(data_class=DataClass(word)) if word in DataClass.__members__.values() else None
    named = _COUNT.match(pair.key)
    if named is None or kind != "int_value" or not 0 < pair.value.int_value < _LARGEST:
        return None
    return Mark(named[1].upper(), pair.value.int_value)


class Sighting(NamedTuple):
    """What was found in one field, by entity, or the mark that the field is."""

    target: Target
    found: tuple[tuple[str, int], ...]
    mark: Mark | None


@dataclass(slots=True)
class _Holder:
    """One item, scope or resource: what was found in it now, the marks that it came with and where they stand."""

    found: Counter[str] = field(default_factory=Counter)
    earlier: Counter[str] = field(default_factory=Counter)
    earlier_classes: set[DataClass] = field(default_factory=set)
    replaced: list[Edit] = field(default_factory=list)
    frames: tuple[Frame, ...] = ()
    """Those of the resource group, the scope group and the item, outermost first; only of items."""

    def came_with(self, mark: Mark, target: Target) -> None:
        if mark.data_class is not None:
            self.earlier_classes.add(mark.data_class)
        if mark.entity is not None:
            self.earlier[mark.entity] += mark.count
        self.replaced.append(Edit(target.head, target.end, b"", target.outer))

    def classes(self, classify: Classify) -> frozenset[DataClass]:
        return frozenset(self.earlier_classes).union(map(classify, self.found), map(classify, self.earlier))

    def encoded(self, tag: int, classify: Classify) -> bytes:
        """The whole mark, what it came with included, as elements of a repeated field."""
        counts = self.found + self.earlier if self.earlier else self.found
        return _encoded(tag, self.classes(classify), tuple(sorted(counts.items())))


class Marking:
    """Gathers what was hidden where in one request; ``edits`` write it down, ``data_classes`` tell the rules."""

    def __init__(self, signal: Signal, body: bytes, layout: Layout, classify: Classify) -> None:
        self._tag = _ITEM[signal]
        self._body = body
        self._layout = layout
        self._classify = classify
        self._items: dict[int, _Holder] = {}
        self._resources: dict[int, _Holder] = {}
        self._scopes: dict[int, _Holder] = {}

    def note(self, item: int | None, sightings: Iterable[Sighting]) -> None:
        """Take in what was found in fields of an item, or outside of items (None): in a scope or a resource."""
        for target, found, mark in sightings:
            if mark is not None and not self._is_own(item, target):
                continue
            holder = self._holder(item, target.outer)
            for entity, count in found:
                holder.found[entity] += count
            if mark is not None:
                holder.came_with(mark, target)

    def found_in_items(self) -> dict[int, Mapping[str, int]]:
        """Findings by item and entity, those of this pass only."""
        return {number: holder.found for number, holder in self._items.items() if holder.found}

    def edits(self) -> Iterator[Edit]:
        """Append a mark to everything in which something was found, and take out the one that it came with."""
        for number, holder in self._items.items():
            if holder.found:
                yield from holder.replaced
                yield self._on_item(number, holder)
        for number, holder in self._resources.items():
            if holder.found:
                yield from holder.replaced
                group = self._layout.resources[number]
                mark = holder.encoded(_RESOURCE, self._classify)
                yield self._on_own(group.start, group.rest, mark, self._frames(number))
        for number, holder in self._scopes.items():
            if holder.found:
                yield from holder.replaced
                scope = self._layout.scopes[number]
                mark = holder.encoded(_SCOPE, self._classify)
                yield self._on_own(scope.start, scope.rest, mark, self._frames(scope.resource, number))

    def data_classes(self) -> dict[int, frozenset[DataClass]]:
        """For each item in which something was hidden, now or earlier, the classes of that.

        What was hidden in a resource or a scope counts for each item below it.
        """
        out: dict[int, frozenset[DataClass]] = {}
        for number, holder in self._items.items():
            _add(out, (number,), holder.classes(self._classify))
        for number, holder in self._scopes.items():
            scope = self._layout.scopes[number]
            _add(out, range(scope.first, scope.last), holder.classes(self._classify))
        for number, holder in self._resources.items():
            below = (scope for scope in self._layout.scopes if scope.resource == number)
            items = (item for scope in below for item in range(scope.first, scope.last))
            _add(out, items, holder.classes(self._classify))
        return out

    def _holder(self, item: int | None, outer: tuple[Frame, ...]) -> _Holder:
        if item is not None:
            return self._items.setdefault(item, _Holder(frames=outer[:3]))
        scope = self._scope_at(outer)
        if scope is not None:
            return self._scopes.setdefault(scope, _Holder())
        number = bisect_left(self._layout.resources, outer[0].start, key=_start)
        return self._resources.setdefault(number, _Holder())

    def _scope_at(self, outer: tuple[Frame, ...]) -> int | None:
        """The number of the scope group that the second frame is, if it is one."""
        if len(outer) < 2:
            return None
        number = bisect_left(self._layout.scopes, outer[1].start, key=_start)
        is_scope = number < len(self._layout.scopes) and self._layout.scopes[number].start == outer[1].start
        return number if is_scope else None

    def _is_own(self, item: int | None, target: Target) -> bool:
        """Whether a field is an attribute of the item, scope or resource itself, not of something in it."""
        if target.kind is not Kind.KEY_VALUE:
            return False
        at_resource = item is None and self._scope_at(target.outer) is None
        return len(target.outer) == (2 if at_resource else 3)

    def _on_item(self, number: int, holder: _Holder) -> Edit:
        end = self._layout.items[number][1]
        return Edit(end, end, holder.encoded(self._tag, self._classify), holder.frames)

    def _on_own(self, group_start: int, rest: tuple[Range, ...], mark: bytes, outer: tuple[Frame, ...]) -> Edit:
        """The mark at the end of the (last) resource or scope message of a group, which is made if there is none."""
        for head, _ in reversed(rest):
            tag, length_at = read_varint(self._body, head)
            if tag == _OWN:
                length, start = read_varint(self._body, length_at)
                end = start + length
                return Edit(end, end, mark, (*outer, Frame(length_at, start, end)))
        return Edit(group_start, group_start, bytes((_OWN,)) + delimited(mark), outer)

    def _frames(self, resource: int, scope: int | None = None) -> tuple[Frame, ...]:
        groups = [self._layout.resources[resource], *(() if scope is None else (self._layout.scopes[scope],))]
        return tuple(frame(self._body, group.start, group.end) for group in groups)


@functools.lru_cache(_REMEMBERED)
def _encoded(tag: int, classes: frozenset[DataClass], counts: tuple[tuple[str, int], ...]) -> bytes:
    chosen = most_sensitive(classes)
    pairs = [] if chosen is None else [KeyValue(key=DATA_CLASS, value=AnyValue(string_value=chosen))]
    for entity, count in counts:
        pairs.append(KeyValue(key=REDACTED + entity.lower(), value=AnyValue(int_value=min(count, _LARGEST))))
    return b"".join(bytes((tag,)) + delimited(pair.SerializeToString()) for pair in pairs)


def _add(out: dict[int, frozenset[DataClass]], items: Iterable[int], classes: frozenset[DataClass]) -> None:
    for item in items if classes else ():
        out[item] = out.get(item, frozenset()) | classes
