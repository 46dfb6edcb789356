"""The command, on real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.instrumentation.sink import Sink

BIN = Path(sys.executable).parent
APP = """
import pybreaker
from opentelemetry import trace
breaker = pybreaker.CircuitBreaker()
@breaker
async def fetch(): ...
@breaker
def load(): ...
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
with trace.get_tracer("shop").start_as_current_span("start-up"):
    print("started", flush=True)
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def doctor(folder: Path, sink: Sink, *words: str, program: Sequence[str] = (), **more: str) -> tuple[int, str, str]:
    """Exit code, output and errors."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    env = {
        **kept,
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "OTEL_PYTHON_DISTRO": "errorplane",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests,flask,fastapi,httpx,asgi,wsgi,grpc,celery,aiohttp-client",
        **more,
    }
    command = [*(program or (str(BIN / "errorplane"), "doctor")), *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def ids(report: str) -> list[str]:
    return [finding["id"] for finding in json.loads(report)["findings"]]


def test_a_healthy_set_up(sink: Sink, tmp_path: Path) -> None:
    """Exit code 0, what is attached, and no secret; it is the same as `python -m errorplane.doctor`."""
    secrets = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=hunter2", "ERRORPLANE_USER_KEY": "hunter2" * 4}
    for program in ((), (sys.executable, "-m", "errorplane.doctor")):
        code, report, errors = doctor(tmp_path, sink, program=program, **secrets)
        assert (code, errors) == (0, "")
        assert "errorplane is attached: Python 3." in report
        assert f"traces {sink.endpoint}, metrics {sink.endpoint}, logs {sink.endpoint}" in report
        assert "OTEL_EXPORTER_OTLP_HEADERS=(not shown)" in report
        assert "hunter2" not in report
        assert "0 errors, 0 warnings" in report


def test_an_application_is_imported_and_sends_nothing(sink: Sink, tmp_path: Path) -> None:
    """What is wrong in its modules is found, beside what is wrong with its source, its settings and its variables."""
    (tmp_path / "shop.py").write_text(APP)
    more = {"ERRORPLANE_SETTINGS": "none.json", "ERRORPLANE_MIDLEWARE": "false", "ERRORPLANE_BAGGAGE_MASK": "maybe"}
    code, report, _ = doctor(tmp_path, sink, "--app", "shop:app", "--json", "shop.py", **more)
    assert code == 1
    assert sorted(ids(report)) == [
        "breaker-on-coroutine",  # at run time and in the source, which is told once
        "settings-file",
        "unknown-variable",
        "wrong-value",
    ]
    assert not sink.spans
    assert not sink.metrics


def test_a_command_is_started_as_it_would_be(sink: Sink, tmp_path: Path) -> None:
    """A server that forks its workers is looked at, master and worker; once the worker has started, it ends both."""
    (tmp_path / "shop.py").write_text(APP + "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\n")
    gunicorn = ("gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "shop:app")
    code, report, errors = doctor(tmp_path, sink, "--json", "--wait", "45", "--", "opentelemetry-instrument", *gunicorn)
    assert code == 1, errors
    document = json.loads(report)
    assert ids(report) == ["breaker-on-coroutine"]
    assert [facts["attached"] for facts in document["processes"]] == [True, True]
    assert not sink.spans


def test_a_command_that_does_not_end_is_ended(sink: Sink, tmp_path: Path) -> None:
    """After the time that it may take, with all that it started."""
    endless = "import os, pathlib, time\nos.fork()\npathlib.Path(str(os.getpid())).touch()\ntime.sleep(600)\n"
    (tmp_path / "endless.py").write_text(endless)
    code, report, _ = doctor(tmp_path, sink, "--json", "--wait", "6", "--", sys.executable, "endless.py")
    assert (code, "not-attached" in ids(report)) == (1, True)
    pids = [path.name for path in tmp_path.iterdir() if path.name.isdigit()]
    assert len(pids) == 2
    assert not [pid for pid in pids if (Path("/proc") / pid / "exe").exists()]


def test_a_command_without_opentelemetry(sink: Sink, tmp_path: Path) -> None:
    """Nothing is attached that the command does not attach itself."""
    command = (sys.executable, "-c")
    code, report, _ = doctor(tmp_path, sink, "--json", "--", *command, "pass")
    assert (code, "not-attached" in ids(report)) == (1, True)
    code, report, _ = doctor(tmp_path, sink, "--json", "--", *command, "import errorplane.hooks as h; h.attach()")
    assert (code, ids(report)) == (0, ["signal-off", "signal-off"])


CONFIG = """
file_format: "1.0"
tracer_provider: {processors: [{simple: {exporter: {otlp_grpc: {endpoint: "ENDPOINT", tls: {insecure: true}}}}}]}
"""


def test_a_configuration_file(sink: Sink, tmp_path: Path) -> None:
    """Without a logger provider, no log leaves; one that is broken ends everything; both are said."""
    file = tmp_path / "otel.yaml"
    file.write_text(CONFIG.replace("ENDPOINT", sink.endpoint))
    env = {"OTEL_CONFIG_FILE": "otel.yaml", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    warned = {"OTEL_EXPORTER_OTLP_ENDPOINT"}  # and not of what the distro has set
    code, report, _ = doctor(tmp_path, sink, "--json", **env)
    assert (code, ids(report)[0]) == (1, "config-file-signal-missing")
    endpoints: list[dict[str, Any]] = json.loads(report)["processes"][0]["exporters"]
    assert [each["endpoint"] for each in endpoints] == [sink.endpoint]
    assert {each["where"] for each in json.loads(report)["findings"] if each["id"] == "opt-in-ignored"} == warned
    file.write_text(CONFIG.replace("simple", "sample"))
    code, report, _ = doctor(tmp_path, sink, "--json", **env)
    assert (code, "start-failed" in ids(report)) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.py"], "nowhere.py: there is no such file"),
        (["--wait", "0"], "a positive --wait"),
        (["--app", "x", "--", "python"], "give --app or a command"),
        (["--", "no-such-command"], "no-such-command: there is no such command"),
        (["--", "opentelemetry-instrument", "--traces_exporter", "none", "python"], "give its options as variables"),
        (["--", "echo", "hello"], "put opentelemetry-instrument, if it is used, first. It said:\nhello"),
    ],
)
def test_what_cannot_be_done_is_said(words: list[str], told: str, sink: Sink, tmp_path: Path) -> None:
    """With exit code 2."""
    code, report, errors = doctor(tmp_path, sink, *words)
    assert (code, report) == (2, "")
    assert told in errors
