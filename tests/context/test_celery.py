"""A real worker in a thread, with a broker in memory: what goes into a message, and what a task has of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging
from kombu import Connection
from opentelemetry import baggage, trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from tests.context.conftest import Attach

from errorplane.context import bind, fields, set_tenant
from errorplane.errors import CORRELATION_ID, TENANT
from errorplane.propagation import Hosts
from errorplane.propagation._clients import broker_of
from errorplane.testing import Capture


class Worker(NamedTuple):
    """Runs a task; what it had when it ran: its message's headers, its context fields, the attributes of its span."""

    run: Callable[[], None]
    seen: list[tuple[Mapping[str, Any], Mapping[str, str], Mapping[str, Any]]]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One worker for all tests: it takes seconds to end."""
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport_options = {"polling_interval": 0.02}
    setup_logging.connect(_leave_logging_alone)
    worker = Worker(lambda: reserve.delay().get(timeout=20), [])

    @app.task(name="shop.reserve", shared=False)
    def reserve() -> None:
        attributes = dict(getattr(trace.get_current_span(), "attributes", None) or {})
        worker.seen.append((dict(vars(reserve.request)), dict(fields()), attributes))
        set_tenant("left behind")

    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        yield worker
    app.close()
    setup_logging.disconnect(_leave_logging_alone)


def _leave_logging_alone(**_: Any) -> None:
    """Celery does not set logging up where somebody else says to do it."""


@pytest.mark.parametrize("instrumented", [False, True])
def test_a_task_has_the_fields_of_who_asked_for_it(
    attached: Attach, carrying: None, worker: Worker, instrumented: bool
) -> None:
    """And leaves none behind for the next; with OpenTelemetry's instrumentation its span has them, and the baggage."""
    attached({})
    worker.seen.clear()
    with Capture() as capture:
        instrumentor = CeleryInstrumentor()  # type: ignore[no-untyped-call]  # it has no types
        if instrumented:
            instrumentor.instrument(tracer_provider=capture.tracer_provider)
        with bind(correlation_id="c-17"):
            worker.run()
        worker.run()
        if instrumented:
            instrumentor.uninstrument()
    (message, first, span), (_, second, _) = worker.seen
    assert message["x-request-id"] == "c-17"
    assert set(message["baggage"].split(",")) == {"tenant=acme", "correlation_id=c-17"}
    assert first[CORRELATION_ID] == "c-17"
    assert CORRELATION_ID not in second
    tenant = "acme" if instrumented else None
    assert (first.get(TENANT), second.get(TENANT), span.get(TENANT)) == (tenant, tenant, tenant)
    assert span.get(CORRELATION_ID) == ("c-17" if instrumented else None)


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


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("amqp://mq.internal//", True),
        ("amqp://mq.third-party.test//", False),
        ("amqp://", True),
        ("redis+socket:///run/redis.sock?virtual_host=1", True),
        ("sqla+sqlite:///celery.db", False),
    ],
)
def test_the_broker_of_a_producer(url: str, told: bool) -> None:
    """Its host, if it is known; without one kombu takes this machine."""
    with Connection(url) as connection:
        assert (broker_of(Producer(connection)) in Hosts(["private"])) is told


class Producer(NamedTuple):
    """What is asked of one of kombu's, which connects when it is made."""

    connection: Any


class Cloud(NamedTuple):
    """A connection of a transport for which a library of a cloud would have to be installed."""

    transport_cls: str
    hostname: str


@pytest.mark.parametrize("cloud", [Cloud("azureservicebus", "namespace"), Cloud("gcpubsub", "projects")])
def test_a_queue_in_a_cloud_is_none_of_ours(cloud: Cloud) -> None:
    """What stands in the place of the host there is a name without a dot."""
    assert broker_of(Producer(cloud)) is None
