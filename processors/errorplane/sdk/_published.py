"""The counts of a tail sampler as OpenTelemetry metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from errorplane.pipeline import COUNTERS
from errorplane.pipeline._counters import Labels

_PUBLISHED = frozenset(
    (
        "received_items",
        "redactions",
        "quarantined_strings",
        "decisions",
        "decision_triggers",
        "kept_items",
        "dropped_items",
        "budget_errors",
        "untold_errors",
        "rescues",
        "rescued_items",
        "error_facts",
        "delivered_items",
        "destination_retries",
        "destination_refused_items",
        "given_up_items",
        "lost_items",
        "internal_errors",
    )
)
Counts = Callable[[str], Mapping[Labels, int]]


def publish(provider: MeterProvider, counts: Callable[[], Counts | None]) -> None:
    """Publish what ``counts()`` says of each counter, for as long as it gives something to ask."""
    meter = provider.get_meter("errorplane.sdk")
    for metric in COUNTERS:
        if metric.name in _PUBLISHED:
            callback = _callback(counts, metric.name)
            meter.create_observable_counter(f"errorplane.{metric.name}", [callback], metric.unit, metric.meaning)


def _callback(counts: Callable[[], Counts | None], name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(options: CallbackOptions) -> Iterable[Observation]:
        ask = counts()
        return [] if ask is None else [Observation(count, dict(labels)) for labels, count in ask(name).items()]

    return observe
