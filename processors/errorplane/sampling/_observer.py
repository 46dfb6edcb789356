"""What the sampling rules have to see of every span and log record, compiled from the policy; nothing it does not ask.

Looks at requests as they stand in the journal, after redaction, so that a trace is decided alike after a restart.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from errorplane.classification import attributes, text
from errorplane.otlp import Signal
from errorplane.otlp._wire import Layout, Range
from errorplane.policy import AttributeTest, Sampling
from errorplane.sampling._attributes import AttributeSearch
from errorplane.sampling._conditions import (
    attribute_bit,
    deployment_bit,
    sampled_flag_bit,
    status_bit,
    trace_state_bit,
)
from errorplane.sampling._deployments import Deployments
from errorplane.sampling._traces import Seen

_ITEMS: Mapping[Signal, type[Span | LogRecord]] = {Signal.TRACES: Span, Signal.LOGS: LogRecord}
_STATUS_CODES = {
    "unset": Status.STATUS_CODE_UNSET,
    "ok": Status.STATUS_CODE_OK,
    "error": Status.STATUS_CODE_ERROR,
}
_SAMPLED = 1  # W3C trace context: the lowest of the flags
_TRACE_ID = b"\x0a\x10"  # tag and length of a span's first field, as every library writes it
_RESOURCES_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the rules of a policy ask for, with the bit of each."""

    attributes: Mapping[tuple[str, AttributeTest], int]
    statuses: Mapping[int, int]
    trace_states: tuple[tuple[str, frozenset[str], int], ...]
    sampled: int
    deployments: tuple[tuple[float, int], ...]
    root: bool
    size: bool

    @property
    def of_spans(self) -> bool:
        """Whether every span has to be looked at."""
        return bool(self.statuses or self.trace_states or self.sampled or self.root)


def compile_observer(sampling: Sampling, deployments: Deployments) -> Observer | None:
    """What has to be seen for these rules; None if that is nothing, so that nothing is paid for it."""
    tests: dict[tuple[str, AttributeTest], int] = {}
    statuses: dict[int, int] = {}
    trace_states: dict[tuple[str, frozenset[str]], int] = {}
    windows: dict[float, int] = {}
    sampled = 0
    for when in (part for rule in sampling.rules for part in rule.when.parts()):
        tests |= {(key, test): attribute_bit(key, test) for key, test in (when.attributes or {}).items()}
        statuses |= {_STATUS_CODES[status]: status_bit(status) for status in when.span_status or ()}
        for key, values in (when.trace_state or {}).items():
            trace_states[key, frozenset(values)] = trace_state_bit(key, values)
        if when.sampled_flag is not None:
            sampled = sampled_flag_bit()
        if when.new_deployment is not None:
            windows[when.new_deployment] = deployment_bit(when.new_deployment)
    wanted = _Wanted(
        attributes=tests,
        statuses=statuses,
        trace_states=tuple((key, values, bit) for (key, values), bit in trace_states.items()),
        sampled=sampled,
        deployments=tuple(windows.items()),
        root=sampling.root_wait is not None,
        size=any(rule.bytes_per_second is not None for rule in sampling.rules),
    )
    if not (wanted.attributes or wanted.deployments or wanted.of_spans or wanted.size):
        return None
    return Observer(wanted, deployments)


