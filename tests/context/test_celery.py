"""A real worker in a thread, with brokers in memory: what goes into a message, and what a task has of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import Connection
from opentelemetry import baggage
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from tests.context.conftest import Attach

from errorplane.context import bind, fields, set_tenant
from errorplane.errors import CORRELATION_ID, TENANT
from errorplane.testing import Capture

Seen = list[tuple[Mapping[str, Any], Mapping[str, str]]]


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(
        worker_hijack_root_logger=False,
        result_backend_transport_options={},
        broker_transport_options={"polling_interval": 0.02},
    )
    yield app
    app.close()


def run(app: Celery, capture: Capture, seen: Seen) -> None:
    """Two tasks one after the other; the first with fields bound, and setting one itself."""

    @app.task(name="shop.reserve", shared=False)
    def reserve() -> None:
        seen.append((dict(vars(reserve.request)), dict(fields())))
        with capture.tracer.start_as_current_span("reserving"):
            set_tenant("other")

    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        with bind(correlation_id="c-17"):
            first = reserve.delay()
        first.get(timeout=20)
        reserve.delay().get(timeout=20)


@pytest.mark.parametrize("instrumented", [False, True])
def test_a_task_has_the_fields_of_who_asked_for_it(
    attached: Attach, carrying: None, app: Celery, instrumented: bool
) -> None:
    """And leaves none behind for the next; with OpenTelemetry's instrumentation the baggage, too."""
    attached({})
    seen: Seen = []
    with Capture() as capture:
        instrumentor = CeleryInstrumentor()  # type: ignore[no-untyped-call]  # it has no types
        if instrumented:
            instrumentor.instrument(tracer_provider=capture.tracer_provider)
        run(app, capture, seen)
        if instrumented:
            instrumentor.uninstrument()
        span = [span for span in capture.spans.values() if span.name == "reserving"][-1]
    (message, first), (_, second) = seen
    assert message["x-request-id"] == "c-17"
    assert set(message["baggage"].split(",")) == {"tenant=acme", "correlation_id=c-17"}
    assert first[CORRELATION_ID] == "c-17"
    assert second.get(CORRELATION_ID) != "c-17"
    assert (first.get(TENANT), second.get(TENANT)) == (("acme", "acme") if instrumented else (None, None))
    assert (span.attributes or {}).get(TENANT) == ("acme" if instrumented else None)


@pytest.mark.parametrize(("hosts", "told"), [("private", True), ("none", False)])
def test_a_message_for_a_broker(attached: Attach, carrying: None, hosts: str, told: bool) -> None:
    """It is the broker that must be allowed: whoever reads the queue is not known."""
    attached({"ERRORPLANE_BAGGAGE_HOSTS": hosts})
    with Connection("memory://") as connection, bind(correlation_id="c-17"):
        queue = connection.SimpleQueue("context")
        queue.put({"order": 17}, headers={"mine": "1"})
        message = queue.get(timeout=10)
        message.ack()
        queue.close()
    assert message.headers["mine"] == "1"
    assert ("baggage" in message.headers, "x-request-id" in message.headers) == (told, told)
    assert baggage.get_baggage("tenant") == "acme"
