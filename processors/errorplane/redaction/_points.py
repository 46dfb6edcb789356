"""One data point out of several that describe parts of the same: what the OpenTelemetry data model lets us add.

Each function returns a new point for one attribute set, from points of one type in the order of time. What stands for
all of them: the earliest start, the latest time, exemplars up to a bound. Points without a recorded value count only
where there is no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    NumberDataPoint,
    SummaryDataPoint,
)

_NO_VALUE = 1  # DataPointFlags.NO_RECORDED_VALUE
_INT64 = 1 << 63
_EXEMPLARS = 10
_BUCKETS = 160  # the SDKs' default size of an exponential histogram's range
_Point = TypeVar("_Point", NumberDataPoint, HistogramDataPoint, ExponentialHistogramDataPoint, SummaryDataPoint)


def added_numbers(points: Sequence[NumberDataPoint]) -> NumberDataPoint:
    """The sum of sums: exact for integers, which become a double only beyond 64 bits."""
    out, points = _start(points)
    values = [point.as_int if point.HasField("as_int") else point.as_double for point in points]
    total = sum(values) if all(isinstance(value, int) for value in values) else math.fsum(values)
    if isinstance(total, int) and -_INT64 <= total < _INT64:
        out.as_int = total
    else:
        out.as_double = float(total)
    return out


def latest_number(points: Sequence[NumberDataPoint]) -> NumberDataPoint:
    """The gauge that was read last; of equal times the one that stands last."""
    out, points = _start(points)
    last = max(enumerate(points), key=lambda each: (each[1].time_unix_nano, each[0]))[1]
    if last.HasField("as_int"):
        out.as_int = last.as_int
    else:
        out.as_double = last.as_double
    return out


def added_summaries(points: Sequence[SummaryDataPoint]) -> SummaryDataPoint:
    """Count and sum; quantiles of a whole cannot be had from those of its parts, so they are left out."""
    out, points = _start(points)
    out.count = sum(point.count for point in points)
    out.sum = math.fsum(point.sum for point in points)
    del out.quantile_values[:]
    return out


def added_histograms(points: Sequence[HistogramDataPoint]) -> HistogramDataPoint:
    """Counts by bucket over the bounds that all points have, so that no count has to be guessed."""
    out, points = _start(points)
    _add_totals(out, points)
    del out.bucket_counts[:], out.explicit_bounds[:]
    if any(not point.bucket_counts for point in points):
        return out
    shared = sorted(set.intersection(*(set(point.explicit_bounds) for point in points)))
    counts = [0] * (len(shared) + 1)
    for point in points:
        bucket = 0
        for number, count in enumerate(point.bucket_counts):
            counts[bucket] += count
            bounds = point.explicit_bounds
            if number < len(bounds) and bucket < len(shared) and bounds[number] == shared[bucket]:
                bucket += 1
    out.explicit_bounds.extend(shared)
    out.bucket_counts.extend(counts)
    return out


def added_exponential(points: Sequence[ExponentialHistogramDataPoint]) -> ExponentialHistogramDataPoint:
    """Counts by bucket at the finest scale that all points have and at which the buckets are not too many.

    Bucket i at scale s holds what is in (2^(i * 2^-s), 2^((i+1) * 2^-s)]; at scale s-1 it is in bucket i >> 1
    (OpenTelemetry data model, exponential histograms).
    """
    out, points = _start(points)
    _add_totals(out, points)
    out.zero_count = sum(point.zero_count for point in points)
    out.scale = min(point.scale for point in points)
    sides = [[_sparse(getattr(point, side), point.scale - out.scale) for point in points] for side in _SIDES]
    threshold = max(point.zero_threshold for point in points)
    if any(point.zero_threshold != threshold for point in points):
        threshold, into_zero = _widen_zero(sides, threshold, out.scale)
        out.zero_count += into_zero
    out.zero_threshold = threshold
    totals = [_sum_of(side) for side in sides]
    most = max((len(buckets) for buckets in _dense(points)), default=0)
    while any(_width(total) > max(_BUCKETS, most) for total in totals):
        out.scale -= 1
        totals = [_halved(total) for total in totals]
    for name, total in zip(_SIDES, totals, strict=True):
        _write(getattr(out, name), total)
    return out


_SIDES = ("positive", "negative")
_Buckets = dict[int, int]


def _dense(points: Iterable[ExponentialHistogramDataPoint]) -> Iterable[Sequence[int]]:
    for point in points:
        yield from (point.positive.bucket_counts, point.negative.bucket_counts)


def _sparse(buckets: Any, down: int) -> _Buckets:
    """Counts by index after ``down`` halvings of the scale."""
    out: _Buckets = {}
    for number, count in enumerate(buckets.bucket_counts):
        if count:
            index = (buckets.offset + number) >> min(down, 64)
            out[index] = out.get(index, 0) + count
    return out


def _widen_zero(sides: list[list[_Buckets]], threshold: float, scale: int) -> tuple[float, int]:
    """Take out what may lie within ``threshold`` of zero; the threshold that is left, and how much was taken out."""
    moved = 0
    widest = threshold
    for buckets in (each for side in sides for each in side):  # of one scale: their bounds are the same
        for index in [index for index in buckets if _bound(index, scale) < threshold]:
            moved += buckets.pop(index)
            widest = max(widest, _bound(index + 1, scale))
    return widest, moved


def _bound(index: int, scale: int) -> float:
    exponent = math.ldexp(index, -scale)
    return math.inf if exponent >= 1024 else 2.0**exponent if exponent > -1100 else 0.0


def _sum_of(side: Iterable[_Buckets]) -> _Buckets:
    total: _Buckets = {}
    for buckets in side:
        for index, count in buckets.items():
            total[index] = total.get(index, 0) + count
    return total


def _width(buckets: _Buckets) -> int:
    return max(buckets) - min(buckets) + 1 if buckets else 0


def _halved(buckets: _Buckets) -> _Buckets:
    out: _Buckets = {}
    for index, count in buckets.items():
        out[index >> 1] = out.get(index >> 1, 0) + count
    return out


def _write(out: Any, buckets: _Buckets) -> None:
    out.Clear()
    if buckets:
        out.offset = min(buckets)
        out.bucket_counts.extend(buckets.get(out.offset + number, 0) for number in range(_width(buckets)))


def _add_totals(out: Any, points: Sequence[Any]) -> None:
    """Count; sum, least and greatest value where every point that counted something tells its own."""
    out.count = sum(point.count for point in points)
    telling = [point for point in points if point.count]
    choices: tuple[tuple[str, Callable[[Iterable[float]], float]], ...] = (
        ("sum", math.fsum),
        ("min", min),
        ("max", max),
    )
    for name, combine in choices:
        out.ClearField(name)
        if telling and all(point.HasField(name) for point in telling):
            setattr(out, name, combine(getattr(point, name) for point in telling))


def _start(points: Sequence[_Point]) -> tuple[_Point, Sequence[_Point]]:
    """A point with what is common to all types, and the points whose values are to be combined."""
    recorded = [point for point in points if not point.flags & _NO_VALUE]
    out = type(points[0])()
    out.CopyFrom(points[-1] if not recorded else recorded[-1])
    starts = [point.start_time_unix_nano for point in points if point.start_time_unix_nano]
    out.start_time_unix_nano = min(starts, default=0)
    out.time_unix_nano = max(point.time_unix_nano for point in points)
    if not isinstance(out, SummaryDataPoint):
        exemplars = [each for point in points for each in getattr(point, "exemplars", ())][:_EXEMPLARS]
        del out.exemplars[:]
        out.exemplars.extend(exemplars)
    return out, recorded or points
