"""Series that masking makes the same are merged: nothing is counted twice, nothing is lost, nothing stands there twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)
from tests.support.telemetry import NOW_NS, metrics, pairs

from errorplane.otlp import Signal
from errorplane.otlp._wire import walk
from errorplane.redaction import Backwards, Redacted, Redactor

REDACTOR = Redactor()
DELTA, CUMULATIVE = otlp.AGGREGATION_TEMPORALITY_DELTA, otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
SECOND = 10**9
Buckets = ExponentialHistogramDataPoint.Buckets


def place(user: int | None, at: int = 0, start: int = -60, **more: Any) -> dict[str, Any]:
    """Attributes and times of a point: of a user, or of nobody; times are seconds around ``NOW_NS``."""
    attributes = {"route": "/cart"} if user is None else {"route": "/cart", "user": f"user{user}@example.com"}
    times = {"start_time_unix_nano": NOW_NS + start * SECOND, "time_unix_nano": NOW_NS + at * SECOND}
    return {"attributes": pairs(attributes), **times, **more}


def redact(*made: Metric) -> tuple[Redacted, list[Metric]]:
    """The result, and the metrics in it."""
    request = metrics([])
    request.resource_metrics[0].scope_metrics[0].metrics.extend(made)
    body = request.SerializeToString()
    result = REDACTOR.redact(Signal.METRICS, body, walk(Signal.METRICS, body))
    out = ExportMetricsServiceRequest.FromString(result.body)
    return result, list(out.resource_metrics[0].scope_metrics[0].metrics)


def points(metric: Metric) -> Sequence[Any]:
    """The data points of a metric of any type."""
    return list(getattr(metric, metric.WhichOneof("data") or "sum").data_points)


def merged(metric: Metric) -> Any:
    """The one point that is left."""
    (point,) = points(redact(metric)[1][0])
    return point


def number(value: float, *where: Any, **more: Any) -> NumberDataPoint:
    """A point of a sum or a gauge."""
    held = {"as_int": value} if isinstance(value, int) else {"as_double": value}
    return NumberDataPoint(**place(*where, **more), **held)


def counter(*made: NumberDataPoint, temporality: Any = CUMULATIVE) -> Metric:
    """A monotonic sum."""
    return Metric(name="orders", sum=Sum(data_points=made, aggregation_temporality=temporality, is_monotonic=True))


# --- which points become one ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temporality", [DELTA, CUMULATIVE])
def test_users_become_one_series(temporality: Any) -> None:
    """Points that differed in an address only are added; a point without one stays for itself."""
    made = counter(number(3, 1), number(5, None), number(4, 2), temporality=temporality)
    result, (metric,) = redact(made)
    assert [point.as_int for point in points(metric)] == [7, 5]
    assert result.merged_points == 1
    assert metric.sum.is_monotonic
    assert metric.sum.aggregation_temporality == temporality


def test_points_that_differ_otherwise_stay_apart() -> None:
    """Another attribute that is not masked keeps two series two, in whatever order attributes stand."""
    one, two, three = number(1, 1), number(2, 2), number(4, 3)
    two.attributes[0].value.string_value = "/pay"
    three.attributes.reverse()
    _, (metric,) = redact(counter(one, two, three))
    assert [point.as_int for point in points(metric)] == [5, 2]


def test_metrics_of_other_names_stay_apart() -> None:
    """Only points of one metric are merged, and clean metrics keep their bytes."""
    clean = counter(number(1, None), number(1, None))
    _, out = redact(counter(number(1, 1)), clean, counter(number(2, 2)))
    assert [[point.as_int for point in points(metric)] for metric in out] == [[1], [1, 1], [2]]
    assert out[1] == clean


def test_a_series_with_several_points_is_added_once_to_each() -> None:
    """Cumulative points of two moments give two points; a moment that one series does not tell of is left out."""
    both = counter(number(1, 1, -10), number(2, 2, -10), number(3, 1), number(5, 2))
    assert [point.as_int for point in points(redact(both)[1][0])] == [3, 8]
    one = counter(number(1, 1, -10), number(3, 1), number(5, 2))
    assert [point.as_int for point in points(redact(one)[1][0])] == [8]


def test_of_deltas_nothing_is_left_out() -> None:
    """Every delta is in one of the points, whatever moments the others tell of."""
    made = counter(number(1, 1, -10), number(3, 1), number(5, 2), temporality=DELTA)
    assert [point.as_int for point in points(redact(made)[1][0])] == [1, 8]


# --- what the one says ------------------------------------------------------------------------------------------------


def test_times_span_those_of_the_parts() -> None:
    """The earliest start that is known, and the latest time."""
    point = merged(counter(number(1, 1, -5, -90), number(2, 2, 0, -30), temporality=DELTA))
    assert (point.start_time_unix_nano, point.time_unix_nano) == (NOW_NS - 90 * SECOND, NOW_NS)


def test_points_without_a_value_do_not_count() -> None:
    """A point flagged as having no recorded value adds nothing; if there are only such, so is the merged one."""
    absent = number(0, 1, flags=1)
    assert (merged(counter(absent, number(4, 2))).as_int, merged(counter(absent, number(4, 2))).flags) == (4, 0)
    assert merged(counter(absent, number(0, 2, flags=1))).flags == 1


def test_sums_beyond_64_bits_become_doubles() -> None:
    """An overflow does not wrap around."""
    assert merged(counter(number(2**62, 1), number(2**62, 2))).as_double == 2.0**63


def test_gauges_take_the_latest() -> None:
    """The value that was read last stands for all."""
    made = Metric(name="load", gauge=Gauge(data_points=[number(0.5, 1, 0), number(0.9, 2, -5), number(0.1, 3, -9)]))
    assert merged(made).as_double == 0.5


def test_summaries_lose_their_quantiles() -> None:
    """Counts and sums are added; quantiles cannot be."""
    quantile = SummaryDataPoint.ValueAtQuantile(quantile=0.5, value=1.0)
    parts = [SummaryDataPoint(**place(user), count=2, sum=3.0, quantile_values=[quantile]) for user in (1, 2)]
    point = merged(Metric(name="old", summary=Summary(data_points=parts)))
    assert (point.count, point.sum, len(point.quantile_values)) == (4, 6.0, 0)


def test_exemplars_are_joined_up_to_a_bound() -> None:
    """Those of all parts, ten at most."""
    exemplars = [Exemplar(time_unix_nano=NOW_NS, as_int=value) for value in range(4)]
    two = merged(counter(number(1, 1, exemplars=exemplars), number(1, 2, exemplars=exemplars)))
    assert len(two.exemplars) == 8
    many = merged(counter(*(number(1, user, exemplars=exemplars) for user in range(9))))
    assert len(many.exemplars) == 10


def test_histograms_are_merged_over_the_bounds_that_all_have() -> None:
    """Equal bounds add bucket by bucket; others coarsen to what is exact; extremes are those of the whole."""
    one = HistogramDataPoint(
        **place(1), count=6, sum=30.0, min=1, max=9, explicit_bounds=[1, 5, 10], bucket_counts=[1, 2, 3, 0]
    )
    two = HistogramDataPoint(
        **place(2), count=5, sum=20.0, min=2, max=50, explicit_bounds=[5, 20], bucket_counts=[1, 3, 1]
    )
    same = merged(
        Metric(
            name="t",
            histogram=Histogram(
                data_points=[
                    one,
                    HistogramDataPoint(
                        **place(3), count=1, sum=2.0, explicit_bounds=[1, 5, 10], bucket_counts=[0, 1, 0, 0]
                    ),
                ]
            ),
        )
    )
    assert (list(same.explicit_bounds), list(same.bucket_counts)) == ([1, 5, 10], [1, 3, 3, 0])
    assert (same.count, same.sum, same.HasField("min")) == (7, 32.0, False)
    mixed = merged(Metric(name="t", histogram=Histogram(data_points=[one, two])))
    assert (list(mixed.explicit_bounds), list(mixed.bucket_counts)) == ([5], [4, 7])
    assert (mixed.count, mixed.sum, mixed.min, mixed.max) == (11, 50.0, 1.0, 50.0)


def test_exponential_histograms_are_merged_at_the_coarser_scale() -> None:
    """Bucket i at scale 1 is in bucket i >> 1 at scale 0; zeros are added."""
    fine = ExponentialHistogramDataPoint(
        **place(1), scale=1, count=6, sum=9.0, zero_count=1, positive=Buckets(offset=-2, bucket_counts=[1, 2, 0, 2])
    )
    coarse = ExponentialHistogramDataPoint(
        **place(2), scale=0, count=4, sum=4.0, positive=Buckets(offset=1, bucket_counts=[4])
    )
    point = merged(Metric(name="e", exponential_histogram=ExponentialHistogram(data_points=[fine, coarse])))
    assert (point.scale, point.count, point.sum, point.zero_count) == (0, 10, 13.0, 1)
    assert (point.positive.offset, list(point.positive.bucket_counts)) == (-1, [3, 2, 4])


def test_a_wider_zero_bucket_takes_in_what_may_be_zero() -> None:
    """What another point calls zero is zero for all; the threshold ends where a bucket ends."""
    narrow = ExponentialHistogramDataPoint(
        **place(1), scale=0, count=6, positive=Buckets(offset=-2, bucket_counts=[1, 2, 3])
    )
    wide = ExponentialHistogramDataPoint(**place(2), scale=0, count=2, zero_count=2, zero_threshold=0.3)
    point = merged(Metric(name="e", exponential_histogram=ExponentialHistogram(data_points=[narrow, wide])))
    assert (point.zero_threshold, point.zero_count, point.positive.offset) == (0.5, 3, -1)
    assert list(point.positive.bucket_counts) == [2, 3]


def test_far_apart_buckets_do_not_grow_the_point() -> None:
    """Offsets at both ends of their range lower the scale instead of filling memory."""
    parts = [
        ExponentialHistogramDataPoint(
            **place(user), scale=20, count=1, positive=Buckets(offset=offset, bucket_counts=[1])
        )
        for user, offset in ((1, -(2**31)), (2, 2**31 - 1))
    ]
    point = merged(Metric(name="e", exponential_histogram=ExponentialHistogram(data_points=parts)))
    assert len(point.positive.bucket_counts) <= 160
    assert sum(point.positive.bucket_counts) == 2


# --- over random metrics ----------------------------------------------------------------------------------------------

_USERS = st.one_of(st.none(), st.integers(0, 3))
_COUNTS = st.lists(st.integers(0, 2**40), min_size=4, max_size=4)


def _histogram(user: int | None, counts: list[int]) -> Metric:
    bounds = [1.0, 2.0, 4.0] if user != 2 else [1.0, 3.0, 4.0]
    point = HistogramDataPoint(**place(user), count=sum(counts), sum=1.0, explicit_bounds=bounds, bucket_counts=counts)
    return Metric(histogram=Histogram(data_points=[point], aggregation_temporality=DELTA))


def _exponential(user: int | None, counts: list[int]) -> Metric:
    buckets = Buckets(offset=(user or 0) * 7 - 9, bucket_counts=counts)
    threshold = 0.01 * (user or 0)
    point = ExponentialHistogramDataPoint(
        **place(user), scale=(user or 0) - 1, count=sum(counts), positive=buckets, zero_threshold=threshold
    )
    return Metric(exponential_histogram=ExponentialHistogram(data_points=[point], aggregation_temporality=DELTA))


def _counter(user: int | None, counts: list[int]) -> Metric:
    return counter(number(sum(counts), user), temporality=DELTA)


def _total(point: Any) -> tuple[float, float]:
    """What a point counts, by itself and over its buckets."""
    if isinstance(point, NumberDataPoint):
        return point.as_int, point.as_int
    if isinstance(point, HistogramDataPoint):
        return point.count, sum(point.bucket_counts)
    return point.count, sum(point.positive.bucket_counts) + point.zero_count


@pytest.mark.parametrize("make", [_counter, _histogram, _exponential])
@given(st.lists(st.tuples(_USERS, _COUNTS), min_size=1, max_size=8))
@settings(max_examples=60)
def test_totals_do_not_change(
    make: Callable[[int | None, list[int]], Metric], parts: list[tuple[int | None, list[int]]]
) -> None:
    """Whatever is merged, counts and bucket counts add up to what was sent, and no two masked points are alike."""
    metric = make(*parts[0])
    for part in parts[1:]:
        metric.MergeFrom(make(*part))
    result, (out,) = redact(metric)
    for side in (0, 1):
        assert math.fsum(_total(point)[side] for point in points(out)) == math.fsum(
            _total(p)[side] for p in points(metric)
        )
    if any(user is not None for user, _ in parts):
        hidden = [point for point in points(out) if len(point.attributes) == 2]
        per_user = max(sum(1 for other, _ in parts if other == user) for user, _ in parts if user is not None)
        assert len(hidden) == per_user
        assert len(points(metric)) - len(points(out)) == result.merged_points
    again = REDACTOR.redact(Signal.METRICS, result.body, walk(Signal.METRICS, result.body))
    assert again.body is result.body


# --- across requests --------------------------------------------------------------------------------------------------


def sent(*requests: Metric, redactor: Redactor | None = None) -> list[list[int]]:
    """The values that leave, request by request, through one redactor."""
    redactor = redactor or Redactor()
    out = []
    for made in requests:
        request = metrics([])
        request.resource_metrics[0].scope_metrics[0].metrics.append(made)
        body = request.SerializeToString()
        result = redactor.redact(Signal.METRICS, body, walk(Signal.METRICS, body))
        left = ExportMetricsServiceRequest.FromString(result.body)
        held = points(left.resource_metrics[0].scope_metrics[0].metrics[0])
        out.append([point.as_int if isinstance(point, NumberDataPoint) else point.count for point in held])
        assert len(points(made)) - len(out[-1]) == result.merged_points + result.left_out_points
    return out


def test_what_accumulates_never_runs_backwards() -> None:
    """Users spread over requests would look like restarts: points that would are left out and counted."""
    both, alone = counter(number(5, 1, 0), number(3, 2, 0)), counter(number(2, 3, 1))
    later = counter(number(6, 1, 2), number(3, 2, 2))
    assert sent(both, alone, later) == [[8], [], [9]]


def test_histograms_never_run_backwards_and_gauges_may() -> None:
    """A histogram accumulates its count; a gauge falls as it likes."""
    counts = ((9, 1, 0), (4, 2, 1), (9, 1, 2))
    classic = [HistogramDataPoint(**place(*where), count=count) for count, *where in counts]
    made = [
        Metric(name="size", histogram=Histogram(data_points=[p], aggregation_temporality=CUMULATIVE)) for p in classic
    ]
    assert sent(*made) == [[9], [], [9]]
    scaled = [ExponentialHistogramDataPoint(**place(*where), count=count) for count, *where in counts]
    held = [ExponentialHistogram(data_points=[p], aggregation_temporality=CUMULATIVE) for p in scaled]
    assert sent(*(Metric(name="size", exponential_histogram=each) for each in held)) == [[9], [], [9]]
    read = [Metric(name="load", gauge=Gauge(data_points=[number(value, 1, at)])) for value, at in ((9, 0), (4, 1))]
    assert sent(*read) == [[9], [4]]


def test_a_series_that_stands_still_passes() -> None:
    """The same value at a later time is no step backwards."""
    assert sent(counter(number(5, 1, 0)), counter(number(5, 1, 1))) == [[5], [5]]


def test_of_more_series_than_are_remembered_the_oldest_is_forgotten() -> None:
    """Memory is bounded: the series seen longest ago counts as a new one, the others are known."""
    backwards = Backwards()
    for series in range(20_001):
        assert backwards.admits([b"%d" % series], number(9, 1, 0))
    assert not backwards.admits([b"1"], number(4, 1, 1))
    assert backwards.admits([b"0"], number(4, 1, 1))


def test_an_earlier_start_than_before_is_left_out() -> None:
    """Users with an older start than those of the last request cannot continue that series, however large they are."""
    assert sent(counter(number(2, 1, 0, -5)), counter(number(90, 2, 1, -60)), counter(number(3, 1, 2, -5))) == [
        [2],
        [],
        [3],
    ]


def test_a_restart_is_no_step_backwards() -> None:
    """With a later start a series may begin again; what is sent twice or comes late passes."""
    first, second = counter(number(9, 1, 0)), counter(number(1, 1, 10, 5))
    assert sent(first, first, second, counter(number(7, 1, -5))) == [[9], [9], [1], [7]]


def test_what_does_not_accumulate_may_fall() -> None:
    """Deltas and sums that go up and down are added whatever came before; so are series without a known start."""
    for temporality in (DELTA, CUMULATIVE):
        big, small = (
            counter(number(9, 1, 0), temporality=temporality),
            counter(number(1, 2, 1), temporality=temporality),
        )
        big.sum.is_monotonic = small.sum.is_monotonic = temporality == DELTA
        assert sent(big, small) == [[9], [1]]
    unknown = [
        counter(NumberDataPoint(**place(1, at) | {"start_time_unix_nano": 0}, as_int=value))
        for at, value in ((0, 9), (1, 1))
    ]
    assert sent(*unknown) == [[9], [1]]


def test_series_of_other_scopes_and_names_are_others() -> None:
    """Only one and the same series is compared with itself."""
    other = counter(number(1, 1, 1))
    other.name = "carts"
    assert sent(counter(number(9, 1, 0)), other) == [[9], [1]]
