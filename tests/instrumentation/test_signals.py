"""Exceptions as log records: OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN, the span event bridge, and no fact twice."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from starlette.exceptions import HTTPException

from errorplane.classification import Classifier, attributes, log_is_error, observe_log, observe_span, span_is_error
from errorplane.errors import ERROR_ID, ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE, ErrorFact
from errorplane.hooks import report, reporting_to
from errorplane.hooks._signal import event_name
from errorplane.policy import Policy
from errorplane.testing import Capture

OPT_IN = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"
BRIDGE = "ERRORPLANE_EVENT_BRIDGE"
LOGS = {OPT_IN: "logs"}
BOTH = {OPT_IN: "logs/dup"}
SERVER: Mapping[str, str] = {"http.request.method": "GET"}


class Declined(Exception):
    """What the shop raises."""


class NotHere(HTTPException):
    """An answer, not a failure."""


def serve(capture: Capture, error: BaseException, kind: SpanKind = SpanKind.SERVER, **more: str) -> None:
    """A request that fails in a query."""
    with (
        pytest.raises(type(error)),
        capture.tracer.start_as_current_span("request", kind=kind, attributes={**SERVER, **more}),
        capture.tracer.start_as_current_span("query"),
    ):
        raise error


def only(capture: Capture) -> ReadableLogRecord:
    (record,) = capture.records
    return record


def test_by_default_exceptions_are_span_events() -> None:
    """As ever, and with no log record."""
    with Capture(environ={}) as capture:
        serve(capture, Declined("x"))
    assert [name for name, _ in capture.exceptions] == ["query"]
    assert capture.records == ()


def test_logs_stand_for_span_events() -> None:
    """One log record in the context of the span, with the exception itself, its operation's name and time, and no event."""
    error = Declined("x")
    before = time.time_ns()
    with (
        Capture(service="shop", environ=LOGS) as capture,
        pytest.raises(Declined),
        capture.tracer.start_as_current_span("q", kind=SpanKind.SERVER, attributes=SERVER),
    ):
        raise error
    span, record = capture.spans["q"], only(capture)
    written = record.log_record
    assert span.events == ()
    assert span.status.status_code is StatusCode.ERROR
    assert (written.event_name, written.severity_number) == ("http.server.request.exception", SeverityNumber.ERROR)
    assert (written.trace_id, written.span_id) == (span.context.trace_id, span.context.span_id)
    assert before <= (written.timestamp or 0) <= time.time_ns()
    assert written.exception is error
    found = dict(written.attributes or {})
    assert (found[EXCEPTION_TYPE], found[EXCEPTION_MESSAGE]) == (f"{__name__}.Declined", "x")
    assert str(found[EXCEPTION_STACKTRACE]).startswith("Traceback")
    own = span.attributes or {}
    assert own[ERROR_ID] == found[ERROR_ID]
    assert own[ERROR_TYPE] == f"{__name__}.Declined"
    assert record.instrumentation_scope is not None
    assert record.instrumentation_scope.name == "errorplane.testing"


def test_what_passes_through_spans_is_one_log_record() -> None:
    """The innermost span has it, as it would have the event; both spans refer to it."""
    with Capture(environ=LOGS) as capture:
        serve(capture, Declined("x"))
    assert only(capture).log_record.span_id == capture.spans["query"].context.span_id
    ids = {(span.attributes or {})[ERROR_ID] for span in capture.spans.values()}
    assert ids == {(only(capture).log_record.attributes or {})[ERROR_ID]}


def test_both_while_one_moves_over() -> None:
    """`logs/dup`: the event as ever and the log record, with the same words."""
    with Capture(environ=BOTH) as capture:
        serve(capture, Declined("x"))
    ((name, event),) = capture.exceptions
    logged = dict(only(capture).log_record.attributes or {})
    written = dict(event.attributes or {})
    assert (name, event.name) == ("query", "exception")
    del written["exception.escaped"]
    assert written == logged


