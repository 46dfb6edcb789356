"""structlog: its own processors before ours, its loggers, its bridge, and OpenTelemetry's instrumentation of it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.handlers
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from opentelemetry.instrumentation.structlog import StructlogInstrumentor
from structlog.stdlib import ProcessorFormatter
from tests.logs.producers import Exported, StructlogBridge, Written, refuse

from errorplane.errors import EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE
from errorplane.logs import ContextFilter, JsonFormatter, StructlogRenderer
from errorplane.testing import Capture


class Native(Written):
    """A logger of structlog's own with processors before our renderer."""

    def __init__(self, *before: Any) -> None:
        super().__init__()
        processors = [*before, StructlogRenderer("shop", environ={})]
        self.logger: Any = structlog.wrap_logger(structlog.PrintLogger(self.stream), processors=processors)

    @property
    def only(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


COMMON = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.StackInfoRenderer(),
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.format_exc_info,
)


def test_what_its_processors_write_is_read() -> None:
    """Level, time, stack and bound variables."""
    native = Native(*COMMON)
    with structlog.contextvars.bound_contextvars(order=17):
        try:
            raise ValueError("no stock")
        except ValueError:
            native.logger.exception("cannot serve", stack_info=True)
    line = native.only
    assert (line["severity_text"], line["severity_number"], line["body"]) == ("ERROR", 17, "cannot serve")
    assert line["attributes"] == {"order": 17}
    assert "test_what_its_processors_write_is_read" in line["code.stacktrace"]


@pytest.mark.parametrize(
    "formatted",
    [structlog.processors.format_exc_info, structlog.processors.dict_tracebacks],
    ids=["text", "dictionaries"],
)
@pytest.mark.parametrize("grouped", [False, True])
def test_an_exception_that_was_formatted_is_the_same(formatted: Any, grouped: bool) -> None:
    """Type, message and id of an exception that a processor has written down, as without one; and only once."""
    told: list[dict[str, Any]] = []
    for before in ((formatted,), ()):
        native = Native(*before)
        try:
            raise ExceptionGroup("two", [ValueError("a"), KeyError("b")]) if grouped else ValueError("no\nstock")
        except Exception as error:
            error.add_note("a note")
            native.logger.exception("cannot serve", order=17)
            native.logger.error("cannot serve", order=17, exc_info=error)
        first, second = native.lines
        assert first["errorplane.error.id"] == second["errorplane.error.id"]
        told.append({name: first[name] for name in (EXCEPTION_TYPE, EXCEPTION_MESSAGE, "attributes")})
    assert told[0] == told[1]
    assert told[0]["attributes"] == {"order": 17}


@pytest.mark.parametrize("given", ["ValueError: of another", [{"exc_type": "ValueError", "exc_value": "b"}], [1], []])
def test_what_was_formatted_of_another_exception_is_left(given: object) -> None:
    """The exception that is being handled is told only if it is the one that was written down."""
    native = Native()
    try:
        raise ValueError
    except ValueError:
        native.logger.error("x", exception=given)
    assert EXCEPTION_TYPE not in native.only


def test_a_stack_is_told_without_a_processor_for_it() -> None:
    """`stack_info` ends where it was logged."""
    native = Native()
    native.logger.info("x", stack_info=True)
    *_, frame, source = native.only["code.stacktrace"].split("\n")
    assert "test_a_stack_is_told_without_a_processor_for_it" in frame
    assert "stack_info=True" in source


@pytest.mark.parametrize("name", ["message", "msg"])
def test_a_renamed_event_is_the_body(name: str) -> None:
    """structlog's `EventRenamer` before ours leaves no second message."""
    native = Native(structlog.processors.EventRenamer(name))
    native.logger.info("full")
    assert native.only["body"] == "full"
    assert "attributes" not in native.only


@pytest.mark.parametrize(
    ("stamper", "at"),
    [
        (structlog.processors.TimeStamper(), None),
        (lambda *args: {**args[2], "timestamp": 1.5}, "1970-01-01T00:00:01.5"),
    ],
    ids=["now", "given"],
)
def test_the_time_is_that_of_the_stamper(stamper: Any, at: str | None) -> None:
    """Seconds since 1970, as structlog writes them by default."""
    native = Native(stamper)
    native.logger.info("x")
    assert "attributes" not in native.only
    assert at is None or native.only["timestamp"] == f"{at}00000000Z"


