"""One occurrence is one fact, and the facts of a trace know which error caused which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.telemetry import Scalar, log, new_trace_id, resource, span, span_id

from errorplane.classification import Classifier, ObservedError, attributes, observe_log, observe_span
from errorplane.errors import Category, Severity
from errorplane.policy import Policy

TRACE = new_trace_id()
TIMEOUT = {"exception.type": "TimeoutError", "exception.message": "no answer"}
POLICY = Policy.model_validate(
    {
        "version": 1,
        "services": {"checkout": {"team": "payments", "tier": 1, "zone": "eu", "component": "cart"}},
        "severity": {"default": "P4", "rules": [{"when": {"category": "cascading"}, "severity": "P5"}]},
    },
    context=None,
)
CLASSIFIER = Classifier(POLICY)


def error(
    service: str,
    own: bytes,
    parent: bytes = b"",
    exception: Mapping[str, Scalar] | None = None,
    kind: Span.SpanKind.ValueType = Span.SPAN_KIND_SERVER,
) -> ObservedError:
    """An error span of a service in one trace."""
    made = span(trace_id=TRACE, own_id=own, parent=parent, error=True, exception=exception, kind=kind)
    return observe_span(0, made, attributes(resource(service).attributes))


def caught(own: bytes, exception: Mapping[str, Scalar], later_ns: int = 0) -> ObservedError:
    """An exception that the shop logged in one of its spans."""
    record = log(trace_id=TRACE, own_span_id=own, severity=17, attributes=exception)
    record.time_unix_nano += later_ns
    return observe_log(0, record, attributes(resource("shop").attributes))


def test_an_exception_through_nested_spans_is_one_occurrence() -> None:
    """Stock SDKs record an exception on every span that it passes; only the innermost yields a fact."""
    outer, middle, inner = span_id(), span_id(), span_id()
    errors = [
        error("shop", inner, middle, TIMEOUT),
        error("shop", middle, outer, TIMEOUT),
        error("shop", outer, b"", TIMEOUT),
    ]
    classified = CLASSIFIER.classify(errors)
    assert len({each.occurrence for each in classified}) == 1
    assert [each.origin for each in classified].count(True) == 1


def test_retries_are_occurrences_of_their_own() -> None:
    """The same error on sibling spans happened that many times."""
    parent = span_id()
    errors = [error("shop", span_id(), parent, TIMEOUT) for _ in range(3)]
    assert len({each.occurrence for each in CLASSIFIER.classify(errors)}) == 3


def test_the_log_of_an_exception_is_not_another_error() -> None:
    """An exception that is on a span and in a log record of that span is counted once, on the span."""
    own = span_id()
    record = log(trace_id=TRACE, own_span_id=own, severity=17, attributes=TIMEOUT)
    errors = [observe_log(0, record, attributes(resource("shop").attributes)), error("shop", own, b"", TIMEOUT)]
    classified = CLASSIFIER.classify(errors)
    assert classified[0].occurrence == classified[1].occurrence
    assert [each.origin for each in classified] == [False, True]


def test_the_id_of_the_hook_joins_what_belongs_together() -> None:
    """Spans and logs that carry one errorplane.error.id tell of one occurrence, which keeps that id."""
    same = {**TIMEOUT, "errorplane.error.id": "ab" * 16}
    errors = [error("shop", span_id(), b"", same), error("shop", span_id(), b"", same)]
    assert {each.occurrence for each in CLASSIFIER.classify(errors)} == {"ab" * 16}


def test_a_failed_span_without_exception_tells_of_its_child() -> None:
    """A server span with a mere status is not a second error beside the exception below it."""
    outer, inner = span_id(), span_id()
    classified = CLASSIFIER.classify([error("shop", outer), error("shop", inner, outer, TIMEOUT)])
    assert classified[0].occurrence == classified[1].occurrence
    assert [each.origin for each in classified] == [False, True]


def test_a_failed_call_tells_of_what_it_made_its_caller_raise() -> None:
    """Three attempts without an exception of their own and the exception after them are one error of the caller."""
    server = span_id()
    attempts = [error("checkout", span_id(), server, kind=Span.SPAN_KIND_CLIENT) for _ in range(3)]
    classified = CLASSIFIER.classify([*attempts, error("checkout", server, b"", TIMEOUT)])
    assert len({each.occurrence for each in classified}) == 1
    assert [each.origin for each in classified] == [False, False, False, True]


def answered(own: bytes, parent: bytes = b"", status: int = 502) -> ObservedError:
    """A span of the shop that failed with an HTTP status only."""
    made = span(trace_id=TRACE, own_id=own, parent=parent, error=True, attributes={"http.response.status_code": status})
    return observe_span(0, made, attributes(resource("shop").attributes))


def test_an_answer_that_tells_of_an_exception_below_its_server_is_no_other_error() -> None:
    """ASGI servers have a span of their own for sending a 502: it fails for what a span beside it raised, in any order."""
    server, work, send = span_id(), span_id(), span_id()
    for errors in (
        [error("shop", work, server, TIMEOUT), answered(send, server), answered(server)],
        [answered(send, server), answered(server), error("shop", work, server, TIMEOUT)],
        [replace(error("shop", work, server, TIMEOUT), error_id="ab" * 16), answered(send, server), answered(server)],
    ):
        assert len({each.occurrence for each in CLASSIFIER.classify(errors)}) == 1


def test_an_answer_is_the_error_whose_id_its_server_has() -> None:
    """Where the hook has written the stack trace on an inner span, the server's span has the id of the error only."""
    server, work, send = span_id(), span_id(), span_id()
    raised = replace(error("shop", work, server, TIMEOUT), error_id="ab" * 16)
    passed = replace(answered(server, status=500), error_id="ab" * 16)
    classified = CLASSIFIER.classify([raised, answered(send, server, 500), passed])
    assert {each.occurrence for each in classified} == {"ab" * 16}


