"""The same event has the same fields, whichever way it is logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest
from opentelemetry.trace import Span
from tests.logs.producers import EXPORTERS, OPTIONS, WRITERS, Producer, loguru_alone, plain_of

from errorplane.context import bind
from errorplane.errors import (
    ERROR_DROPPED,
    ERROR_FINGERPRINT,
    ERROR_FRAMES,
    ERROR_HANDLED,
    ERROR_ID,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    ErrorEvent,
    Severity,
)
from errorplane.hooks import attach, detach, on_error
from errorplane.logs import FIELDS, schema
from errorplane.testing import Capture

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(schema())
OF_THE_RECORD = ("exception.escaped", ERROR_FRAMES)  # told by the first of the two only, or deprecated
OF_THE_WRITER = ("timestamp", "thread.id", "thread.name")  # OpenTelemetry's handlers tell no thread


@contextmanager
def _request() -> Iterator[tuple[Capture, Span]]:
    with (
        Capture(service="shop") as capture,
        bind(tenant="acme", component="cart"),
        capture.tracer.start_as_current_span("request") as span,
    ):
        yield capture, span


def _log_some(producer: Producer) -> None:
    producer.log("info", "order reserved", order=17, nested={"a": [1, 2.5]}, region="eu")
    producer.log("warning", "slow", None, **{"otel.event.name": "cart.slow"})
    producer.log("critical", "no more stock", body="mine", severity_number=3, trace_id="of somebody else")


def _same(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name not in OF_THE_WRITER} for line in lines]


def _lines_of_all(
    capture: Capture, log: Callable[[Producer], None], environ: Mapping[str, str] = MappingProxyType({})
) -> Mapping[str, list[dict[str, Any]]]:
    """What each producer makes of the same calls, one after the other."""
    found = {}
    makers: dict[str, Callable[[], Producer]] = {**WRITERS}
    makers |= {f"{name} exported": partial(make, capture) for name, make in EXPORTERS.items()}
    for name, make in makers.items():
        with loguru_alone(), pytest.MonkeyPatch.context() as patch:
            patch.setitem(OPTIONS, "environ", environ)
            producer = make()
            log(producer)
            found[name] = producer.lines
    return found


def test_every_producer_writes_the_same() -> None:
    """Severity, body, logger, service, trace, event name, context fields, and what came with the message."""
    with _request() as (capture, _):
        _compare(_lines_of_all(capture, _log_some))


def _compare(found: Mapping[str, list[dict[str, Any]]]) -> None:
    expected = _same(found["stdlib"])
    assert expected
    for name, lines in found.items():
        assert _same(lines) == expected, name


@pytest.mark.parametrize("on_span", [True, False], ids=["on the span before", "not on the span"])
def test_an_exception_is_the_same_everywhere(on_span: bool) -> None:
    """Type, message, stack trace, id, fingerprint and all else that the span has of it, in lines and records."""
    with _request() as (capture, span):
        try:
            json.loads("{")
        except ValueError as error:
            caught = error
        if on_span:
            span.record_exception(caught)
        found = _lines_of_all(capture, lambda producer: producer.log("error", "cannot serve", caught))
        if not on_span:
            span.record_exception(caught)
    ((_, event),) = capture.exceptions
    _compare(found)
    (line,) = found["stdlib"]
    assert line[EXCEPTION_TYPE] == "json.decoder.JSONDecodeError"
    told = plain_of(event.attributes or {})
    told = {name: value for name, value in told.items() if name not in (*OF_THE_RECORD, ERROR_HANDLED)}
    assert {name: line[name] for name in told} == told
    assert {EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, ERROR_ID, ERROR_FINGERPRINT} <= told.keys()


@pytest.mark.parametrize("name", WRITERS)
def test_every_line_has_thread_and_time(name: str) -> None:
    """Of the thread that logged, and the time at which it did, to the second at least."""
    producer = WRITERS[name]()
    producer.log("info", "x")
    Stdlib = WRITERS["stdlib"]()
    Stdlib.log("info", "x")
    line, other = producer.lines[0], Stdlib.lines[0]
    assert (line["thread.id"], line["thread.name"]) == (other["thread.id"], other["thread.name"])
    assert 0 <= _seconds(other) - _seconds(line) < 10


def _seconds(line: Mapping[str, str]) -> float:
    return datetime.fromisoformat(line["timestamp"][:26] + "+00:00").timestamp()


@pytest.mark.parametrize("name", WRITERS)
def test_every_line_fits_the_schema(name: str) -> None:
    """With an exception and its cause, with bound fields and extra ones that are named like members."""
    with Capture(service="shop") as capture, bind(tenant="acme"), capture.tracer.start_as_current_span("request"):
        producer = WRITERS[name]()
        _log_some(producer)
        try:
            try:
                raise KeyError("a")
            except KeyError as cause:
                raise ExceptionGroup("b", [ValueError("c")]) from cause
        except ExceptionGroup as error:
            producer.log("error", "cannot serve", error, timestamp="mine", exception={"a": 1})
    for line in producer.lines:
        VALIDATOR.validate(line)
    assert producer.lines[-1]["attributes"]["timestamp"] == "mine"


@pytest.mark.parametrize(
    "change",
    [{"timestamp": "now"}, {"severity_number": 25}, {"body": None}, {"trace_id": "F" * 32}, {"order": 17}],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_what_is_no_line(change: dict[str, object]) -> None:
    """A schema that takes everything would prove nothing."""
    producer = WRITERS["stdlib"]()
    producer.log("info", "x")
    assert VALIDATOR.is_valid(producer.lines[0])
    assert not VALIDATOR.is_valid({**producer.lines[0], **change})


def test_the_published_schema_is_that_of_the_code() -> None:
    """In the reference, where collectors' configurations may take it from; and it is a schema."""
    published = json.loads((ROOT / "docs" / "reference" / "log-line.schema.json").read_text())
    assert published == schema()
    jsonschema.Draft202012Validator.check_schema(published)
    assert {field.name for field in FIELDS if field.always} == set(published["required"])


