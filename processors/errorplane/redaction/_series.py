"""Data points of one metric that masking made indistinguishable become one point.

Two series that differ only in what was hidden would arrive as duplicates of one. What can be done about it, and what
cannot, is written in docs/concepts/what-was-hidden.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA, Metric

from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, frame, splice, walk
from errorplane.redaction._backwards import Backwards
from errorplane.redaction._points import (
    added_exponential,
    added_histograms,
    added_numbers,
    added_summaries,
    latest_number,
)

_Combine = Callable[[Sequence[Any]], Any]
_COMBINE: dict[str, _Combine] = {
    "sum": added_numbers,
    "gauge": latest_number,
    "histogram": added_histograms,
    "exponential_histogram": added_exponential,
    "summary": added_summaries,
}
_HISTOGRAMS = ("histogram", "exponential_histogram")
_Key = tuple[bytes, ...]


class Merged(NamedTuple):
    """A request without duplicates."""

    body: bytes
    points: int
    """How many points went into others."""
    left_out: int
    """How many points are missing since their series would have run backwards."""


def merge_series(before: bytes, after: bytes, backwards: Backwards) -> Merged:
    """Merge what is alike in ``after``, a request of metrics made of ``before`` by changing or removing attributes.

    Items and points of both are the same and in the same order. ``backwards`` is asked about what accumulates. The body
    is ``after`` itself if there is nothing to do. Raises ``MalformedWire``.
    """
    old, new = walk(Signal.METRICS, before), walk(Signal.METRICS, after)
    edits: list[Edit] = []
    points = left_out = 0
    for number, ((start, end), (new_start, new_end)) in enumerate(zip(old.items, new.items, strict=True)):
        if before[start:end] == after[new_start:new_end]:
            continue
        metric = Metric.FromString(after[new_start:new_end])
        scope = new.scope_of(number)
        group = new.resources[scope.resource]
        whose = tuple(after[begin:to] for begin, to in (*group.rest, *scope.rest))
        fewer, missing = merge_points(Metric.FromString(before[start:end]), metric, whose, backwards)
        if fewer or missing:
            points, left_out = points + fewer, left_out + missing
            places = ((group.start, group.end), (scope.start, scope.end), (new_start, new_end))
            frames = tuple(frame(after, *place) for place in places)
            edits.append(Edit(new_start, new_end, metric.SerializeToString(), frames))
    return Merged(splice(after, edits) if edits else after, points, left_out)


def merge_points(before: Metric, after: Metric, whose: _Key, backwards: Backwards) -> tuple[int, int]:
    """Merge the points of ``after`` that are alike and were not in ``before``, in the scope that ``whose`` identifies.

    Returns how many went into others, and how many were left out.
    """
    kind = after.WhichOneof("data")
    if kind is None or before.WhichOneof("data") != kind:
        return 0, 0
    data = getattr(after, kind)
    count = len(data.data_points)
    groups: dict[_Key, dict[_Key, list[Any]]] = {}
    for old, point in zip(getattr(before, kind).data_points, data.data_points, strict=True):
        groups.setdefault(_key(point), {}).setdefault(_key(old), []).append(point)
    changed = {identity for identity, series in groups.items() if set(series) != {identity}}
    if not changed:
        return 0, 0
    is_delta = getattr(data, "aggregation_temporality", None) == AGGREGATION_TEMPORALITY_DELTA
    accumulates = getattr(data, "is_monotonic", kind in _HISTOGRAMS) and not is_delta
    kept: list[Any] = []
    left_out = 0
    for identity, series in groups.items():
        points = _merged(list(series.values()), _COMBINE[kind], is_delta)
        if accumulates and identity in changed:
            name = (*whose, after.name.encode(), *identity)
            admitted = [point for point in points if backwards.admits(name, point)]
            left_out += len(points) - len(admitted)
            points = admitted
        kept += map(_copy, points)
    fewer = count - len(kept) - left_out
    if fewer or left_out:
        del data.data_points[:]
        data.data_points.extend(kept)
    return fewer, left_out


def _merged(series: list[list[Any]], combine: _Combine, is_delta: bool) -> list[Any]:
    """The points of several series as those of one, each series at most once in each point.

    The latest points of all series belong together, and so do those before them. What is there of a delta is added; a
    point of something that accumulates is left out where not every series has one, as the next one includes it.
    """
    if len(series) == 1:
        return series[0]
    for each in series:
        each.sort(key=lambda point: point.time_unix_nano)
    longest, shortest = max(map(len, series)), min(map(len, series))
    rows = [
        [each[-back] for each in series if back <= len(each)]
        for back in range(longest if is_delta else shortest, 0, -1)
    ]
    return [combine(row) for row in rows]


def _key(point: Any) -> _Key:
    """What identifies a point in its metric, whatever the order of its attributes."""
    return tuple(sorted(pair.SerializeToString(deterministic=True) for pair in point.attributes))


def _copy(point: Message) -> Message:
    copy = type(point)()
    copy.CopyFrom(point)
    return copy