def test_calls_that_fail_with_other_statuses_than_their_server_are_errors() -> None:
    """A call that failed with a 503 is not the reason for a 502 that another span's exception explains."""
    server, work, call = span_id(), span_id(), span_id()
    errors = [error("shop", work, server, TIMEOUT), answered(call, server, 503), answered(server)]
    assert len({each.occurrence for each in CLASSIFIER.classify(errors)}) == 2
    both = [answered(span_id(), server, 502), answered(span_id(), server, 502), answered(server)]
    assert len({each.occurrence for each in CLASSIFIER.classify(both)}) == 2


def test_a_failed_call_that_was_got_over_is_an_error() -> None:
    """Where the caller did not fail, the failed call is the only trace of it."""
    server, call = span_id(), span_id()
    (classified,) = CLASSIFIER.classify([error("checkout", call, server, kind=Span.SPAN_KIND_CLIENT)])
    assert classified.origin


def test_a_span_that_failed_tells_of_the_exception_that_was_logged_in_it() -> None:
    """An exception that was caught, logged and answered with a 503 is one error, also for the spans around the 503."""
    call, server, send = span_id(), span_id(), span_id()
    earlier, last = caught(server, {"exception.type": "KeyError"}), caught(server, TIMEOUT, later_ns=1)
    spans = [error("shop", call), error("shop", server, call), error("shop", send, server)]
    classified = CLASSIFIER.classify([last, *spans, earlier])
    assert len({each.occurrence for each in classified[:4]}) == 1
    assert [each.origin for each in classified] == [True, False, False, False, True]


def test_a_failed_call_is_not_what_its_caller_that_did_well_logged() -> None:
    """Where the caller got over the call and logged an exception of its own, both are errors."""
    server = span_id()
    classified = CLASSIFIER.classify(
        [caught(server, TIMEOUT), error("shop", span_id(), server, kind=Span.SPAN_KIND_CLIENT)]
    )
    assert all(each.origin for each in classified)


