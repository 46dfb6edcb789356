"""The series as OTLP: cumulative sums and histograms with exemplars."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from errorplane.measures._buckets import SCALE, ZERO_THRESHOLD, Buckets
from errorplane.measures._measures import DURATIONS, ERRORS, FINGERPRINTS, REQUESTS, Measure, Measures
from errorplane.measures._series import Count, Durations, Exemplar, Point

SCOPE = "errorplane.measures"
OVERFLOW = "otel.metric.overflow"
"""OpenTelemetry, metrics SDK, "overflow attribute": on the series that hold what no series was left for."""
_CUMULATIVE = pb.AGGREGATION_TEMPORALITY_CUMULATIVE


def write_metrics(measures: Measures, scope: pb.ScopeMetrics, now_ns: int) -> None:
    """Add every series as of ``now_ns`` to a scope; metrics without a series are left out."""
    scope.scope.name = SCOPE
    with measures.lock:
        durations = [*measures.durations.points()]
        _sum(scope, REQUESTS, durations, now_ns)
        _histogram(scope, durations, measures.buckets, now_ns)
        _sum(scope, ERRORS, measures.errors.points(), now_ns)
        _sum(scope, FINGERPRINTS, measures.fingerprints.points(), now_ns)


def _sum(
    scope: pb.ScopeMetrics, measure: Measure, points: Iterable[Point[Count] | Point[Durations]], now_ns: int
) -> None:
    made = [_number(measure, point, now_ns) for point in points]
    if made:
        metric = _metric(scope, measure)
        metric.sum.CopyFrom(pb.Sum(data_points=made, aggregation_temporality=_CUMULATIVE, is_monotonic=True))


def _number(measure: Measure, point: Point[Count] | Point[Durations], now_ns: int) -> pb.NumberDataPoint:
    made = pb.NumberDataPoint(
        attributes=attributes(measure, point),
        start_time_unix_nano=point.series.start_ns,
        time_unix_nano=now_ns,
        as_int=point.series.count,
    )
    if isinstance(point.series, Count) and point.series.exemplar is not None:
        made.exemplars.append(_exemplar(point.series.exemplar, whole=True))
    return made


def _histogram(scope: pb.ScopeMetrics, points: Iterable[Point[Durations]], buckets: Buckets, now_ns: int) -> None:
    points = [*points]
    if not points:
        return
    metric = _metric(scope, DURATIONS)
    if buckets.exponential:
        metric.exponential_histogram.aggregation_temporality = _CUMULATIVE
        metric.exponential_histogram.data_points.extend(_exponential(point, buckets, now_ns) for point in points)
    else:
        metric.histogram.aggregation_temporality = _CUMULATIVE
        metric.histogram.data_points.extend(_explicit(point, buckets, now_ns) for point in points)


def _exponential(point: Point[Durations], buckets: Buckets, now_ns: int) -> pb.ExponentialHistogramDataPoint:
    series = point.series
    used = sorted(number for number in series.buckets if number)
    made = pb.ExponentialHistogramDataPoint(
        attributes=attributes(DURATIONS, point),
        start_time_unix_nano=series.start_ns,
        time_unix_nano=now_ns,
        count=series.count,
        sum=series.sum_ns / 1e9,
        scale=SCALE,
        zero_count=series.buckets.get(0, 0),
        zero_threshold=ZERO_THRESHOLD,
        exemplars=[_exemplar(each) for each in series.exemplars.values()],
    )
    if used:
        made.positive.offset = buckets.index(used[0])
        made.positive.bucket_counts.extend(series.buckets.get(number, 0) for number in range(used[0], used[-1] + 1))
    return made


def _explicit(point: Point[Durations], buckets: Buckets, now_ns: int) -> pb.HistogramDataPoint:
    series = point.series
    return pb.HistogramDataPoint(
        attributes=attributes(DURATIONS, point),
        start_time_unix_nano=series.start_ns,
        time_unix_nano=now_ns,
        count=series.count,
        sum=series.sum_ns / 1e9,
        explicit_bounds=buckets.bounds,
        bucket_counts=[series.buckets.get(number, 0) for number in range(len(buckets.bounds) + 1)],
        exemplars=[_exemplar(each) for each in series.exemplars.values()],
    )


def attributes(measure: Measure, point: Point[Count] | Point[Durations]) -> list[KeyValue]:
    """The attributes of a series, without those that it does not have."""
    pairs = [
        KeyValue(key=name, value=AnyValue(string_value=value))
        for name, value in zip(measure.labels, point.values, strict=True)
        if value is not None
    ]
    if point.overflow:
        pairs.append(KeyValue(key=OVERFLOW, value=AnyValue(bool_value=True)))
    return pairs


def _metric(scope: pb.ScopeMetrics, measure: Measure) -> pb.Metric:
    return scope.metrics.add(name=measure.name, unit=measure.unit, description=measure.meaning)


def _exemplar(exemplar: Exemplar, *, whole: bool = False) -> pb.Exemplar:
    made = pb.Exemplar(time_unix_nano=exemplar.time_ns, trace_id=exemplar.trace_id, span_id=exemplar.span_id)
    if whole:
        made.as_int = int(exemplar.value)
    else:
        made.as_double = exemplar.value
    return made
