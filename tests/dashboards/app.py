"""A small shop that does everything that the dashboard shows, until it is told to stop. Its input says when."""

from __future__ import annotations

import sys

import jsonschema
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.trace import SpanKind

from errorplane.business import business_error, validation_errors
from errorplane.hooks import GUARD

SCHEMA = {"properties": {"price": {"type": "number"}}}


def serve() -> None:
    """One request that goes well, one that fails, and two that the business refuses."""
    tracer = trace.get_tracer("shop")
    with tracer.start_as_current_span("GET /cart", kind=SpanKind.SERVER):
        business_error("payment.declined", code="expired_card")
    try:
        with tracer.start_as_current_span("POST /order", kind=SpanKind.SERVER):
            raise TimeoutError("no answer for order 17")
    except TimeoutError:
        pass
    try:
        with validation_errors("order.invalid"):
            jsonschema.validate({"price": "secret"}, SCHEMA)
    except jsonschema.ValidationError:
        pass


def fail() -> None:
    """A failure of errorplane's own."""
    raise OSError("not real")


def main() -> None:
    """Serve once for each line of input, and send what was counted."""
    provider = metrics.get_meter_provider()
    assert isinstance(provider, MeterProvider)
    GUARD.run("example", fail)
    for _ in sys.stdin:
        serve()
        provider.force_flush()
        print("served", flush=True)


if __name__ == "__main__":
    main()
