"""What the tests of context fields and their propagation share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from tests.context.servers import Recorder, recording, resolve_names

from errorplane.context import configure
from errorplane.hooks import attach, detach

Attach = Callable[[Mapping[str, str]], None]


@pytest.fixture
def attached() -> Iterator[Attach]:
    """Attach with an environment; taken back after the test."""

    def start(environ: Mapping[str, str]) -> None:
        attach(environ=environ)

    yield start
    detach()
    configure({})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A server that is known under an own and a third party's name."""
    resolve_names(monkeypatch)
    with recording() as recorder:
        yield recorder


@pytest.fixture
def carrying() -> Iterator[None]:
    """Baggage of this application: a tenant, and something that is nobody's business."""
    current = baggage.set_baggage("tenant", "acme", baggage.set_baggage("cart", "17"))
    token = context.attach(current)
    yield
    context.detach(token)


@pytest.fixture
def tracer_provider() -> Iterator[TracerProvider]:
    """A provider that exports nothing."""
    provider = TracerProvider(shutdown_on_exit=False)
    yield provider
    provider.shutdown()
