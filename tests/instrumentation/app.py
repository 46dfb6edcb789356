"""The application that the process tests run: it knows nothing of errorplane."""

from __future__ import annotations

import logging

from opentelemetry import metrics, trace

tracer = trace.get_tracer("shop")
log = logging.getLogger("shop")
metrics.get_meter("shop").create_counter("shop.orders").add(1)


def query() -> None:
    """The innermost span."""
    with tracer.start_as_current_span("query"):
        raise TimeoutError("no answer from 10.0.0.7 for jo@example.org")


def main() -> None:
    """Three spans and a log record for one error."""
    try:
        with tracer.start_as_current_span("request"), tracer.start_as_current_span("service"):
            query()
    except TimeoutError:
        log.exception("cannot serve")


if __name__ == "__main__":
    main()
