"""Errors are read from spans and logs, whatever SDK and version of the conventions wrote them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.support.telemetry import Scalar, log, resource, span

from errorplane.classification import (
    ObservedError,
    attributes,
    log_is_error,
    observe_log,
    observe_span,
    span_is_error,
)
from errorplane.errors import Kind, Severity

EXCEPTION = {"exception.type": "shop.errors.PaymentFailed", "exception.message": "order 17 failed"}


def observed(made: Span, **more: Scalar) -> ObservedError:
    """The error of a span of service ``shop``."""
    return observe_span(3, made, attributes(resource("shop", **more).attributes))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (span(error=True), True),
        (span(), False),
        (span(exception=EXCEPTION), True),
        (span(attributes={"error": True}), True),
        (span(attributes={"error": False}), False),
        (span(attributes={"error": "no"}), False),
    ],
)
def test_what_makes_a_span_an_error(made: Span, expected: bool) -> None:
    """Status ERROR, an exception event, or the tag error=true of OpenTracing."""
    assert span_is_error(made) is expected


def test_status_ok_overrules() -> None:
    """A span whose owner said OK is not an error, whatever was recorded on the way."""
    made = span(exception=EXCEPTION)
    made.status.code = Status.STATUS_CODE_OK
    assert not span_is_error(made)


@pytest.mark.parametrize(
    ("severity", "extra", "expected"),
    [
        (17, {}, True),
        (21, {}, True),
        (16, {}, False),
        (9, {"exception.type": "ValueError"}, True),
        (9, {"exception.message": "x"}, True),
        (9, {"exceptional": "x"}, False),
    ],
)
def test_what_makes_a_log_an_error(severity: int, extra: Mapping[str, Scalar], expected: bool) -> None:
    """Severity ERROR and above, or any exception attribute."""
    assert log_is_error(log(severity=severity, attributes=extra)) is expected


def test_severity_text_counts_where_there_is_no_number() -> None:
    """Records of a shipper that only knows text are errors too."""
    record = log(severity=0)
    record.severity_text = "Error"
    assert log_is_error(record)


@pytest.mark.parametrize(
    ("made", "more", "field", "value"),
    [
        (span(error=True, exception=EXCEPTION), {}, "type", "shop.errors.PaymentFailed"),
        (span(error=True, attributes={"error.type": "timeout"}), {}, "type", "timeout"),
        (span(error=True, attributes={"http.status_code": 503}), {}, "type", "503"),
        (span(error=True, attributes={"error.kind": "java.lang.NullPointerException"}), {}, "kind", Kind.BUG),
        (span(error=True, attributes={"http.response.status_code": 504}), {}, "kind", Kind.TIMEOUT),
        (span(error=True, attributes={"http.status_code": 429}), {}, "kind", Kind.RATE_LIMIT),
        (span(error=True, attributes={"rpc.grpc.status_code": 4}), {}, "kind", Kind.TIMEOUT),
        (span(error=True, attributes={"rpc.response.status_code": "DEADLINE_EXCEEDED"}), {}, "kind", Kind.TIMEOUT),
        (span(error=True, kind=Span.SPAN_KIND_CLIENT), {}, "kind", Kind.DEPENDENCY),
        (span(error=True, attributes={"errorplane.error.kind": "conflict"}), {}, "kind", Kind.CONFLICT),
        (span(error=True), {"deployment_environment": "prod"}, "environment", "prod"),
        (span(error=True), {"cloud_availability_zone": "eu-1a"}, "environment", None),
        (span(error=True, attributes={"http.request.header.x-request-id": ["r-1"]}), {}, "correlation_id", "r-1"),
        (span(error=True, attributes={"correlation_id": "c-1"}), {}, "correlation_id", "c-1"),
    ],
)
def test_other_names_mean_the_same(made: Span, more: Mapping[str, Scalar], field: str, value: object) -> None:
    """Older conventions, OpenTracing, ECS and other languages' names are read as ours."""
    assert getattr(observed(made, **more), field) == value


def test_the_zone_comes_from_the_resource() -> None:
    """cloud.availability_zone is the fault zone."""
    made = span(error=True)
    zone = attributes(resource("shop").attributes) | {"cloud.availability_zone": "eu-1a"}
    assert observe_span(0, made, zone).zone == "eu-1a"


def test_the_last_exception_is_the_one_that_left() -> None:
    """Of several exception events the last one tells the error."""
    made = span(error=True, exception={"exception.type": "KeyError"})
    made.events.append(Span.Event(name="exception", attributes=span(exception=EXCEPTION).events[0].attributes))
    assert observed(made).type == "shop.errors.PaymentFailed"


def test_the_application_fingerprint_is_used_when_it_is_one() -> None:
    """A fingerprint of the hook is taken; text of any length that claims to be one is not."""
    good = span(error=True, exception=EXCEPTION | {"errorplane.error.fingerprint": "v1:0123456789abcdef"})
    bad = span(error=True, exception=EXCEPTION | {"errorplane.error.fingerprint": "x" * 500})
    assert observed(good).fingerprint == "v1:0123456789abcdef"
    assert observed(bad).fingerprint != "x" * 500


def test_no_values_in_the_message() -> None:
    """The message of an observed error is a template."""
    assert "17" not in observed(span(error=True, exception=EXCEPTION)).message


def test_a_log_tells_its_exception_or_its_body() -> None:
    """A log record with an exception has its type; one without still has a fingerprint of its message."""
    with_exception = observe_log(0, log(severity=17, attributes=EXCEPTION), {})
    first = observe_log(0, log("order 17 failed", severity=17), {})
    second = observe_log(0, log("order 18 failed", severity=17), {})
    assert with_exception.type == "shop.errors.PaymentFailed"
    assert with_exception.service == "unknown_service"
    assert first.fingerprint == second.fingerprint
    assert first.type == "_OTHER"


def test_what_the_application_says_is_read() -> None:
    """Handled or not, the attempt and its hint at the severity; what is none of them is not."""
    said: Mapping[str, Scalar] = {
        "errorplane.error.handled": False,
        "errorplane.error.attempt": 3,
        "errorplane.error.severity_hint": "P1",
    }
    told = observed(span(error=True, attributes=said))
    assert (told.handled, told.attempt, told.severity) == (False, 3, Severity.P1)
    wrong: Mapping[str, Scalar] = {
        "errorplane.error.handled": "no",
        "errorplane.error.attempt": 0,
        "errorplane.error.severity_hint": "high",
    }
    untold = observed(span(error=True, attributes=wrong))
    assert (untold.handled, untold.attempt, untold.severity) == (None, None, None)


def test_a_line_about_a_dropped_error_is_none() -> None:
    """The application said that it is not to be one, whatever the severity of its line."""
    assert not log_is_error(log(severity=17, attributes={"errorplane.error.dropped": True}))
    assert log_is_error(log(severity=17, attributes={"errorplane.error.dropped": False}))
