"""A small application that knows nothing of errorplane: it fails, logs the failure, counts, and ends."""

from __future__ import annotations

import logging
import sys

from opentelemetry import metrics, trace

planted = sys.argv[1]
log = logging.getLogger("shop")
tracer = trace.get_tracer("shop")
orders = metrics.get_meter("shop").create_counter("shop.orders")


class PaymentFailed(Exception):
    """The payment did not go through."""


def charge() -> None:
    """Fail like a payment provider."""
    raise PaymentFailed(f"charging {planted} failed")


for _ in range(3):
    with tracer.start_as_current_span("checkout") as span:
        span.set_attribute("customer.contact", planted)
        orders.add(1, {"customer": planted})
        log.warning("about to charge %s", planted)
        try:
            with tracer.start_as_current_span("charge"):
                charge()
        except PaymentFailed:
            log.exception("could not charge %s", planted)
log.error("shop closes without a trace, ask %s", planted)
