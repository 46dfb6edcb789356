"""The series on a Prometheus page, by the names that OpenTelemetry's compatibility rules give them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from errorplane.measures._buckets import Buckets
from errorplane.measures._measures import DURATIONS, ERRORS, FINGERPRINTS, REQUESTS, Measure, Measures
from errorplane.measures._otlp import OVERFLOW
from errorplane.measures._series import Count, Durations, Point


class MeasuresPage(Collector):
    """Counters, and histograms with cumulative buckets: exponential ones by powers of two, whose counts are exact.

    Exemplars are only in OTLP: the page's text format has no place for them.
    """

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterable[Metric]:
        measures = self._measures
        with measures.lock:
            durations = [*measures.durations.points()]
            return [
                _counter(REQUESTS, durations),
                _histogram(durations, measures.buckets),
                _counter(ERRORS, measures.errors.points()),
                _counter(FINGERPRINTS, measures.fingerprints.points()),
            ]

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: it would be collected to find its names."""
        return ()


def _counter(measure: Measure, points: Iterable[Point[Count] | Point[Durations]]) -> Metric:
    family = CounterMetricFamily(page_name(measure).removesuffix("_total"), measure.meaning)
    for point in points:
        family.add_sample(page_name(measure), _labels(measure, point), point.series.count)
    return family


def _histogram(points: Iterable[Point[Durations]], buckets: Buckets) -> Metric:
    name = page_name(DURATIONS)
    family = HistogramMetricFamily(name, DURATIONS.meaning)
    bounds = buckets.page_bounds()
    for point in points:
        labels, series = _labels(DURATIONS, point), point.series
        below = iter(sorted(series.buckets.items()))
        number, count = next(below, (None, 0))
        total = 0
        for bound, last in bounds:
            while number is not None and number <= last:
                total += count
                number, count = next(below, (None, 0))
            family.add_sample(f"{name}_bucket", {**labels, "le": repr(bound)}, total)
        family.add_sample(f"{name}_bucket", {**labels, "le": "+Inf"}, series.count)
        family.add_sample(f"{name}_sum", labels, series.sum_ns / 1e9)
        family.add_sample(f"{name}_count", labels, series.count)
    return family


def page_name(measure: Measure) -> str:
    """Its name on the page: with its unit, or ``_total`` for a counter."""
    return measure.name.replace(".", "_") + ("_seconds" if measure.unit == "s" else "_total")


def _labels(measure: Measure, point: Point[Count] | Point[Durations]) -> dict[str, str]:
    named = zip(measure.labels, point.values, strict=True)
    labels = {name.replace(".", "_"): value for name, value in named if value is not None}
    return labels | {OVERFLOW.replace(".", "_"): "true"} if point.overflow else labels
