"""A storm of errors: what it costs is bounded, firsts leave, and the counts are exact."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.trace import StatusCode
from tests.export.conftest import App, Start
from tests.instrumentation.sink import Sink, attributes

from errorplane.errors import ERROR_FINGERPRINT
from errorplane.export import Rates
from errorplane.export.spans import measure

ERRORS = 100_000
KINDS = 200
CARRIED = "errorplane.export.suppressed_count"


def resident_bytes() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def value_of(point: object) -> float:
    assert isinstance(point, NumberDataPoint)
    return point.value


def storm(app: App, errors: int) -> set[tuple[str, str]]:
    """So many errors of two hundred kinds, most of them of one: a twentieth raised, the others failed calls. Which."""
    seen = set()
    kinds = [type(f"Kind{number}Error", (Exception,), {}) for number in range(KINDS)]
    for number in range(errors):
        kind = kinds[number // 7 % KINDS if number % 7 == 0 else 0]
        seen.add(("call" if number % 20 else "work", kind.__name__))
        if number % 20:
            span = app.tracer.start_span("call", attributes={"error.type": kind.__name__})
            span.set_status(StatusCode.ERROR)
            span.end()
        else:
            with contextlib.suppress(kind), app.tracer.start_as_current_span("work"):
                raise kind("order 17")
    return seen


def test_a_storm_of_a_hundred_thousand_errors(start: Start, sink: Sink) -> None:
    """Of a hundred thousand errors a few leave, the first of every kind among them; those and the counts that they
    carry, and those still to be carried, add up to all; neither what leaves nor memory grows with the storm."""
    app = start(rates=Rates(rate=1, burst=10, total=50, fingerprints=1000))
    offered = storm(app, 5000)
    warm, began = resident_bytes(), time.monotonic()
    offered |= storm(app, ERRORS - 5000)
    took = time.monotonic() - began
    assert resident_bytes() - warm < 30_000_000
    app.provider.force_flush()
    spans = [attributes(span.attributes) for span in sink.all_spans]
    firsts = {span.get(ERROR_FINGERPRINT, span.get("error.type")) for span in spans}
    assert len(firsts) == len(offered) > KINDS
    budget = app.export.budget
    assert len(spans) <= len(firsts) + 2 * 50 + 50 * (took + 10)
    assert len(spans) + sum(span.get(CARRIED, 0) for span in spans) + budget.pending == ERRORS
    assert (budget.untold, app.export.lost) == (0, 0)


def test_own_metrics_say_what_became_of_errors(start: Start, sink: Sink) -> None:
    """The counter by outcome and reason adds up to the errors offered, and the share of the rates is told."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    app = start(rates=Rates(burst=5))
    measure(provider)
    for _ in range(20):
        app.fail()
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {metric.name: metric.data.data_points for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    found = {tuple((point.attributes or {}).values()): value_of(point) for point in metrics["errorplane.export.errors"]}
    assert found == {("exported", "first"): 1, ("exported", "within"): 4, ("suppressed", "fingerprint"): 15}
    assert [value_of(point) for point in metrics["errorplane.export.share"]] == [1.0]
    provider.shutdown()
