"""Series as they leave: their counts, buckets, labels and exemplars, and what happens when there are too many."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ScopeMetrics
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from errorplane.classification import ClassifiedError, ObservedError
from errorplane.errors import Category, Kind, Severity
from errorplane.measures import Batch, Measured, Measures, MeasuresPage, Request, RequestKey, write_metrics
from errorplane.policy import LabelBudget, MetricLabels, Metrics

START_NS, NOW_NS = 1_000, 9_000
OVERFLOW = "otel.metric.overflow"
TINY = MetricLabels(
    service=LabelBudget(values=2),
    operation=LabelBudget(values=3),
    error_type=LabelBudget(values=2),
    fingerprint=LabelBudget(values=2),
)
_ids = itertools.count(1)


def measures(policy: Metrics | None = None) -> Measures:
    """Measures of a process that started at ``START_NS``."""
    return Measures(policy or Metrics(), lambda: START_NS)


def request(seconds: float = 0.01, trace: bytes = b"") -> Request:
    """One request that took so long."""
    return Request(round(seconds * 1e9), trace or next(_ids).to_bytes(16, "big"), b"s" * 8, 5_000)


def offer(target: Measures, *requests: Request, operation: str = "GET /", service: str = "shop") -> None:
    """A stored turn with these requests."""
    batch = Batch([each.duration_ns for each in requests], [*requests])
    target.add(Measured([{RequestKey(service, None, operation, None): batch}]))


def error(fingerprint: str = "v1:a", service: str = "shop", trace: bytes = b"t" * 16) -> ClassifiedError:
    """One error, the origin of its occurrence."""
    observed = ObservedError(
        item=0,
        source="span",
        trace_id=trace,
        span_id=next(_ids).to_bytes(8, "big"),
        parent_span_id=b"",
        time_ns=5_000,
        error_id=None,
        fingerprint=fingerprint,
        type="ValueError",
        message="",
        kind=Kind.BUG,
        hint=None,
        has_exception=True,
        service=service,
        component=None,
        environment="prod",
        zone=None,
        correlation_id=None,
        known=frozenset(),
        operation="POST /pay",
    )
    return ClassifiedError(observed, "id", True, Category.PERSISTENT, Severity.P3)


def fail(target: Measures, *errors: ClassifiedError, kept: Mapping[bytes, bool] | None = None) -> None:
    """A stored turn with these errors."""
    measured = Measured(kept=dict(kept or {}))
    measured.fail(errors)
    target.add(measured)


def exported(target: Measures) -> dict[str, Metric]:
    """What leaves as OTLP, by name."""
    scope = ScopeMetrics()
    write_metrics(target, scope, NOW_NS)
    return {metric.name: metric for metric in scope.metrics}


def sums(metric: Metric) -> dict[tuple[tuple[str, str], ...], int]:
    """The series of a counter: attributes -> value."""
    return {
        tuple(
            (pair.key, pair.value.string_value or str(pair.value.bool_value)) for pair in point.attributes
        ): point.as_int
        for point in metric.sum.data_points
    }


def page(target: Measures) -> str:
    """The Prometheus page."""
    registry = CollectorRegistry()
    registry.register(MeasuresPage(target))
    return generate_latest(registry).decode()


def samples(target: Measures, name: str) -> dict[str, float]:
    """Samples of the page by their labels, as the reference parser reads them."""
    return {
        ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page(target))
        for sample in family.samples
        if sample.name == name
    }


def test_series_are_cumulative_from_the_start_of_the_process() -> None:
    """Every point starts when the process did and ends now, and counts since then."""
    target = measures()
    offer(target, request())
    exported(target)
    offer(target, request(), request())
    (point,) = exported(target)["errorplane.service.requests"].sum.data_points
    assert (point.start_time_unix_nano, point.time_unix_nano, point.as_int) == (START_NS, NOW_NS, 3)
    metric = exported(target)["errorplane.service.request.duration"]
    assert (metric.unit, metric.exponential_histogram.aggregation_temporality) == ("s", 2)
    assert exported(target)["errorplane.service.requests"].sum.is_monotonic


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=50))
def test_exponential_buckets_hold_what_the_data_model_says(durations: list[int]) -> None:
    """Bucket i of base 2 ** (1/8) holds what is above base ** i up to base ** (i + 1), zero counts as zero."""
    target = measures()
    offer(target, *(Request(duration, b"t" * 16, b"s" * 8, 1) for duration in durations))
    (point,) = exported(target)["errorplane.service.request.duration"].exponential_histogram.data_points
    found = {point.positive.offset + at: count for at, count in enumerate(point.positive.bucket_counts) if count}
    assert (point.scale, point.count, point.zero_count) == (3, len(durations), durations.count(0))
    assert sum(found.values()) == sum(1 for duration in durations if duration)
    assert math.isclose(point.sum, sum(durations) / 1e9, rel_tol=1e-12)
    expected = Counter(math.ceil(math.log2(duration / 1e9) * 8) - 1 for duration in durations if duration)
    # The logarithm may miss by one where a duration stands on a bound.
    assert all(any(abs(index - near) <= 1 for near in expected) for index in found)
    for index, count in found.items():
        low, high = 2 ** (index / 8), 2 ** ((index + 1) / 8)
        inside = sum(1 for each in durations if each and low * (1 - 1e-9) < each / 1e9 <= high * (1 + 1e-9))
        assert inside >= count


def test_explicit_buckets_include_their_upper_bound() -> None:
    """A duration that is just a bound is below it, one nanosecond more is above."""
    target = measures(Metrics(histogram="explicit", buckets=(0.005, 0.075, 1.0)))
    offer(target, request(0.005), request(0.075), request(0.075000001), request(1.5))
    (point,) = exported(target)["errorplane.service.request.duration"].histogram.data_points
    assert (list(point.explicit_bounds), list(point.bucket_counts)) == ([0.005, 0.075, 1.0], [1, 1, 1, 1])


def test_durations_that_clocks_got_wrong_count_as_zero() -> None:
    """A span that ends before it starts, or has no start, is still one request."""
    target = measures()
    offer(target, Request(-5, b"a" * 16, b"s" * 8, 1), Request(2**63, b"b" * 16, b"s" * 8, 1), request(0.25))
    (point,) = exported(target)["errorplane.service.request.duration"].exponential_histogram.data_points
    assert (point.count, point.zero_count, point.sum) == (3, 2, 0.25)


def test_the_page_has_cumulative_buckets_whose_counts_are_exact() -> None:
    """Buckets of the page are powers of two, which are bounds of the series too."""
    target = measures()
    offer(target, request(0.25), request(0.250000001), request(500.0), operation='GET "/"')
    buckets = samples(target, "errorplane_service_request_duration_seconds_bucket")
    by_bound = {labels.partition("le=")[2].partition(",")[0]: count for labels, count in buckets.items()}
    assert (by_bound["0.125"], by_bound["0.25"], by_bound["0.5"], by_bound["64.0"], by_bound["+Inf"]) == (0, 1, 2, 2, 3)
    assert samples(target, "errorplane_service_requests_total") == {
        'errorplane_operation=GET "/",service_name=shop': 3.0
    }
    assert samples(target, "errorplane_service_request_duration_seconds_count") == {
        'errorplane_operation=GET "/",service_name=shop': 3.0
    }


@pytest.mark.parametrize("histogram", ["exponential", "explicit"])
def test_page_and_export_agree(histogram: Literal["exponential", "explicit"]) -> None:
    """Counts of buckets of the page never fall, and end at the count that is exported."""
    target = measures(Metrics(histogram=histogram))
    offer(target, *(request(0.001 * number) for number in range(200)))
    counts = [*samples(target, "errorplane_service_request_duration_seconds_bucket").values()]
    assert counts == sorted(counts)
    assert counts[-1] == 200


def test_an_explosion_of_values_is_bounded_and_nothing_is_lost() -> None:
    """Ten thousand operations take as many series as the budget allows; the rest is one overflow series, exactly."""
    runs = []
    for _ in range(2):
        target = measures(Metrics(max_series=50, labels=TINY))
        for number in range(10_000):
            offer(target, request(), operation=f"GET /{number}", service=f"s{number % 3}")
        offer(target, request(), operation="GET /0", service="s0")
        runs.append(sums(exported(target)["errorplane.service.requests"]))
    assert runs[0] == runs[1]
    assert sum(runs[0].values()) == 10_001
    assert runs[0][("service.name", "s0"), ("errorplane.operation", "GET /0")] == 2
    assert runs[0][("service.name", "s0"), (OVERFLOW, "True")] > 3_000
    assert len(runs[0]) <= 8


def test_a_value_longer_than_the_budget_has_no_series() -> None:
    """A name of a megabyte is counted, and not remembered."""
    target = measures()
    offer(target, request(), operation="x" * 2**20)
    assert sums(exported(target)["errorplane.service.requests"]) == {(("service.name", "shop"), (OVERFLOW, "True")): 1}
    assert target.overflowed() == {"operation": 1}


def test_series_of_one_metric_are_bounded() -> None:
    """Where every label has room but there are too many series, the overflow series without labels takes the rest."""
    target = measures(Metrics(max_series=10))
    for service, operation in itertools.product(range(10), range(10)):
        offer(target, request(), service=f"s{service}", operation=f"o{operation}")
    found = sums(exported(target)["errorplane.service.requests"])
    assert len(found) == 10
    assert found[((OVERFLOW, "True"),)] == 91
    assert target.overflowed() == {"series": 91}


def test_errors_have_all_labels() -> None:
    """An error is counted by service, deployment, operation, type, category and severity."""
    target = measures()
    fail(target, error())
    assert sums(exported(target)["errorplane.service.errors"]) == {
        (
            ("service.name", "shop"),
            ("deployment.environment.name", "prod"),
            ("errorplane.operation", "POST /pay"),
            ("error.type", "ValueError"),
            ("errorplane.error.category", "persistent"),
            ("errorplane.error.severity", "P3"),
        ): 1
    }


def test_the_operation_of_an_error_is_that_of_the_outermost_failed_span() -> None:
    """An error deep inside counts for what the service was asked to do, not for the call that failed."""
    outer, inner = error(), error()
    inner = dataclasses.replace(
        inner,
        observed=dataclasses.replace(inner.observed, parent_span_id=outer.observed.span_id, operation="SELECT"),
    )
    outer = dataclasses.replace(outer, origin=False)
    target = measures()
    fail(target, inner, outer)
    ((labels, count),) = sums(exported(target)["errorplane.service.errors"]).items()
    assert (dict(labels)["errorplane.operation"], count) == ("POST /pay", 1)


def test_top_fingerprints_change_and_their_sum_stays_exact() -> None:
    """A new frequent fingerprint gets a series, the rarest loses its own, and all series together are all errors."""
    target = measures(Metrics(labels=TINY))
    for fingerprint in ("v1:a", "v1:a", "v1:a", "v1:b", "v1:c", "v1:c", "v1:c"):
        fail(target, error(fingerprint))
    found = sums(exported(target)["errorplane.service.fingerprint.errors"])
    assert found == {
        (("service.name", "shop"), ("errorplane.error.fingerprint", "v1:a")): 3,
        (("service.name", "shop"), ("errorplane.error.fingerprint", "v1:c")): 2,
        (("service.name", "shop"), (OVERFLOW, "True")): 2,
    }


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["s", "t", "u"])), max_size=300))
def test_sums_are_exact_whatever_comes(errors: list[tuple[str, str]]) -> None:
    """Both metrics of errors add up to the errors, in bounded numbers of series."""
    target = measures(Metrics(max_series=10, labels=TINY))
    for fingerprint, service in errors:
        fail(target, error(fingerprint, service))
    for name in ("errorplane.service.errors", "errorplane.service.fingerprint.errors"):
        found = sums(exported(target)[name]) if errors else {}
        assert sum(found.values()) == len(errors)
        assert len(found) <= 10


def test_exemplars_point_at_kept_traces_only() -> None:
    """A request and an error of a kept trace become exemplars; those of dropped and of undecided traces never do."""
    target = measures()
    kept, dropped, open_ = b"k" * 16, b"d" * 16, b"o" * 16
    for trace, seconds in ((kept, 0.1), (dropped, 10.0), (open_, 0.5)):
        offer(target, request(seconds, trace))
    fail(target, error(trace=dropped), error(trace=kept), error(trace=dropped), kept={kept: True, dropped: False})
    metrics = exported(target)
    (duration,) = metrics["errorplane.service.request.duration"].exponential_histogram.data_points
    (failed,) = metrics["errorplane.service.errors"].sum.data_points
    assert [(each.trace_id, each.as_double) for each in duration.exemplars] == [(kept, 0.1)]
    assert [(each.trace_id, each.as_int) for each in failed.exemplars] == [(kept, 1)]


def test_without_exemplars_there_are_none() -> None:
    """A policy that wants no exemplars gets none."""
    target = measures(Metrics(exemplars=False))
    offer(target, request(0.1, b"k" * 16))
    fail(target, error(trace=b"k" * 16), kept={b"k" * 16: True})
    metrics = exported(target)
    assert not metrics["errorplane.service.request.duration"].exponential_histogram.data_points[0].exemplars
    assert not metrics["errorplane.service.errors"].sum.data_points[0].exemplars
