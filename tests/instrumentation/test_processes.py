"""Real applications under `opentelemetry-instrument`, exporting to a real OTLP receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.instrumentation.sink import Sink, attributes

from errorplane.errors import (
    COMPONENT,
    CORRELATION_ID,
    ERROR_CATEGORY,
    ERROR_FINGERPRINT,
    ERROR_ID,
    ERROR_KIND,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
)

APP = Path(__file__).with_name("app.py")
OURS = (ERROR_ID, ERROR_FINGERPRINT, ERROR_KIND, ERROR_CATEGORY, COMPONENT, CORRELATION_ID)
RUN = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def lone_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python that has everything but opentelemetry-distro: no other distro, no configurator."""
    home = tmp_path_factory.mktemp("lone")
    venv.create(home, symlinks=True)
    here = Path(sysconfig.get_paths()["purelib"])
    scheme = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    for entry in here.iterdir():
        if not entry.name.startswith("opentelemetry_distro"):
            target = Path(scheme["purelib"]) / entry.name
            if not target.exists():
                target.symlink_to(entry)
    return str(home / "bin" / "python")


def environment(sink: Sink, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests,flask,fastapi,httpx,asgi,wsgi",
        **more,
    }


def instrumented(python: str, env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-c", RUN, python, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)


def assert_everything_arrived(sink: Sink) -> None:
    """One error, told once, referred to by all three spans and the log record."""
    spans = sink.spans
    assert set(spans) == {"request", "service", "query"}
    (event,) = [event for span in spans.values() for event in span.events]
    told = attributes(event.attributes)
    wanted = {name: told[name] for name in OURS}
    assert [event.name for event in spans["query"].events] == ["exception"]
    assert (wanted[ERROR_KIND], wanted[ERROR_CATEGORY], wanted[COMPONENT]) == ("timeout", "transient", "shop")
    assert wanted[CORRELATION_ID] == spans["query"].trace_id.hex()
    for span in spans.values():
        assert {name: attributes(span.attributes)[name] for name in OURS} == wanted
        assert span.status.code == span.status.STATUS_CODE_ERROR
    (record,) = sink.logs
    logged = attributes(record.attributes)
    same = (ERROR_ID, ERROR_FINGERPRINT, ERROR_KIND, ERROR_CATEGORY, COMPONENT, EXCEPTION_TYPE, EXCEPTION_MESSAGE)
    assert {name: logged[name] for name in same} == {name: told[name] for name in same}
    assert record.body.string_value == "cannot serve"
    assert record.trace_id == spans["query"].trace_id, "it is logged after the trace, and belongs to it"
    assert "shop.orders" in sink.metrics


def test_errorplane_alone(sink: Sink, lone_python: str) -> None:
    """With no other distro installed, traces, metrics and logs leave with our attributes."""
    listed = (
        "import importlib.metadata as m; print([e.name for e in m.entry_points(group='opentelemetry_configurator')])"
    )
    assert subprocess.run([lone_python, "-c", listed], capture_output=True, text=True, check=True).stdout == "[]\n"
    done = instrumented(lone_python, environment(sink), str(APP))
    assert_everything_arrived(sink)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("distro", ["errorplane", "distro"])
def test_beside_another_distro(sink: Sink, distro: str) -> None:
    """With opentelemetry-distro installed too, it does not matter which one wins."""
    instrumented(sys.executable, environment(sink, OTEL_PYTHON_DISTRO=distro), str(APP))
    assert_everything_arrived(sink)


@pytest.mark.parametrize(("exporter", "name"), [("otlp", "exception"), ("none", None)])
def test_exceptions_as_log_records(sink: Sink, exporter: str, name: str | None) -> None:
    """With the opt-in of the semantic conventions; where log records go nowhere, they stay events of spans."""
    opted = environment(sink, OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN="logs", OTEL_LOGS_EXPORTER=exporter)
    instrumented(sys.executable, opted, str(APP))
    events = [event.name for span in sink.spans.values() for event in span.events]
    assert events == ([] if name else ["exception"])
    told = [record for record in sink.logs if record.event_name]
    assert [record.event_name for record in told] == ([name] if name else [])
    assert {record.span_id for record in told} <= {sink.spans["query"].span_id}
    written = [*(span.attributes for span in sink.spans.values()), *(record.attributes for record in sink.logs)]
    ids = {attributes(pairs)[ERROR_ID] for pairs in written}
    assert len(ids) == 1


CONFIG = """
file_format: "1.0"
resource: {attributes: [{name: service.name, value: shop}]}
tracer_provider:
  processors: [{batch: {exporter: {otlp_grpc: {endpoint: "ENDPOINT", tls: {insecure: true}}}}}]
meter_provider:
  readers: [{periodic: {exporter: {otlp_grpc: {endpoint: "ENDPOINT", tls: {insecure: true}}}}}]
logger_provider:
  processors: [{simple: {exporter: {otlp_grpc: {endpoint: "ENDPOINT", tls: {insecure: true}}}}}]
"""


def test_with_declarative_configuration(sink: Sink, tmp_path: Path) -> None:
    """OTEL_CONFIG_FILE can name no processor, so ours are added; the simple one sends at once what it sees."""
    config = tmp_path / "otel.yaml"
    config.write_text(CONFIG.replace("ENDPOINT", sink.endpoint))
    instrumented(sys.executable, environment(sink, OTEL_CONFIG_FILE=str(config)), str(APP))
    assert_everything_arrived(sink)


@pytest.mark.parametrize("distro", ["errorplane", "distro"])
def test_switched_off(sink: Sink, distro: str) -> None:
    """What remains is stock OpenTelemetry: the exception three times, and none of our attributes."""
    env = environment(sink, ERRORPLANE_ENABLED="false", OTEL_PYTHON_DISTRO=distro)
    instrumented(sys.executable, env, str(APP))
    assert [len(span.events) for span in sink.spans.values()] == [1, 1, 1]
    seen = [span.attributes for span in sink.spans.values()] + [record.attributes for record in sink.logs]
    seen += [event.attributes for span in sink.spans.values() for event in span.events]
    assert not [name for pairs in seen for name in attributes(pairs) if name.startswith("errorplane.")]
    assert len(sink.logs) == 1


def test_the_sdk_switched_off(sink: Sink) -> None:
    """OTEL_SDK_DISABLED ends it all, and the application runs as before."""
    done = instrumented(sys.executable, environment(sink, OTEL_SDK_DISABLED="true"), str(APP))
    assert (done.stdout, done.stderr) == ("", "")
    assert not sink.spans


LATE = """
import json, sys
from errorplane.hooks import attach
attach()
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
BEFORE
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
AFTER
trace.set_tracer_provider(provider)
from errorplane.context import bind
with bind(tenant="acme"), trace.get_tracer("x").start_as_current_span("request") as span:
    span.record_exception(ValueError("x"))
(span,) = exporter.get_finished_spans()
json.dump([len(span.events), dict(span.attributes)], sys.stdout)
"""


@pytest.mark.parametrize("place", ["first line", "BEFORE", "AFTER"])
def test_providers_that_the_application_makes_itself(place: str) -> None:
    """Whether they are made before or after `attach`, and set later."""
    attach = "from errorplane.hooks import attach\nattach()\n"
    code = LATE if place == "first line" else LATE.replace(attach, "").replace(place, attach)
    code = code.replace("BEFORE", "").replace("AFTER", "")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    events, found = json.loads(done.stdout)
    assert events == 1
    assert found["errorplane.tenant"] == "acme"
    assert ERROR_ID in found


FORKING = """
import multiprocessing, logging
from opentelemetry import trace

def work():
    with trace.get_tracer("x").start_as_current_span("child"):
        raise ValueError("x")

def child():
    try:
        work()
    except ValueError:
        logging.exception("lost")
    trace.get_tracer_provider().force_flush()

if __name__ == "__main__":
    with trace.get_tracer("x").start_as_current_span("parent"):
        pass
    trace.get_tracer_provider().force_flush()
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(30)
"""


def test_a_forked_worker(sink: Sink, tmp_path: Path) -> None:
    """The hooks work in the child as in the parent, which has already exported something, as a server's master has."""
    app = tmp_path / "forking.py"
    app.write_text(textwrap.dedent(FORKING))
    instrumented(sys.executable, environment(sink), str(app))
    assert "parent" in sink.spans
    child = sink.spans["child"]
    assert ERROR_ID in attributes(child.attributes)
    assert len(child.events) == 1