class Observer:
    """Safe to use from several threads."""

    def __init__(self, wanted: _Wanted, deployments: Deployments) -> None:
        self._wanted = wanted
        self._search = AttributeSearch(wanted.attributes) if wanted.attributes else None
        self._deployments = deployments
        self._deployed = functools.lru_cache(_RESOURCES_REMEMBERED)(_deployed)

    def spans(
        self, message: ExportTraceServiceRequest, body: bytes, layout: Layout, traces: Mapping[bytes, Seen]
    ) -> None:
        """Note in ``traces`` what a request of traces holds; ``message`` is the request as it was received."""
        wanted = self._wanted
        if wanted.size:
            sizes = Sizes(layout)
            for seen in traces.values():
                seen.size = sizes.of(seen.items)
        if wanted.of_spans:
            self._look_at_spans(message, body, layout, traces)
        if self._search is not None or wanted.deployments:

            def holder(item: int) -> Seen | None:
                return traces.get(_trace_id(body, *layout.items[item]))

            items, groups = self._search_in(body, layout)
            for item, bits in items.items():
                seen_in = holder(item)
                if seen_in is not None and seen_in.hits & bits != bits:
                    seen_in.hits |= self._settled(Signal.TRACES, body, layout, item, bits)
            for item, bits in _spread(groups, layout):
                seen_in = holder(item)
                if seen_in is not None:
                    seen_in.hits |= bits

    def logs(self, body: bytes, layout: Layout) -> dict[int, int]:
        """The hits of each log record of a request that has some."""
        items, groups = self._search_in(body, layout)
        hits = defaultdict(int, {i: self._settled(Signal.LOGS, body, layout, i, bits) for i, bits in items.items()})
        for item, bits in _spread(groups, layout):
            hits[item] |= bits
        return hits

    def sizes(self, layout: Layout) -> Sizes | None:
        """Measures items of a request, where the policy limits bytes."""
        return Sizes(layout) if self._wanted.size else None

    def _look_at_spans(
        self, message: ExportTraceServiceRequest, body: bytes, layout: Layout, traces: Mapping[bytes, Seen]
    ) -> None:
        wanted = self._wanted
        statuses, states, sampled, root = wanted.statuses, wanted.trace_states, wanted.sampled, wanted.root
        item = -1
        for group in message.resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    item += 1
                    seen = traces.get(span.trace_id)
                    if seen is None:
                        continue
                    if root and not span.parent_span_id:
                        seen.root = True
                    if statuses:
                        seen.hits |= statuses.get(span.status.code, 0)
                    if sampled and span.flags & _SAMPLED:
                        seen.hits |= sampled
                    if states and span.trace_state and _state_hits(span.trace_state, states) & ~seen.hits:
                        start, end = layout.items[item]  # as redaction left it
                        seen.hits |= _state_hits(Span.FromString(body[start:end]).trace_state, states)

    def _search_in(self, body: bytes, layout: Layout) -> tuple[dict[int, int], dict[int, int]]:
        """Bits of items, which are to be settled, and of resource groups, which are."""
        items: defaultdict[int, int] = defaultdict(int)
        groups: defaultdict[int, int] = defaultdict(int)
        if self._search is not None:
            for offset, bits in self._search.candidates(body):
                item = layout.item_at(offset)
                if item is not None:
                    items[item] |= bits
                else:
                    groups[_group_at(layout, offset)] |= bits
            for group, bits in groups.items():
                groups[group] = self._search.settle(_resource(body, layout, group).attributes, bits)
        if self._wanted.deployments:
            for group, ranges in enumerate(layout.resources):
                own = b"".join(body[start:end] for start, end in ranges.rest)
                age = self._deployments.age(*self._deployed(own))
                if age is not None:
                    groups[group] |= sum(bit for window, bit in self._wanted.deployments if age < window)
        return items, groups

    def _settled(self, signal: Signal, body: bytes, layout: Layout, item: int, bits: int) -> int:
        assert self._search is not None  # there are bits only if something was searched for
        start, end = layout.items[item]
        return self._search.settle(_ITEMS[signal].FromString(body[start:end]).attributes, bits)


class Sizes:
    """How many bytes items of one request have, with the resources and scopes that go with them."""

    def __init__(self, layout: Layout) -> None:
        self._items = layout.items
        self._scopes = [number for number, scope in enumerate(layout.scopes) for _ in range(scope.first, scope.last)]
        resources = [_length(group.rest) for group in layout.resources]
        self._around = [_length(scope.rest) + resources[scope.resource] for scope in layout.scopes]

    def of(self, items: Sequence[int]) -> int:
        """Bytes of these items, as a request of their own would have, but for a few of framing."""
        own = sum(end - start for start, end in map(self._items.__getitem__, items))
        return own + sum(self._around[scope] for scope in {self._scopes[item] for item in items})


def _length(ranges: Iterable[Range]) -> int:
    return sum(end - start for start, end in ranges)


def _group_at(layout: Layout, offset: int) -> int:
    """The resource group that holds a byte outside of items."""
    return bisect_right(layout.resources, offset, key=lambda group: group.start) - 1


def _resource(body: bytes, layout: Layout, group: int) -> Resource:
    own = b"".join(body[start:end] for start, end in layout.resources[group].rest)
    return ResourceSpans.FromString(own).resource  # in all signals the resource is the same field


def _spread(groups: Mapping[int, int], layout: Layout) -> list[tuple[int, int]]:
    """The items of resource groups with bits, each with those."""
    return [
        (item, groups[scope.resource])
        for scope in layout.scopes
        if groups.get(scope.resource)
        for item in range(scope.first, scope.last)
    ]


def _trace_id(body: bytes, start: int, end: int) -> bytes:
    """The trace id of a span; it is the first field but in requests that no library writes."""
    if body[start : start + 2] == _TRACE_ID:
        return body[start + 2 : start + 18]
    return Span.FromString(body[start:end]).trace_id


def _state_hits(trace_state: str, wanted: tuple[tuple[str, frozenset[str], int], ...]) -> int:
    members = dict(member.strip(" \t").partition("=")[::2] for member in trace_state.split(","))
    hits = 0
    for key, values, bit in wanted:
        if members.get(key) in values:
            hits |= bit
    return hits


def _deployed(own: bytes) -> tuple[str, str, str]:
    """Service, environment and version that a resource names, "" where it does not."""
    named = attributes(ResourceSpans.FromString(own).resource.attributes)
    version = named.get("service.version")
    return text("service", named) or "", text("environment", named) or "", "" if version is None else str(version)