@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        (SpanKind.SERVER, SERVER, "http.server.request.exception"),
        (SpanKind.SERVER, {"http.method": "GET"}, "http.server.request.exception"),
        (SpanKind.SERVER, {"rpc.system": "grpc", **SERVER}, "rpc.server.call.exception"),
        (SpanKind.SERVER, {"faas.trigger": "http", **SERVER}, "faas.invocation.exception"),
        (SpanKind.SERVER, {}, "exception"),
        (SpanKind.CLIENT, SERVER, "http.client.request.exception"),
        (SpanKind.CLIENT, {"rpc.system.name": "grpc"}, "rpc.client.call.exception"),
        (SpanKind.CLIENT, {"db.system": "elasticsearch", **SERVER}, "db.client.operation.exception"),
        (SpanKind.CLIENT, {"db.system.name": "postgresql"}, "db.client.operation.exception"),
        (
            SpanKind.CLIENT,
            {"messaging.system": "sqs", "messaging.operation.type": "settle"},
            "messaging.settle.exception",
        ),
        (SpanKind.CLIENT, {"messaging.system": "sqs"}, "messaging.receive.exception"),
        (SpanKind.PRODUCER, {"messaging.operation.type": "create"}, "messaging.create.exception"),
        (SpanKind.PRODUCER, {"messaging.operation": "publish"}, "messaging.send.exception"),
        (SpanKind.CONSUMER, {}, "messaging.process.exception"),
        (SpanKind.CONSUMER, {"messaging.operation.type": "receive"}, "messaging.receive.exception"),
        (SpanKind.CONSUMER, {"faas.trigger": "pubsub"}, "faas.invocation.exception"),
        (SpanKind.INTERNAL, SERVER, "exception"),
    ],
)
def test_the_name_is_that_of_the_operation(kind: SpanKind, given: Mapping[str, str], name: str) -> None:
    """As the conventions for HTTP, databases, RPC, messaging and FaaS say, in this and their older versions."""
    assert event_name(kind, given) == name


def _severity(error: BaseException, kind: SpanKind) -> SeverityNumber | None:
    with (
        Capture(environ=LOGS) as capture,
        pytest.raises(type(error)),
        capture.tracer.start_as_current_span("x", kind=kind),
    ):
        raise error
    return only(capture).log_record.severity_number


class RetryError(Exception):
    """As a retrying library raises it in the end."""


@pytest.mark.parametrize(
    ("error", "kind", "severity"),
    [
        (Declined("x"), SpanKind.SERVER, SeverityNumber.ERROR),
        (Declined("x"), SpanKind.CONSUMER, SeverityNumber.ERROR),
        (Declined("x"), SpanKind.INTERNAL, SeverityNumber.ERROR),
        (Declined("x"), SpanKind.CLIENT, SeverityNumber.WARN),
        (Declined("x"), SpanKind.PRODUCER, SeverityNumber.WARN),
        (RetryError("x"), SpanKind.INTERNAL, SeverityNumber.WARN),
        (type("ClientDisconnect", (Exception,), {})("x"), SpanKind.SERVER, SeverityNumber.DEBUG),
    ],
)
def test_the_severity_is_the_expected_impact(error: BaseException, kind: SpanKind, severity: SeverityNumber) -> None:
    """Unhandled where work comes in is an ERROR, what a caller may handle a WARN, what was only cancelled DEBUG."""
    assert _severity(error, kind) is severity


def test_what_ends_the_process_is_fatal_and_what_is_handled_a_warning() -> None:
    """Also where no span is."""
    with Capture(environ=LOGS) as capture:
        report(Declined("a"), handled=False, ends_process=True)
        report(Declined("b"), handled=False)
        report(Declined("c"), handled=True)
    severities = [record.log_record.severity_number for record in capture.records]
    assert severities == [SeverityNumber.FATAL, SeverityNumber.ERROR, SeverityNumber.WARN]


@pytest.mark.parametrize(("environ", "events"), [(LOGS, 0), (BOTH, 1), ({}, 1)])
def test_artificial_exceptions_are_no_log_records(environ: Mapping[str, str], events: int) -> None:
    """What a framework raises in place of an answer is none; where span events are wanted, these stay as they are."""
    with Capture(environ=environ) as capture:
        serve(capture, NotHere(404))
    assert capture.records == ()
    assert len(capture.exceptions) == events


