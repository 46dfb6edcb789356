"""loguru: its options, its queue, its files, and every message once in OpenTelemetry."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from loguru import logger as loguru
from tests.logs.producers import Exported, Written

from errorplane.errors import EXCEPTION_TYPE
from errorplane.logs import LoguruFormat, LoguruSink, OpenTelemetrySink, loguru_handler
from errorplane.testing import Capture


def test_levels_of_its_own() -> None:
    """TRACE is below DEBUG, SUCCESS above INFO, and a new level has its own name."""
    written = Written()
    loguru.add(level=0, **loguru_handler(written.stream, environ={}))
    loguru.trace("x")
    loguru.success("x")
    loguru.log(35, "x")
    told = [(line["severity_text"], line["severity_number"]) for line in written.lines]
    assert told == [("TRACE", 1), ("SUCCESS", 12), ("Level 35", 16)]


def test_raw_messages_and_other_formats() -> None:
    """Whatever text loguru makes, the sink writes one line of JSON."""
    written = Written()
    loguru.add(LoguruSink(written.stream, "shop", environ={}), format="<red>{message}</red>\nand more", colorize=True)
    loguru.opt(raw=True).info("a\nb\n")
    loguru.opt(colors=True).info("<b>c</b>")
    assert [line["body"] for line in written.lines] == ["a\nb\n", "c"]


def test_values_of_variables_are_not_printed(tmp_path: Path) -> None:
    """loguru's traceback shows them; ours does not, in no way in which loguru can be told to write it."""
    secret = "pass" + "phrase of lena"
    written = Written()
    loguru.add(level=0, **loguru_handler(written.stream, environ={}, mask=False))
    loguru.add(LoguruSink(written.stream, environ={}, mask=False))
    loguru.add(tmp_path / "log", format=LoguruFormat(environ={}, mask=False))
    try:
        raise KeyError(len(secret))
    except KeyError:
        loguru.exception("x")
    text = written.stream.getvalue() + (tmp_path / "log").read_text()
    assert text.count("KeyError: 18") == 3
    assert secret not in text


def test_a_file_behind_its_queue_has_the_trace(tmp_path: Path) -> None:
    """`enqueue=True` writes in another thread; the line is made where it was logged."""
    path = tmp_path / "app.log"
    identifier = loguru.add(enqueue=True, **loguru_handler(path, "shop", environ={}))
    with Capture(service="shop") as capture, capture.tracer.start_as_current_span("request") as span:
        try:
            raise ValueError("no stock")
        except ValueError:
            loguru.bind(order=17).exception("cannot serve")
    loguru.remove(identifier)  # waits for its queue
    (line,) = map(json.loads, path.read_text().splitlines())
    assert line["span_id"] == f"{span.get_span_context().span_id:016x}"
    assert line[EXCEPTION_TYPE] == "ValueError"
    assert line["attributes"] == {"order": 17}


def test_nothing_is_added_for_other_sinks() -> None:
    """What a format prints of `extra` is what was bound."""
    written, other = Written(), Written()
    loguru.add(level=0, **loguru_handler(written.stream, environ={}))
    loguru.add(other.stream, format="{extra}")
    loguru.bind(order=17).info("x")
    assert other.stream.getvalue() == "{'order': 17}\n"


@contextmanager
def handlers_of_root(*handlers: logging.Handler) -> Iterator[None]:
    """Handlers at the root of the standard library's logging, and those that were there before in the end."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = handlers
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


class Propagate(logging.Handler):
    """As loguru's documentation has it: hands its messages on to the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


class Intercept(logging.Handler):
    """As loguru's documentation has it: hands messages of the standard library on to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        loguru.opt(depth=6, exception=record.exc_info).log(record.levelname, record.getMessage())


def _sent(capture: Capture) -> list[str]:
    return [str(data["body"]) for data in capture_lines(capture)]


def capture_lines(capture: Capture) -> list[dict[str, Any]]:
    """What an exporter that was added by `forwarded` got."""
    found: Exported = vars(capture)["exported"]
    return found.lines


@contextmanager
def forwarded(**options: Any) -> Iterator[Capture]:
    """loguru's messages on their way to OpenTelemetry."""
    with Capture(service="shop") as capture:
        vars(capture)["exported"] = Exported(capture.logger_provider)
        loguru.add(level=0, **loguru_handler(OpenTelemetrySink(capture.logger_provider, environ={}, **options)))
        yield capture


