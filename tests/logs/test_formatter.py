"""JSON lines: one vocabulary with the spans, whatever is logged."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import logging
import logging.config
import os
import re
from collections import UserDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage
from opentelemetry.context import attach, detach
from werkzeug.local import LocalProxy

from errorplane.context import allow_baggage, bind, configure
from errorplane.errors import (
    ERROR_CATEGORY,
    ERROR_FINGERPRINT,
    ERROR_HANDLED,
    ERROR_ID,
    ERROR_KIND,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from errorplane.logs import JsonFormatter
from errorplane.testing import Capture


class Lines:
    """A logger whose lines are parsed again."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(formatter)
        self.log = logging.Logger("shop.cart")  # noqa: LOG001  # not in the tree that pytest listens to
        self.log.addHandler(self.handler)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (json.loads(line, parse_constant=_refuse) for line in self._stream.getvalue().splitlines())

    @property
    def only(self) -> dict[str, Any]:
        (line,) = self
        return line


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.fixture
def lines() -> Lines:
    return Lines(JsonFormatter("shop", environ={}))


def test_a_line(lines: Lines) -> None:
    """Time in UTC to the nanosecond, severity as OpenTelemetry counts it, the rest in its vocabulary."""
    record = logging.makeLogRecord(
        {"name": "shop.cart", "msg": "%s items", "args": (3,), "levelno": 30, "levelname": "WARNING", "created": 1.5}
    )
    assert json.loads(JsonFormatter("shop", environ={}).format(record)) == {
        "timestamp": "1970-01-01T00:00:01.500000000Z",
        "severity_text": "WARN",
        "severity_number": 13,
        "body": "3 items",
        "otel.scope.name": "shop.cart",
        "service.name": "shop",
    }
    lines.log.critical("x", extra={"order": 17, "nested": {"a": [1, None, 2.5]}})
    line = lines.only
    assert (line["severity_text"], line["severity_number"]) == ("FATAL", 21)
    assert line["attributes"] == {"order": 17, "nested": {"a": [1, None, 2.5]}}
    then = datetime.datetime.fromisoformat(re.sub(r"\d{3}Z", "Z", line["timestamp"]))
    assert abs((datetime.datetime.now(datetime.UTC) - then).total_seconds()) < 60


def test_an_error_is_the_same_in_the_line_and_on_the_span(lines: Lines) -> None:
    """Type, message, id, fingerprint, kind, category and the context fields."""
    with Capture(service="shop") as capture, bind(tenant="acme", component="cart"):
        span = capture.tracer.start_span("query")
        try:
            raise TimeoutError("after 2 s")
        except TimeoutError as error:
            span.record_exception(error)
            lines.log.exception("cannot serve")
        span.end()
    ((_, event),) = capture.exceptions
    line = lines.only
    told = dict(event.attributes or {})
    names = (EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, ERROR_ID, ERROR_FINGERPRINT, ERROR_KIND)
    for name in (*names, ERROR_CATEGORY, "errorplane.component", "errorplane.tenant"):
        assert line[name] == told[name], name


def test_trace_context_is_in_the_line(lines: Lines) -> None:
    """As hex, the way OTLP JSON writes it."""
    with Capture() as capture, capture.tracer.start_as_current_span("request") as span:
        lines.log.info("x")
        lines.log.error("y", exc_info=ValueError())
    context = span.get_span_context()
    for line in lines:
        assert line["trace_id"] == f"{context.trace_id:032x}"
        assert line["span_id"] == f"{context.span_id:016x}"
        assert line["trace_flags"] == "01"
    assert line["errorplane.correlation_id"] == line["trace_id"]