@pytest.mark.parametrize("given", ["gold", 3, None])
@pytest.mark.parametrize("name", ["level", "timestamp", "exception", "stack", "logger"])
def test_what_an_application_means_by_such_names_is_kept(name: str, given: object) -> None:
    """A level that is none, a time that is none: they are attributes, as far as nothing else can be told of them."""
    native = Native()
    native.logger.warning("x", **{name: given})
    told = native.only
    if (name, given) in (("timestamp", 3), ("exception", "gold"), ("stack", "gold"), ("logger", "gold")):
        assert "attributes" not in told  # they are what structlog's processors may have written
    else:
        assert told["attributes"] == {name: given}
    assert told["severity_text"] == "WARN"


@pytest.mark.parametrize(
    ("method", "text", "number"),
    [
        ("debug", "DEBUG", 5),
        ("warn", "WARN", 13),
        ("fatal", "FATAL", 21),
        ("critical", "FATAL", 21),
        ("notice", "NOTICE", 0),
    ],
)
def test_severities(method: str, text: str, number: int) -> None:
    """Of the method that was called, where no processor has written a level."""
    line = json.loads(StructlogRenderer(environ={})(None, method, {"event": "x"}))
    assert (line["severity_text"], line["severity_number"]) == (text, number)


def test_lines_of_the_standard_library_through_its_formatter() -> None:
    """What was not logged with structlog comes out of `ProcessorFormatter` alike, with what was given as `extra`."""
    bridge = StructlogBridge()
    try:
        raise ValueError("no stock")
    except ValueError:
        bridge.logger.exception("cannot %s", "serve", extra={"order": 17})
    (line,) = bridge.lines
    assert line["body"] == "cannot serve"
    assert line["attributes"] == {"order": 17}
    assert (line[EXCEPTION_TYPE], line[EXCEPTION_MESSAGE]) == ("ValueError", "no stock")


def test_asynchronous_calls() -> None:
    """`aexception` logs in another thread: the exception and the trace go along."""
    stream = io.StringIO()
    logger: Any = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[StructlogRenderer("shop", environ={}, code=True)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )

    async def serve() -> None:
        try:
            raise ValueError("no stock")
        except ValueError:
            await logger.aexception("cannot serve")

    with Capture(service="shop") as capture, capture.tracer.start_as_current_span("request") as span:
        asyncio.run(serve())
    line = json.loads(stream.getvalue(), parse_constant=refuse)
    assert line[EXCEPTION_MESSAGE] == "no stock"
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "concurrent" not in line.get("code.file.path", "")


class Broken:
    """Fails however it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Undecided:
    """Is neither true nor false, as an array of numpy's."""

    def __bool__(self) -> bool:
        raise ValueError

    __eq__ = __bool__  # type: ignore[assignment]  # that it fails is what is tested
    __hash__ = object.__hash__


def test_nothing_makes_it_raise() -> None:
    """Events, keys and values that fail when they are printed."""
    line = json.loads(
        StructlogRenderer(environ={})(
            None, "info", {"event": Broken(), "value": Broken(), "exc_info": Undecided(), "stack_info": Undecided()}
        )
    )
    assert line["body"] == "<unprintable Broken>"
    assert line["attributes"] == {"value": "<unprintable Broken>"}


@contextmanager
def instrumented(capture: Capture) -> Iterator[None]:
    """OpenTelemetry's instrumentation of structlog, which adds its processor before the last one."""
    StructlogInstrumentor().instrument(logger_provider=capture.logger_provider)
    try:
        yield
    finally:
        StructlogInstrumentor().uninstrument()
        structlog.reset_defaults()


