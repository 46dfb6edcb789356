"""Masked copies of metrics, with series that masking would make one kept apart."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics

from errorplane.errors import SERIES
from errorplane.masking import Mask
from errorplane.sdk._copies import Copies

_MAX_SERIES = 2_000  # what the SDK keeps of one instrument


class MetricCopies:
    """Makes masked copies of metrics. An SDK has aggregated its points already, and two cumulative ones cannot be added
    up here without breaking their sums later: so a series of which something was masked gets a number, the same in
    every export of this process."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._copies = Copies(mask)
        self._numbers: dict[Hashable, int] = {}

    def metrics(self, data: MetricsData) -> MetricsData:
        """Everything masked; series beyond 2,000 masked ones are left out."""
        return MetricsData([self._resource(one) for one in data.resource_metrics])

    def _resource(self, group: ResourceMetrics) -> ResourceMetrics:
        scopes = [self._scope(one) for one in group.scope_metrics]
        return ResourceMetrics(self._copies.resource(group.resource), scopes, self._mask.text(group.schema_url))

    def _scope(self, group: ScopeMetrics) -> ScopeMetrics:
        metrics = [self._metric(one) for one in group.metrics]
        return ScopeMetrics(self._copies.scope(group.scope), metrics, self._mask.text(group.schema_url))

    def _metric(self, metric: Metric) -> Metric:
        text = self._mask.text
        data: Any = metric.data  # one of four types, each with points of its own
        points = [self._point(metric.name, point) for point in data.data_points]
        return Metric(
            text(metric.name),
            metric.description and text(metric.description),
            metric.unit and text(metric.unit),
            replace(data, data_points=[point for point in points if point is not None]),
        )

    def _point(self, metric: str, point: Any) -> Any:
        plain = dict(point.attributes or {})
        attributes = self._copies.attributes(plain)
        if attributes != plain:
            number = self._number((metric, tuple(sorted(plain.items(), key=str))))
            if number is None:
                return None
            attributes[SERIES] = number
        exemplars = [
            replace(one, filtered_attributes=self._copies.attributes(one.filtered_attributes))
            for one in point.exemplars
        ]
        return replace(point, attributes=attributes, exemplars=exemplars)

    def _number(self, series: Hashable) -> int | None:
        if series not in self._numbers and len(self._numbers) >= _MAX_SERIES:
            return None
        return self._numbers.setdefault(series, len(self._numbers) + 1)
