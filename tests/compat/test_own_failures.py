"""Whatever fails on our side costs telemetry of ours, and the application nothing; and it is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.instrumentation.sink import Sink, attributes
from tests.instrumentation.test_processes import RUN, environment

from errorplane.errors import ERROR_FINGERPRINT

PROGRAM = """
import logging, logging.config, sys
logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "errorplane.masking.MaskingFilter"}},
    "formatters": {"json": {"()": "errorplane.logs.JsonFormatter"}},
    "handlers": {
        "json": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"},
        "plain": {"class": "logging.StreamHandler", "filters": ["mask"], "stream": "ext://sys.stdout"},
    },
    "loggers": {"shop": {"handlers": ["json", "plain"]}},
})
from opentelemetry import trace
try:
    with trace.get_tracer("shop").start_as_current_span("request"):
        raise TimeoutError("no answer for jo@example.org")
except TimeoutError as error:
    logging.getLogger("shop").warning("no mail to jo@example.org")
"""
BROKEN = """
from opentelemetry import metrics, trace
import errorplane.hooks._spans as spans
def broken(*_, **__):
    raise RuntimeError("broken")
spans._see = broken
import os
def fail(name):
    try:
        with trace.get_tracer("shop").start_as_current_span(name):
            raise TimeoutError("no answer")
    except TimeoutError:
        pass
fail("parent")
if pid := os.fork():
    assert os.waitpid(pid, 0)[1] == 0
else:
    metrics.get_meter_provider().force_flush()
    os._exit(0)
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def run(program: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, sys.executable, "-c", program]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)


def test_settings_that_cannot_be_read_end_no_telemetry(sink: Sink, tmp_path: Path) -> None:
    """The application starts, errors leave with all that is ours, and its own lines say nothing but that."""
    settings = tmp_path / "application.json"
    settings.write_text("{")
    env = environment(sink, ERRORPLANE_SETTINGS=str(settings), ERRORPLANE_BAGGAGE_MASK="true")
    done = run(PROGRAM, env)
    assert ERROR_FINGERPRINT in attributes(sink.spans["request"].attributes)
    assert "application.json: is no JSON" in done.stderr
    assert "Traceback" not in done.stderr
    first, second = done.stdout.splitlines()
    assert "jo@" not in first + second
    assert "QUARANTINED" in json.loads(first)["body"]
    assert "QUARANTINED" in second


def test_failures_are_a_metric(sink: Sink) -> None:
    """With the hook as attribute; the span is written as OpenTelemetry alone would, and a fork counts from zero."""
    run(BROKEN, environment(sink))
    assert [event.name for event in sink.spans["parent"].events] == ["exception"]
    counted = sink.counts("errorplane.hooks.failures")
    assert list(counted.values()) == [1], "the parent's, and not again by its child"