@pytest.mark.parametrize("bridged", [False, True], ids=["native", "bridge"])
@pytest.mark.parametrize("how", ["current", "instance", "tuple", "formatted"])
def test_beside_its_instrumentation(how: str, bridged: bool) -> None:
    """The exported record has the type and message of the span, not the bare class name; so has our line."""
    written = Written()
    with Capture(service="shop") as capture, instrumented(capture), capture.tracer.start_as_current_span("r") as span:
        exported = Exported(capture.logger_provider)
        _configure(written, bridged, *([structlog.processors.format_exc_info] if how == "formatted" else []))
        logger = structlog.get_logger()
        try:
            json.loads("{")
        except ValueError as error:
            span.record_exception(error)
            caught = error
            if how in ("current", "formatted"):
                logger.exception("cannot serve", order=17)
        if how in ("instance", "tuple"):
            info = caught if how == "instance" else (type(caught), caught, caught.__traceback__)
            logger.error("cannot serve", order=17, exc_info=info)
    ((_, event),) = capture.exceptions
    told = dict(event.attributes or {})
    (record,), (line,) = exported.lines, written.lines
    assert told[EXCEPTION_TYPE] == "json.decoder.JSONDecodeError"
    for name in (EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, "errorplane.error.id"):
        assert len({str(each[name]).rstrip() for each in (record, line, told)}) == 1, name
    assert record["attributes"] == line["attributes"] == {"order": 17}
    assert record["severity_text"] == line["severity_text"] == "ERROR"


def _to_handler(handler: logging.Handler) -> Any:
    """A logger of structlog's that hands whole events on to a handler of the standard library's."""
    logger = logging.Logger("shop.cart")  # noqa: LOG001  # not in the tree that pytest listens to
    logger.addHandler(handler)
    processors: list[Any] = [structlog.stdlib.add_log_level, ProcessorFormatter.wrap_for_formatter]
    return structlog.wrap_logger(logger, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)


def test_whole_events_reach_opentelemetry_as_what_was_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Its handler sends message, exception and values of an event, and complains of nothing that came with them."""
    with Capture(service="shop") as capture:
        exported = Exported(capture.logger_provider)
        logger = _to_handler(capture.handler)
        try:
            raise ValueError("no stock")
        except ValueError as error:
            logger.error("cannot serve", order=17, name="lena", exc_info=error)
    (record,) = exported.lines
    assert record["body"] == "cannot serve"
    assert (record[EXCEPTION_TYPE], record[EXCEPTION_MESSAGE]) == ("ValueError", "no stock")
    assert record["attributes"] == {"order": 17, "name_": "lena"}
    assert caplog.records == []


def test_whole_events_pass_a_queue() -> None:
    """The filter on the queue's handler keeps them for a formatter and for OpenTelemetry's handler behind it."""
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    through, written, behind = logging.handlers.QueueHandler(waiting), Written(), logging.StreamHandler()
    through.addFilter(ContextFilter("shop", environ={}))
    behind.setStream(written.stream)
    behind.setFormatter(JsonFormatter("shop", environ={}))
    with Capture(service="shop") as capture:
        exported = Exported(capture.logger_provider)
        try:
            raise ValueError("no stock")
        except ValueError as error:
            _to_handler(through).error("cannot serve", order=17, exc_info=error)
        record = waiting.get()
        capture.handler.handle(record)
        behind.handle(record)
    for line in (*written.lines, *exported.lines):
        assert (line["body"], line["attributes"]) == ("cannot serve", {"order": 17})
        assert (line[EXCEPTION_TYPE], line[EXCEPTION_MESSAGE]) == ("ValueError", "no stock")
    assert len(written.lines) == len(exported.lines) == 1


def _configure(written: Written, bridged: bool, *before: Any) -> None:
    if not bridged:
        factory: Any = structlog.PrintLoggerFactory(written.stream)
        structlog.configure(processors=[*before, StructlogRenderer("shop", environ={})], logger_factory=factory)
        return
    handler = logging.StreamHandler(written.stream)
    handler.setFormatter(ProcessorFormatter(processors=[StructlogRenderer("shop", environ={})]))
    logger = logging.Logger("shop.cart")  # noqa: LOG001  # not in the tree that pytest listens to
    logger.addHandler(handler)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, *before, ProcessorFormatter.wrap_for_formatter],
        logger_factory=lambda: logger,
        wrapper_class=structlog.stdlib.BoundLogger,
    )