def test_an_error_that_is_logged_after_its_trace_names_it(lines: Lines) -> None:
    """It belongs to the trace all the same; there is no span then."""
    with Capture() as capture:
        try:
            with capture.tracer.start_as_current_span("request") as span:
                raise ValueError
        except ValueError:
            lines.log.exception("lost")
    assert lines.only["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert "span_id" not in lines.only


class Broken:
    """Fails however it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class BrokenMapping(UserDict[str, object]):
    """Looks like a mapping and is none."""

    def items(self) -> Any:
        raise RuntimeError


def _endless() -> list[Any]:
    values: list[Any] = [1]
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (2**70, str(2**70)),
        (b"\xff\x00ok", "\\xff\x00ok"),
        (Path("/srv"), "/srv"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Broken(), "<unprintable Broken>"),
        ({Broken(): 1}, {"<unprintable Broken>": 1}),
        (BrokenMapping(), {"<unprintable BrokenMapping>": None}),
        ({1: {2}}, {"1": [2]}),
        ("\ud800", "\\ud800"),
        (LocalProxy(lambda: "lena"), "lena"),
        (LocalProxy(lambda: 17), "17"),
        (LocalProxy(lambda: True), "True"),
        (LocalProxy(lambda: {"order": LocalProxy(lambda: b"17")}), {"order": "b'17'"}),
        (list(range(1000)), list(range(128))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_can_be_logged(lines: Lines, value: object, written: object) -> None:
    """What JSON does not know is described."""
    lines.log.info("x", extra={"value": value})
    assert lines.only["attributes"] == {"value": written}


def test_lines_have_a_bounded_size() -> None:
    """Endless structures end, and long texts keep their beginning and their end, if nothing need be hidden in them."""
    lines = Lines(JsonFormatter("shop", environ={}, mask=False))
    lines.log.info("a" * 1_000_000 + "z", extra={"value": _endless()})
    line = lines.only
    assert len(line["body"]) < 33_000
    assert (line["body"][0], line["body"][-1]) == ("a", "z")
    assert len(json.dumps(line)) < 40_000


def test_what_does_not_fit_is_logged_all_the_same(lines: Lines) -> None:
    """Arguments that do not fit the message, or cannot be printed, do not cost the line."""
    lines.log.info("%d items", "three")
    lines.log.info("%s", Broken())
    lines.log.info(Broken())
    lines.log.info({"a": 1})
    lines.log.info("")
    assert [line["body"] for line in lines] == [
        "%d items ('three',)",
        "%s <unprintable tuple>",
        "<unprintable Broken>",
        "{'a': 1}",
        "",
    ]


@pytest.mark.parametrize(
    ("path", "handled"), [(asyncio.__file__, None), (__file__, True)], ids=["library", "application"]
)
def test_what_a_library_logs_need_not_be_handled(lines: Lines, path: str, handled: bool | None) -> None:
    """As asyncio logs the exception of a task that nobody has waited for."""
    error = ValueError("no stock")
    lines.log.handle(logging.LogRecord("shop", logging.ERROR, path, 1, "x", None, (type(error), error, None)))
    assert lines.only.get(ERROR_HANDLED) is handled


def test_exceptions_that_are_only_text(lines: Lines) -> None:
    """A record from another process has the text of its exception."""
    lines.handler.handle(logging.makeLogRecord({"msg": "lost", "exc_text": "ValueError: x"}))
    assert lines.only[EXCEPTION_STACKTRACE] == "ValueError: x"


def test_a_record_that_is_none(lines: Lines, swallowing: None) -> None:
    """One that another process has sent with half of its attributes costs what it says, and raises nothing."""
    record = logging.makeLogRecord({"msg": "x", "created": None})
    lines.handler.handle(record)
    assert lines.only["body"] == "[QUARANTINED:error]"


def test_from_dict_config(capsys: pytest.CaptureFixture[str]) -> None:
    """As applications configure it; the service comes from OpenTelemetry's variables."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": "errorplane.logs.JsonFormatter", "service_name": "shop"}},
            "handlers": {
                "tests": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}
            },
            "loggers": {"tests.dict": {"handlers": ["tests"], "propagate": False}},
        }
    )
    logging.getLogger("tests.dict").warning("hello")
    line = json.loads(capsys.readouterr().out)
    assert (line["body"], line["service.name"]) == ("hello", "shop")


@pytest.mark.parametrize(
    ("environ", "service"),
    [
        ({"OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "service.name=b"}, "a"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "x=y, service.name = b ,z"}, "b"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "x"}, None),
    ],
)
def test_the_service_comes_from_the_environment(environ: dict[str, str], service: str | None) -> None:
    """In the order in which the SDK looks."""
    lines = Lines(JsonFormatter(environ=environ))
    lines.log.info("x")
    assert lines.only.get("service.name") == service


def test_switched_off() -> None:
    """With ERRORPLANE_ENABLED=false the lines are plain JSON."""
    lines = Lines(JsonFormatter(environ={"ERRORPLANE_ENABLED": "false"}))
    with bind(tenant="acme"):
        lines.log.error("x", exc_info=ValueError("x"))
    assert not [name for name in lines.only if name.startswith("errorplane")]
    assert lines.only[EXCEPTION_TYPE] == "ValueError"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(st.text(), _VALUES)
def test_every_line_is_one_line_of_json(message: str, value: object) -> None:
    """And it is ASCII, so no stream can refuse it."""
    lines = Lines(JsonFormatter(environ={}, mask=False))
    lines.log.info(message, extra={"value": value})
    assert lines.only["body"] == message


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_strict_parsers_read_every_line(message: str, key: str) -> None:
    """Also where half of a surrogate pair was logged: every text in a line can be written as UTF-8."""
    lines = Lines(JsonFormatter(environ={}))
    lines.log.info(message, extra={"value": {key: message}})
    json.dumps(lines.only, ensure_ascii=False).encode("utf-8")


def test_stack_info_is_told(lines: Lines) -> None:
    """The stack where it was logged, under the name of the semantic conventions."""
    lines.log.info("x", stack_info=True)
    assert "test_stack_info_is_told" in lines.only["code.stacktrace"]


def test_baggage_takes_no_place_of_another() -> None:
    """A key of baggage that is named like a member of the line stands among the attributes, and extra ones over it."""
    allow_baggage(("body", "plan", "region"))
    try:
        lines = Lines(JsonFormatter(environ={}))
        context = baggage.set_baggage("body", "theirs", baggage.set_baggage("plan", "gold"))
        token = attach(baggage.set_baggage("region", "theirs", context))
        try:
            lines.log.info("mine", extra={"region": "eu"})
        finally:
            detach(token)
    finally:
        configure(os.environ)
    assert lines.only["body"] == "mine"
    assert lines.only["attributes"] == {"body": "theirs", "plan": "gold", "region": "eu"}
