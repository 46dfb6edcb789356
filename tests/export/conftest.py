"""An application with head sampling that sends to a real receiver, and errors that leave all the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler
from tests.instrumentation.sink import Sink

from errorplane.export import Rates
from errorplane.export.spans import ErrorExport
from errorplane.hooks import _sdk, attach, detach
from errorplane.testing import SeededIds

ON = {"ERRORPLANE_EXPORT_ERRORS": "true"}


class App:
    """An application with errorplane attached, and its tracer provider; `export` is what is under test, if it is on."""

    def __init__(self, provider: TracerProvider, export: ErrorExport | None) -> None:
        self.provider = provider
        self.tracer = provider.get_tracer("shop")
        self._export = export

    @property
    def export(self) -> ErrorExport:
        assert self._export is not None, "started without rates"
        return self._export

    def fail(self, name: str = "checkout", error: type[Exception] = KeyError, **options: Any) -> None:
        """A span that ends in an exception."""
        with pytest.raises(error), self.tracer.start_as_current_span(name, **options):
            raise error("order 17")


Start = Callable[..., App]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def start(sink: Sink) -> Iterator[Start]:
    """Start an application with a sampler, by default one that drops everything, and what the environment or `rates`
    say about the export; it ends with the test."""
    apps: list[App] = []

    def begin(
        environ: Mapping[str, str] = ON,
        *,
        sampler: Sampler | None = None,
        rates: Rates | None = None,
        clock: Callable[[], float] = time.monotonic,
        exporter: SpanExporter | None = None,
        **queue: Any,
    ) -> App:
        detach()
        attach(new_id=SeededIds(1), environ={} if rates else environ)
        provider = TracerProvider(
            sampler=sampler or ParentBased(ALWAYS_OFF),
            resource=Resource({"service.name": "shop"}),
            shutdown_on_exit=False,
        )
        export = ErrorExport(rates, _sdk, clock=clock) if rates else None
        if export is not None:
            export.adopt(provider)
        to = exporter or OTLPSpanExporter(endpoint=sink.endpoint, insecure=True)
        provider.add_span_processor(BatchSpanProcessor(to, **queue))
        apps.append(App(provider, export))
        return apps[-1]

    yield begin
    for app in apps:
        app.provider.shutdown()
        if app._export is not None:
            app._export.close()
    detach()