def test_errors_above_another_service_are_cascading() -> None:
    """payments fails; the call to it and what checkout makes of it are consequences, payments is not."""
    server, call, other = span_id(), span_id(), span_id()
    errors = [
        error("payments", other, call, TIMEOUT),
        error("checkout", call, server, kind=Span.SPAN_KIND_CLIENT),
        error("checkout", server, b"", {"exception.type": "shop.CheckoutFailed"}),
    ]
    categories = [each.category for each in CLASSIFIER.classify(errors)]
    assert categories == [Category.TRANSIENT, Category.CASCADING, Category.CASCADING]


def test_a_cycle_of_parents_ends() -> None:
    """A forged trace whose spans are each other's parents is classified like any other."""
    one, two = span_id(), span_id()
    classified = CLASSIFIER.classify([error("shop", one, two, TIMEOUT), error("shop", two, one, TIMEOUT)])
    assert len(classified) == 2


def test_a_fact_says_who_should_act() -> None:
    """Team, tier, zone and component come from the policy where the application is silent; ids from the span."""
    own = span_id()
    (classified,) = CLASSIFIER.classify([error("checkout", own, b"", TIMEOUT)])
    fact = CLASSIFIER.fact(classified, "audit")
    assert (fact.service, fact.team, fact.tier, fact.zone, fact.component) == (
        "checkout",
        "payments",
        "1",
        "eu",
        "cart",
    )
    assert (fact.trace_id, fact.span_id) == (TRACE.hex(), own.hex())
    assert (fact.retention_class, fact.policy_version) == ("audit", POLICY.revision)
    assert fact.severity is Severity.P4
    assert fact.source == "span"


def test_severity_rules_see_the_category() -> None:
    """The first severity rule that matches an error decides."""
    call, other = span_id(), span_id()
    classified = CLASSIFIER.classify([error("checkout", call), error("payments", other, call, TIMEOUT)])
    assert [each.severity for each in classified] == [Severity.P5, Severity.P4]


def test_ids_are_the_same_after_a_restart() -> None:
    """An error that is classified again gets the same id, so that consumers can tell a repetition."""
    one = error("shop", b"\x01" * 8, b"", TIMEOUT)
    assert CLASSIFIER.classify([one])[0].occurrence == CLASSIFIER.classify([one])[0].occurrence


def test_errors_logged_outside_of_traces_at_one_time_have_ids_of_their_own() -> None:
    """Equal records of one millisecond differ by their place in the request and by who sent them, and by nothing else."""

    def lone(item: int, instance: str) -> str:
        record = log(severity=17, attributes=TIMEOUT)
        sender = attributes(resource("shop", service_instance_id=instance).attributes)
        return CLASSIFIER.classify([observe_log(item, record, sender)])[0].occurrence

    assert len({lone(0, "pod-1"), lone(1, "pod-1"), lone(0, "pod-2")}) == 3
    assert lone(1, "pod-1") == lone(1, "pod-1")


def test_one_place_that_knows_it_unhandled_decides() -> None:
    """What was logged where it was handled for once, and still left the service, was not handled; attempts add up."""
    outer, inner = span_id(), span_id()
    errors = [
        replace(error("shop", outer, b"", TIMEOUT), handled=False, attempt=3),
        replace(error("shop", inner, outer, TIMEOUT), handled=True, attempt=2),
        error("cart", span_id(), b"", TIMEOUT),
    ]
    _, told, untold = CLASSIFIER.classify(errors)
    fact = CLASSIFIER.fact(told, "")
    assert (fact.handled, fact.attempt) == (False, 3)
    assert (untold.handled, untold.attempt) == (None, None)


def test_the_hint_of_the_application_holds_where_no_rule_matches() -> None:
    """It stands before the default of the policy, and behind its rules."""
    outer, inner = span_id(), span_id()
    below = replace(error("ledger", inner, outer, TIMEOUT), severity=Severity.P1)
    above = replace(error("shop", outer, b"", TIMEOUT), severity=Severity.P1)
    assert [each.severity for each in CLASSIFIER.classify([below, above])] == [Severity.P1, Severity.P5]
