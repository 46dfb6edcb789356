"""Settings in OTEL_CONFIG_FILE, through the instrumentor entry point."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.instrumentation.sink import Sink, attributes
from tests.instrumentation.test_processes import APP, CONFIG, assert_everything_arrived, environment, instrumented

from errorplane import settings
from errorplane.context import configure
from errorplane.distro import Configuration, ErrorplaneInstrumentor
from errorplane.errors import COMPONENT, ERROR_FINGERPRINT, ERROR_ID
from errorplane.hooks import detach, is_attached
from errorplane.settings import VARIABLES, Variable

FILE = """
instrumentation/development:
  python:
    errorplane:
"""
GOOD: dict[str, Any] = {"flag": False, "number": 7, "text": "x", "words": ["a", "b"]}
BAD: dict[str, list[Any]] = {
    "flag": ["false", 0, []],
    "number": [True, -1, "7", float("nan")],
    "text": [7, ["x"], False],
    "words": ["a,b", [1], ["a,b"], {"a": 1}],
}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def instrumentor() -> Iterator[ErrorplaneInstrumentor]:
    detach()
    instrumentor = ErrorplaneInstrumentor()
    yield instrumentor
    instrumentor.uninstrument()
    configure({})


def declared(sink: Sink, folder: Path, *lines: str) -> dict[str, str]:
    """The environment of an application with such a file."""
    config = folder / "otel.yaml"
    config.write_text(CONFIG.replace("ENDPOINT", sink.endpoint) + FILE + "".join(f"      {line}\n" for line in lines))
    return environment(sink, OTEL_CONFIG_FILE=str(config))


def test_the_file_carries_settings(sink: Sink, tmp_path: Path) -> None:
    """What it says stands before the variables of the environment, is read once, and is said to nobody."""
    env = declared(sink, tmp_path, "component: checkout")
    done = instrumented(sys.executable, {**env, "ERRORPLANE_COMPONENT": "cart"}, str(APP))
    assert {attributes(span.attributes)[COMPONENT] for span in sink.spans.values()} == {"checkout"}
    assert [len(span.events) for span in sink.spans.values()].count(1) == 1, "attached once"
    assert "already" not in done.stderr
    assert "errorplane" not in done.stderr


def test_an_empty_entry_attaches_with_defaults(sink: Sink, tmp_path: Path) -> None:
    """As with no entry at all."""
    instrumented(sys.executable, declared(sink, tmp_path, "{}"), str(APP))
    assert_everything_arrived(sink)


def test_mistakes_in_the_file_are_told_and_the_rest_holds(sink: Sink, tmp_path: Path) -> None:
    """Each with file, place, value and what is allowed; errors leave with what was right."""
    env = declared(sink, tmp_path, "component: checkout", "baggage_keys: tenant", "metric_values: many", "colour: red")
    done = instrumented(sys.executable, env, str(APP))
    place = f"{env['OTEL_CONFIG_FILE']}: instrumentation/development.python.errorplane"
    assert f"{place}.baggage_keys: is 'tenant' and must be a list of texts without commas" in done.stderr
    assert f"{place}.metric_values: is 'many' and must be a number of 0 or more" in done.stderr
    assert f"{place}.colour: is no setting; there are baggage_hosts, " in done.stderr
    assert "Traceback" not in done.stderr
    for span in sink.spans.values():
        assert attributes(span.attributes)[COMPONENT] == "checkout"
        assert ERROR_FINGERPRINT in attributes(span.attributes)


def test_switched_off_for_all_the_file_says(sink: Sink, tmp_path: Path) -> None:
    """ERRORPLANE_ENABLED is the one switch."""
    env = declared(sink, tmp_path, "component: checkout")
    instrumented(sys.executable, {**env, "ERRORPLANE_ENABLED": "off"}, str(APP))
    assert all(ERROR_ID not in attributes(span.attributes) for span in sink.spans.values())
    assert len(sink.spans) == 3


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_variable_has_a_typed_field(
    variable: Variable, instrumentor: ErrorplaneInstrumentor, caplog: pytest.LogCaptureFixture
) -> None:
    """A value of its type arrives where the variable is read; one of another type is refused, and not shown if secret."""
    if variable.name == settings.ENABLED:
        assert not hasattr(Configuration(), variable.key)
        return
    value = variable.allowed[0] if variable.allowed else GOOD[variable.type]
    instrumentor.instrument(**{variable.key: value})
    assert is_attached()
    read: Any = getattr(settings, variable.type)(settings.environment(), variable.name)
    assert read == (tuple(value) if variable.type == "words" else value)
    for wrong in BAD[variable.type]:
        instrumentor.uninstrument()
        caplog.clear()
        instrumentor.instrument(**{variable.key: wrong})
        assert is_attached()
        assert variable.name not in settings.environment()
        (told,) = [line for line in caplog.messages if variable.key in line]
        assert ("not shown" in told) == settings.is_secret(variable.name)


def test_what_comes_too_late_is_said(instrumentor: ErrorplaneInstrumentor, caplog: pytest.LogCaptureFixture) -> None:
    """A second call without options is silent, one with options names them."""
    instrumentor.instrument(component="checkout")
    with caplog.at_level(logging.DEBUG):
        instrumentor.instrument(skip_dep_check=True)
        assert caplog.messages == []
        instrumentor.instrument(component="cart")
    assert caplog.messages == ["errorplane is attached already: the settings component come too late"]
    assert settings.environment()[settings.COMPONENT] == "checkout"
    instrumentor.uninstrument()
    assert not is_attached()
    assert settings.COMPONENT not in settings.environment()