@pytest.mark.parametrize("provider", [ProxyLoggerProvider(), LoggerProvider(shutdown_on_exit=False)])
def test_without_an_exporter_of_log_records_nothing_is_lost(provider: Any) -> None:
    """Exceptions stay span events where nobody set up log records, or with OTEL_LOGS_EXPORTER=none nobody takes them."""
    with Capture(environ=LOGS) as capture:
        back = reporting_to(provider)
        serve(capture, Declined("x"))
        report(Declined("y"), handled=True)
        back()
    assert [name for name, _ in capture.exceptions] == ["query"]
    assert ERROR_TYPE not in (capture.spans["query"].attributes or {})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("logs", "log records"),
        ("logs/dup", "span events and log records"),
        ("LOGS", "log records"),
        ("spans", "span events"),
    ],
)
def test_what_is_in_force_is_said_once(value: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also that a value is unknown, and what is allowed."""
    with caplog.at_level(logging.INFO), Capture(environ={OPT_IN: value}):
        pass
    said = [record.getMessage() for record in caplog.records]
    assert said.count(f"exceptions of spans are written as {words} ({OPT_IN})") == 1
    refused = [line for line in said if "must be logs or logs/dup" in line]
    assert len(refused) == (value == "spans")


def test_the_bridge_makes_events_of_the_current_span() -> None:
    """A record with an event name becomes an event of its span with its name, time and attributes, and stays a record."""
    with Capture(environ={BRIDGE: "true"}) as capture, capture.tracer.start_as_current_span("request"):
        capture.logger.emit(event_name="cart.emptied", attributes={"items": 3}, timestamp=17)
        capture.logger.emit(event_name="cart.seen", observed_timestamp=18)
        capture.logger.emit(body="no event")
    events = capture.spans["request"].events
    assert [(event.name, event.timestamp) for event in events] == [("cart.emptied", 17), ("cart.seen", 18)]
    assert dict(events[0].attributes or {})["items"] == 3
    assert len(capture.records) == 3


def test_the_bridge_leaves_other_spans_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Outside of spans and to spans that have ended nothing is added, and the SDK not asked to."""
    with Capture(environ={BRIDGE: "true"}) as capture:
        capture.logger.emit(event_name="outside")
        with capture.tracer.start_as_current_span("ended", end_on_exit=False) as span:
            span.end()
            capture.logger.emit(event_name="too.late")
    assert capture.spans["ended"].events == ()
    assert caplog.messages == []
    assert len(capture.records) == 2


def test_the_bridge_is_off_by_default() -> None:
    """Nobody gets events twice who did not ask."""
    with Capture() as capture, capture.tracer.start_as_current_span("request"):
        capture.logger.emit(event_name="cart.emptied")
    assert capture.spans["request"].events == ()


def test_the_bridge_brings_exceptions_back_to_spans() -> None:
    """With `logs`, the event stands on the span under the record's name; with `logs/dup` it is there once."""
    for environ, name in ((LOGS, "http.server.request.exception"), (BOTH, "exception")):
        with Capture(environ={**environ, BRIDGE: "true"}) as capture:
            span = capture.tracer.start_as_current_span("q", kind=SpanKind.SERVER, attributes=SERVER)
            with pytest.raises(Declined), span:
                raise Declined("x")
        assert [event.name for event in capture.spans["q"].events] == [name]


def facts(spans: list[ReadableSpan], records: list[ReadableLogRecord]) -> list[ErrorFact]:
    """What the processor makes of spans and log records of one trace, from the bytes that the exporters send."""
    errors = []
    for of_resource in encode_spans(spans).resource_spans:
        resource = attributes(of_resource.resource.attributes)
        for scope in of_resource.scope_spans:
            errors += [observe_span(n, span, resource) for n, span in enumerate(scope.spans) if span_is_error(span)]
    for of_logs in encode_logs(records).resource_logs:
        resource = attributes(of_logs.resource.attributes)
        for logs in of_logs.scope_logs:
            errors += [observe_log(n, log, resource) for n, log in enumerate(logs.log_records) if log_is_error(log)]
    classifier = Classifier(Policy(version=1))
    return [classifier.fact(error, "") for error in classifier.classify(errors) if error.origin]


@pytest.mark.parametrize("bridge", ["true", "false"])
@pytest.mark.parametrize("signal", ["", "logs", "logs/dup"])
@pytest.mark.parametrize("logged", [False, True])
def test_no_error_is_two_facts(signal: str, bridge: str, logged: bool) -> None:
    """In each of the modes, and with the application's own log line of it, the processor knows one error, and it whole."""
    with Capture(service="shop", environ={OPT_IN: signal, BRIDGE: bridge}) as capture:
        error = Declined("x")
        serve(capture, error)
        if logged:
            logger = logging.Logger("shop")  # noqa: LOG001  # not in the tree, where other handlers may be
            logger.addHandler(capture.handler)
            logger.error("cannot serve", exc_info=error)
    (fact,) = facts(list(capture.spans.values()), list(capture.records))
    assert fact.type == f"{__name__}.Declined"
    assert fact.id == (capture.spans["query"].attributes or {})[ERROR_ID]
    assert fact.message == "x"
    assert fact.handled is False


def test_what_is_dropped_is_no_fact() -> None:
    """Neither of the spans that it went through, nor of the line that the application logged of it."""
    with Capture(environ={**LOGS, "ERRORPLANE_IGNORE": f"{__name__}.Declined"}) as capture:
        error = Declined("x")
        serve(capture, error)
        logger = logging.Logger("shop")  # noqa: LOG001  # not in the tree, where other handlers may be
        logger.addHandler(capture.handler)
        logger.error("cannot serve", exc_info=error)
    assert len(capture.records) == 1
    assert facts(list(capture.spans.values()), list(capture.records)) == []


def test_an_artificial_exception_is_one_fact_of_its_span() -> None:
    """Which names its type though no record does."""
    with Capture(service="shop", environ=LOGS) as capture:
        serve(capture, NotHere(503))
    (fact,) = facts(list(capture.spans.values()), list(capture.records))
    assert fact.type == f"{__name__}.NotHere"


def test_unrecorded_spans_have_no_log_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sampler leaves out does not come back as a log record."""
    with Capture(environ=LOGS) as capture:
        monkeypatch.setattr(capture.tracer_provider, "sampler", ALWAYS_OFF)
        serve(capture, Declined("x"))
    assert capture.records == ()