def test_the_code_that_logged_is_named_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """File, line and function, where they are asked for: of the caller, and not of a logging library."""
    monkeypatch.setitem(OPTIONS, "code", True)
    for name in ("stdlib", "structlog", "loguru", "loguru format"):  # a bridge of structlog's has its own way
        producer = WRITERS[name]()
        producer.log("info", "x")
        line = producer.lines[0]
        assert line["code.file.path"] == str(Path(__file__).with_name("producers.py")), name
        assert line["code.function.name"] == "log", name
        assert isinstance(line["code.line.number"], int), name


@pytest.mark.parametrize("how", ["callback", "ignore list"])
def test_an_error_that_is_dropped_is_dropped_everywhere(how: str) -> None:
    """The lines stay, since the application wrote them, and say no more than that of the error."""
    environ = {"ERRORPLANE_IGNORE": "ValueError"} if how == "ignore list" else {}
    take_back = on_error(lambda event: None) if how == "callback" else detach
    if environ:
        attach(environ=environ)
    try:
        with _request() as (capture, span):
            caught = ValueError("of no interest")
            found = _lines_of_all(capture, lambda producer: producer.log("error", "not found", caught), environ)
            span.record_exception(caught)
    finally:
        take_back()
    assert capture.exceptions == []
    _compare(found)
    (line,) = found["stdlib"]
    assert line[ERROR_DROPPED] is True
    assert "of no interest" not in json.dumps(found)
    assert not [name for name in line if name.startswith("exception.")]


def test_an_error_that_is_dropped_names_its_trace_after_it() -> None:
    """The line of a server, which logs what left the request, is found with the request's."""
    take_back = on_error(lambda event: None)
    try:
        with Capture(service="shop") as capture:
            caught = ValueError("of no interest")
            with pytest.raises(ValueError, match="interest"), capture.tracer.start_as_current_span("request") as span:
                raise caught
            found = _lines_of_all(capture, lambda producer: producer.log("error", "not found", caught))
    finally:
        take_back()
    trace_id = f"{span.get_span_context().trace_id:032x}"
    assert {line.get("trace_id") for lines in found.values() for line in lines} == {trace_id}


def test_what_the_application_says_of_an_error_holds() -> None:
    """A callback that changes an event changes it on lines and records alike, and may log the error itself."""
    inner = WRITERS["stdlib"]()

    def change(event: ErrorEvent) -> ErrorEvent:
        inner.log("info", "seen", event.exception)
        return event.replace(message="changed", component="till", severity=Severity.P1)

    take_back = on_error(change)
    try:
        with _request() as (capture, _):
            caught = ValueError("as it was")
            found = _lines_of_all(capture, lambda producer: producer.log("error", "x", caught))
    finally:
        take_back()
    _compare(found)
    (line,) = found["stdlib"]
    assert line[EXCEPTION_MESSAGE] == "changed"
    assert line["errorplane.component"] == "till"
    assert line["errorplane.error.severity_hint"] == "P1"
    assert len(inner.lines) == 1