def test_a_message_reaches_opentelemetry() -> None:
    """With trace, severity, logger, event name and code; what OpenTelemetry has no type for is described."""
    with forwarded(code=True) as capture, capture.tracer.start_as_current_span("request") as span:
        loguru.bind(order=17, where=Path("/srv"), **{"otel.event.name": "cart.full"}).warning("full")
    (record,) = capture_lines(capture)
    assert record["span_id"] == f"{span.get_span_context().span_id:016x}"
    assert (record["severity_text"], record["severity_number"], record["body"]) == ("WARN", 13, "full")
    assert record["otel.event.name"] == "cart.full"
    assert record["otel.scope.name"] == __name__
    assert record["code.function.name"] == "test_a_message_reaches_opentelemetry"
    assert record["attributes"] == {"order": 17, "where": "/srv"}


@pytest.mark.parametrize("forwarder_first", [True, False])
def test_handed_on_to_logging_it_is_sent_once(forwarder_first: bool) -> None:
    """Where the standard library's handler of OpenTelemetry gets loguru's messages as well."""
    with Capture(service="shop") as capture, handlers_of_root(capture.handler):
        vars(capture)["exported"] = Exported(capture.logger_provider)
        sinks = [
            loguru_handler(OpenTelemetrySink(capture.logger_provider, environ={})),
            {"sink": Propagate(), "format": "{message}"},
        ]
        for options in sinks if forwarder_first else reversed(sinks):
            loguru.add(**options)
        loguru.info("one")
        loguru.info("one")
        logging.getLogger("shop").info("two")
        loguru.info("three")
    assert _sent(capture) == ["one", "one", "two", "three"]


@pytest.mark.parametrize("opentelemetry_first", [True, False])
def test_handed_on_from_logging_it_is_sent_once(opentelemetry_first: bool) -> None:
    """By OpenTelemetry's own handler, wherever it stands; what that does not take is sent from here."""
    with forwarded() as capture:
        handlers = [capture.handler, Intercept()]
        with handlers_of_root(*(handlers if opentelemetry_first else reversed(handlers))):
            try:
                raise ValueError("no stock")
            except ValueError:
                logging.getLogger("shop").exception("one %s", 1)
            loguru.info("two")
            capture.handler.setLevel(logging.ERROR)
            logging.getLogger("shop").warning("three")
    assert _sent(capture) == ["one 1", "two", "three"]
    assert capture_lines(capture)[0][EXCEPTION_TYPE] == "ValueError"


def test_one_mapping_given_to_many_messages_loses_none() -> None:
    """What an application calls `extra` itself is no sign that loguru has sent a message."""
    common = {"region": "eu"}
    with forwarded() as capture, handlers_of_root(capture.handler):
        loguru.info("zero")  # puts the filter on OpenTelemetry's handler
        for message in ("one", "two"):
            logging.getLogger("shop").info(message, extra={"extra": common})
    assert _sent(capture) == ["zero", "one", "two"]


def test_a_handler_that_says_something_of_its_own_is_heard() -> None:
    """Only the very message that is on its way to OpenTelemetry is left to the standard library."""

    class Chatty(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            loguru.info("something else")

    with forwarded() as capture, handlers_of_root(capture.handler, Chatty()):
        logging.getLogger("shop").info("one")
    assert sorted(_sent(capture)) == ["one", "something else"]


def test_a_failure_is_not_raised(swallowing: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A provider that fails costs the record, and nothing is printed by loguru."""

    class Failing:
        def get_logger(self, *_: object) -> None:
            raise RuntimeError

    provider: Any = Failing()
    loguru.add(catch=False, **loguru_handler(OpenTelemetrySink(provider, environ={})))
    loguru.info("x")
    assert capsys.readouterr().err == ""
