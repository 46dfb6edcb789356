"""Format strings of one's own, and queues: what is known only where it was logged."""

from __future__ import annotations

import io
import logging
import logging.handlers
import pickle
import queue
from typing import Any

import pytest
from opentelemetry import trace
from tests.logs.producers import NAME, Exported, Written, logger_of

from errorplane.context import bind
from errorplane.logs import FORMAT_NAMES, ContextFilter, JsonFormatter
from errorplane.testing import Capture

ALL = " ".join(f"{name}=%({name})s" for name in FORMAT_NAMES)


def text_logger(formatter: logging.Formatter) -> tuple[logging.Logger, io.StringIO]:
    """A logger with the filter on its handler."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(ContextFilter("shop", environ={}))
    return logger_of(handler, formatter), stream


@pytest.mark.parametrize(
    "formatter",
    [
        logging.Formatter(f"%(message)s {ALL}"),
        logging.Formatter("{message} " + " ".join(f"{name}={{{name}}}" for name in FORMAT_NAMES), style="{"),
    ],
    ids=["percent", "braces"],
)
def test_a_format_string_names_them(formatter: logging.Formatter) -> None:
    """Trace, error and context fields; a dash for what there is not."""
    logger, stream = text_logger(formatter)
    logger.info("outside")
    with Capture(service="shop") as capture, bind(tenant="acme"), capture.tracer.start_as_current_span("r") as span:
        error = ValueError("x")
        span.record_exception(error)
        logger.error("inside", exc_info=error)
    outside, inside = (dict(_pairs(line)) for line in stream.getvalue().splitlines() if "trace_id=" in line)
    assert set(outside.values()) == {"-", "shop"}
    context, told = span.get_span_context(), dict(capture.exceptions[0][1].attributes or {})
    assert inside == {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "trace_flags": "01",
        "error_id": told["errorplane.error.id"],
        "error_fingerprint": told["errorplane.error.fingerprint"],
        "error_kind": told["errorplane.error.kind"],
        "correlation_id": f"{context.trace_id:032x}",
        "component": "shop",
        "tenant": "acme",
        "service_name": "shop",
    }


def _pairs(line: str) -> list[list[str]]:
    return [pair.split("=", 1) for pair in line.split() if "=" in pair]


def test_what_was_given_stays() -> None:
    """An `extra` that is named like one of them is the application's."""
    logger, stream = text_logger(logging.Formatter("%(tenant)s"))
    logger.info("x", extra={"tenant": "mine"})
    assert stream.getvalue() == "mine\n"


def test_a_json_line_does_not_tell_them_twice() -> None:
    """Behind the filter a formatter of ours writes what it would have written without."""
    written = Written()
    handler = logging.StreamHandler(written.stream)
    logger = logger_of(handler, JsonFormatter("shop", environ={}))
    error = ValueError("x")
    logger.error("x", exc_info=error, extra={"tenant": "mine", "order": 17})
    handler.addFilter(ContextFilter("shop", environ={}))
    logger.error("x", exc_info=error, extra={"tenant": "mine", "order": 17})
    plain, filtered = written.lines
    assert plain["attributes"] == {"tenant": "mine", "order": 17}
    assert {**filtered, "timestamp": ""} == {**plain, "timestamp": ""}


def test_other_handlers_get_the_record_as_it_was() -> None:
    """OpenTelemetry's, which comes after, sends no attribute of the filter's."""
    logger, _ = text_logger(logging.Formatter(ALL))
    with Capture(service="shop") as capture:
        exported = Exported(capture.logger_provider)
        logger.addHandler(capture.handler)
        logger.info("x", extra={"order": 17})
    assert exported.lines[0]["attributes"] == {"order": 17}


def test_a_queue_keeps_what_was_known() -> None:
    """Exception, its id, trace and fields are those of where it was logged; also when the record was pickled."""
    waiting: queue.Queue[Any] = queue.Queue()
    through = logging.handlers.QueueHandler(waiting)
    through.addFilter(ContextFilter("shop", environ={}))
    logger = logger_of(through)
    direct, behind = Written(), Written()
    written = logging.StreamHandler(direct.stream)
    written.setFormatter(JsonFormatter("shop", environ={}))
    with Capture(service="shop") as capture, bind(tenant="acme"), capture.tracer.start_as_current_span("request"):
        logger.addHandler(written)
        try:
            raise ValueError("mail petra.kohl7@firma-beispiel.de")
        except ValueError:
            logger.exception("cannot serve %s", "order", extra={"order": 17})
        logger.info("after")
    listener = logging.StreamHandler(behind.stream)
    listener.setFormatter(JsonFormatter("elsewhere", environ={}))
    while not waiting.empty():
        listener.handle(pickle.loads(pickle.dumps(waiting.get())))
    assert behind.lines == direct.lines
    assert behind.lines[0]["otel.scope.name"] == NAME
    assert behind.lines[0]["exception.message"] == "mail <EMAIL_ADDRESS>"
    assert len(behind.lines[1]["trace_id"]) == 32


def test_opentelemetry_behind_a_queue_has_what_was_known() -> None:
    """Its handler sends the trace, the exception and the fields of where a record was logged, and the message alone."""
    waiting: queue.Queue[Any] = queue.Queue()
    through = logging.handlers.QueueHandler(waiting)
    through.addFilter(ContextFilter("shop", environ={}))
    logger = logger_of(through)
    with Capture(service="shop") as capture:
        exported = Exported(capture.logger_provider)
        with bind(tenant="acme"), capture.tracer.start_as_current_span("request"):
            try:
                raise ValueError("no stock")
            except ValueError:
                logger.exception("cannot serve %s", "order", extra={"order": 17})
                logger.addHandler(capture.handler)
                logger.exception("cannot serve %s", "order", extra={"order": 17})
        with capture.tracer.start_as_current_span("of the queue's thread"):
            capture.handler.handle(waiting.get())
        assert not trace.get_current_span().get_span_context().is_valid
    direct, behind = exported.lines
    assert behind == direct
    assert behind["exception.type"] == "ValueError"
    assert len(behind["span_id"]) == 16
