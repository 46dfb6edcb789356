"""One event for each error: what is in it, what the application makes of it, and that it is written once."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import Span, SpanLimits, TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode

from errorplane.context import bind
from errorplane.errors import (
    COMPONENT,
    ERROR_ATTEMPT,
    ERROR_CAUSES,
    ERROR_CONTEXTS,
    ERROR_DROPPED,
    ERROR_FINGERPRINT,
    ERROR_FRAMES,
    ERROR_HANDLED,
    ERROR_ID,
    ERROR_KIND,
    ERROR_LOCALS,
    ERROR_LOG_LINES,
    ERROR_MEMBERS,
    ERROR_SEVERITY_HINT,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    MESSAGE_LENGTH,
    STACKTRACE_LENGTH,
    TENANT,
    ErrorEvent,
    Kind,
    Severity,
    shorten,
    stacktrace,
)
from errorplane.hooks import GUARD, detach, on_error, report
from errorplane.testing import Capture

Registered = Callable[[Callable[[ErrorEvent], ErrorEvent | None]], None]


class Declined(Exception):
    """What the shop raises."""


class ExpiredCard(Declined):
    """A subclass."""


class Exhausted(Exception):
    """As tenacity raises when no attempt is left."""

    def __init__(self, attempts: int) -> None:
        super().__init__("gave up")
        self.last_attempt = type("Attempt", (), {"attempt_number": attempts})()


@pytest.fixture
def capture() -> Iterator[Capture]:
    with Capture(service="shop") as capture:
        yield capture


@pytest.fixture
def registered() -> Iterator[Registered]:
    """Registers a callback for the length of a test."""
    back: list[Callable[[], None]] = []
    yield lambda callback: back.append(on_error(callback))
    for take_back in back:
        take_back()


@pytest.fixture
def log(capture: Capture) -> logging.Logger:
    logger = logging.Logger("tests.events")  # noqa: LOG001  # not in the tree, where other handlers may be
    logger.addHandler(capture.handler)
    return logger


def charge(error: BaseException) -> None:
    """Where the error happens."""
    card, order_id = "4111 1111 1111 1111", 17
    if card and order_id:
        raise error


def through(capture: Capture, error: BaseException, *names: str, kind: SpanKind = SpanKind.INTERNAL) -> None:
    """Let the error go through nested spans."""
    if not names:
        charge(error)
    with capture.tracer.start_as_current_span(names[0], kind=kind):
        through(capture, error, *names[1:])


def let(capture: Capture, error: BaseException, *names: str, kind: SpanKind = SpanKind.INTERNAL) -> None:
    """The same, and catch it outside."""
    with pytest.raises(type(error)):
        through(capture, error, *names, kind=kind)


def attributes(capture: Capture, name: str) -> Mapping[str, Any]:
    return capture.spans[name].attributes or {}


def event(capture: Capture) -> Mapping[str, Any]:
    """The only exception event."""
    ((_, found),) = capture.exceptions
    return found.attributes or {}


def test_an_event_tells_what_is_known(capture: Capture, registered: Registered) -> None:
    """Type, message, causes, contexts, frames, operation, service, component, fields and trace, read when asked for."""
    seen: list[ErrorEvent] = []

    def keep(event: ErrorEvent) -> ErrorEvent:
        seen.append(event)
        return event

    registered(keep)
    cause, context, error = KeyError("sku"), OSError("disk"), Declined("no funds")
    error.__cause__, cause.__context__ = cause, context
    with bind(tenant="acme", component="cart"):
        let(capture, error, "request", "charge")
    (found,) = seen
    assert (found.type, found.message, found.kind) == (f"{__name__}.Declined", "no funds", Kind.BUG)
    assert [each.type for each in found.causes] == ["KeyError"]
    assert [(each.type, each.message) for each in found.contexts] == [("OSError", "disk")]
    assert (found.operation, found.service, found.component) == ("charge", "shop", "cart")
    assert found.fields[TENANT] == "acme"
    assert found.frames[0][:2] == ("test_events", "charge")
    assert found.exception is error
    assert found.trace_id == capture.spans["request"].context.trace_id
    assert "no funds" not in repr(found)


def test_an_event_is_frozen_and_replaced(capture: Capture) -> None:
    """It cannot be set; `replace` knows what may change, and keeps component and fields in step."""
    found = ErrorEvent(Declined("x"), id="0" * 32, fingerprint="v1:0", kind=Kind.BUG, fields={TENANT: "acme"})
    with pytest.raises(AttributeError, match="frozen"):
        found.message = "y"
    with pytest.raises(TypeError, match="trace_id of an ErrorEvent cannot be replaced"):
        found.replace(trace_id=1)
    with pytest.raises(AttributeError, match="has no words"):
        _ = found.words
    new = found.replace(component="cart", message="y")
    assert (new.component, new.fields, new.message) == ("cart", {TENANT: "acme", COMPONENT: "cart"}, "y")
    assert found.replace(fields={COMPONENT: "till"}).component == "till"
    assert (found.message, new.exception) == ("x", found.exception)


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "odd"}, {"severity": "high"}, {"attempt": 0}, {"handled": "no"}, {"message": 7}, {"fields": {7: "x"}}],
)
def test_what_is_no_value_is_refused(wrong: Mapping[str, Any]) -> None:
    """Where the callback gives it, so that it does not stop an exporter later; values of fields become short texts."""
    found = ErrorEvent(Declined("x"), id="0" * 32, fingerprint="v1:0", kind=Kind.BUG)
    with pytest.raises((TypeError, ValueError)):
        found.replace(**wrong)
    assert found.replace(kind="timeout", severity="P1").severity is Severity.P1
    assert found.replace(fields={"n": 17, "gone": None, "long": "x" * 999}).fields == {"n": "17", "long": "x" * 256}


def test_what_is_not_read_costs_nothing(capture: Capture) -> None:
    """Neither the message nor the chains of an exception are looked at before somebody asks."""

    class Dear(Exception):
        def __str__(self) -> str:
            raise AssertionError("asked")

    found = ErrorEvent(Dear(), id="0" * 32, fingerprint="v1:0", kind=Kind.BUG).replace(kind=Kind.TIMEOUT)
    assert found.kind is Kind.TIMEOUT
    assert found.message == "<exception str() failed>"


def test_chains_and_frames_stand_beside_the_stack_trace_only(capture: Capture) -> None:
    """Outer spans refer to the error; the event has types of causes, contexts and members, and own frames."""
    group = ExceptionGroup("two", [KeyError("a"), ExceptionGroup("in", [ValueError("b")])])
    group.__cause__ = TimeoutError("slow")
    let(capture, group, "request", "charge")
    written = event(capture)
    assert written[ERROR_MEMBERS] == ("KeyError", "ValueError")
    assert written[ERROR_CAUSES] == ("TimeoutError",)
    assert ERROR_CONTEXTS not in written
    assert written[ERROR_FRAMES][0].startswith("test_events:charge:")
    assert attributes(capture, "request")[ERROR_ID] == attributes(capture, "charge")[ERROR_ID] == written[ERROR_ID]
    assert not {ERROR_FRAMES, ERROR_CAUSES, ERROR_MEMBERS} & set(attributes(capture, "charge"))


def test_handled_is_known_where_it_is(capture: Capture, log: logging.Logger) -> None:
    """Leaving the outermost span it is not, recorded by hand or logged it is, further in nobody knows."""
    let(capture, Declined("x"), "request", "charge")
    assert ERROR_HANDLED not in attributes(capture, "charge")
    assert attributes(capture, "request")[ERROR_HANDLED] is False
    with capture.tracer.start_as_current_span("by hand") as span:
        try:
            charge(Declined("y"))
        except Declined as error:
            span.record_exception(error)
    assert attributes(capture, "by hand")[ERROR_HANDLED] is True
    try:
        charge(Declined("z"))
    except Declined:
        log.exception("lost")
    assert capture.logs[0][ERROR_HANDLED] is True


def test_logging_what_nobody_handled_does_not_handle_it(capture: Capture, log: logging.Logger) -> None:
    """As a server logs what came out of the application."""
    try:
        through(capture, Declined("x"), "request")
    except Declined:
        log.exception("unhandled")
    assert capture.logs[0][ERROR_HANDLED] is False


def test_a_framework_that_logs_an_error_does_not_handle_it(capture: Capture, log: logging.Logger) -> None:
    """As Flask logs what a view raised, from its own code, before it leaves the span of the request."""
    error = _raised(Declined("x"))
    info = (type(error), error, error.__traceback__)
    for path in ("/usr/lib/python3.11/site-packages/flask/app.py", "/srv/shop/views.py"):
        log.handle(log.makeRecord("shop", logging.ERROR, path, 1, "failed", (), info))
    framework, own = capture.logs
    assert ERROR_HANDLED not in framework
    assert own[ERROR_HANDLED] is True


def test_what_leaves_a_call_may_still_be_handled(capture: Capture) -> None:
    """A client span that is the outermost one does not tell that nobody handles the error."""
    let(capture, Declined("x"), "call", kind=SpanKind.CLIENT)
    assert ERROR_HANDLED not in attributes(capture, "call")


def test_an_instrumentation_does_not_handle_errors(capture: Capture) -> None:
    """What it records of a consumer at the edge of the service was not handled, though it records it by hand."""
    code = (lambda span, error: span.record_exception(error)).__code__
    celery = FunctionType(code, {"__name__": "opentelemetry.instrumentation.celery"})
    with capture.tracer.start_as_current_span("task", kind=SpanKind.CONSUMER) as span:
        celery(span, Declined("x"))
    assert attributes(capture, "task")[ERROR_HANDLED] is False


def test_the_attempt_is_read_where_it_is_told(capture: Capture) -> None:
    """From `http.request.resend_count`, Celery's retries and tenacity's last attempt."""
    for name, error, written in (
        ("http", Declined("x"), {"http.request.resend_count": 2}),
        ("celery", Declined("x"), {"celery.retries": 1}),
        ("tenacity", Exhausted(5), {}),
    ):
        with pytest.raises(type(error)), capture.tracer.start_as_current_span(name, attributes=written):
            raise error
    assert [attributes(capture, name)[ERROR_ATTEMPT] for name in ("http", "celery", "tenacity")] == [3, 2, 5]


def test_a_callback_changes_what_is_written_everywhere(
    capture: Capture, registered: Registered, log: logging.Logger
) -> None:
    """Type, message, fingerprint, kind, severity, attempt and fields; also in the stack trace, the status and the log."""
    asked: list[str] = []

    def change(event: ErrorEvent) -> ErrorEvent:
        asked.append(event.id)
        return event.replace(
            type="shop.Declined",
            message="card <CARD>",
            fingerprint="v1:" + "a" * 16,
            kind=Kind.VALIDATION,
            severity=Severity.P2,
            attempt=4,
            fields={**event.fields, "shop.region": "eu"},
        )

    registered(change)
    error = Declined("card 4111 1111 1111 1111")
    let(capture, error, "request", "charge")
    log.error("lost", exc_info=error)
    written = event(capture)
    assert written[EXCEPTION_TYPE] == "shop.Declined"
    assert written[EXCEPTION_MESSAGE] == "card <CARD>"
    assert written[EXCEPTION_STACKTRACE].endswith("shop.Declined: card <CARD>\n")
    (logged,) = capture.logs
    for seen in (written, attributes(capture, "request"), attributes(capture, "charge"), logged):
        assert seen[ERROR_FINGERPRINT] == "v1:" + "a" * 16
        assert seen[ERROR_KIND] == "validation"
        assert seen[ERROR_SEVERITY_HINT] == "P2"
        assert seen[ERROR_ATTEMPT] == 4
        assert seen["shop.region"] == "eu"
    assert len(asked) == 1
    assert capture.spans["charge"].status.description == "Declined: card <CARD>"
    everything = f"{[span.to_json() for span in capture.spans.values()]} {capture.logs}"
    assert "4111" not in everything


def test_dropped_leaves_nothing(capture: Capture, registered: Registered, log: logging.Logger) -> None:
    """No event, no attributes and no ERROR status on any span; a line that is logged of it stays and says so."""
    registered(lambda event: None if isinstance(event.exception, Declined) else event)
    error = ExpiredCard("x")
    let(capture, error, "request", "charge")
    log.error("lost", exc_info=error)
    assert capture.exceptions == []
    for span in capture.spans.values():
        assert span.status.status_code is StatusCode.UNSET
        assert dict(span.attributes or {}) == {}
    (logged,) = capture.logs
    assert logged[ERROR_DROPPED] is True
    assert not {EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, ERROR_ID} & set(logged)
    assert capture.records[0].log_record.exception is None
    assert report(error, handled=False) is None


def test_another_failure_while_a_dropped_one_is_handled_is_an_error(capture: Capture, registered: Registered) -> None:
    """The status that the application sets for reasons of its own stands."""
    registered(lambda event: None)
    with capture.tracer.start_as_current_span("request") as span:
        try:
            charge(Declined("x"))
        except Declined as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, "no price"))
    assert capture.spans["request"].status.description == "no price"


def test_types_are_ignored_with_what_is_derived_from_them() -> None:
    """By their qualified names, that import nothing; of a group if all members are."""
    ignored = {"ERRORPLANE_IGNORE": f"{__name__}.Declined, not.installed.Error"}
    with Capture(environ=ignored) as capture:
        let(capture, ExpiredCard("x"), "ignored")
        let(capture, ExceptionGroup("all", [Declined("a"), ExpiredCard("b")]), "group")
        let(capture, ExceptionGroup("one", [Declined("a"), KeyError("b")]), "mixed")
    assert "not.installed" not in sys.modules
    assert [name for name, span in capture.spans.items() if span.status.status_code is StatusCode.ERROR] == ["mixed"]
    assert [name for name, _ in capture.exceptions] == ["mixed"]


def test_a_callback_is_named_in_the_environment() -> None:
    """`module:function`, found with the first error."""
    with Capture(environ={"ERRORPLANE_ON_ERROR": f"{__name__}:drop_declined"}) as capture:
        let(capture, Declined("x"), "dropped")
        let(capture, KeyError("x"), "kept")
    assert [name for name, _ in capture.exceptions] == ["kept"]


def drop_declined(event: ErrorEvent) -> ErrorEvent | None:
    """What the environment names above."""
    return None if event.type.endswith("Declined") else event


@pytest.mark.parametrize("broken", [lambda event: 1 / 0, lambda event: "no event"])
def test_a_callback_that_fails_is_counted(
    capture: Capture, registered: Registered, swallowing: None, broken: Callable[[ErrorEvent], ErrorEvent | None]
) -> None:
    """The error is written as if nobody had been asked."""
    GUARD.forget()
    registered(broken)
    let(capture, Declined("x"), "request", "charge")
    assert GUARD.failures == {"on_error": 1}
    assert event(capture)[EXCEPTION_MESSAGE] == "x"
    GUARD.forget()


def test_a_callback_may_report_and_log_itself(capture: Capture, registered: Registered, log: logging.Logger) -> None:
    """What it logs about the error that it is shown does not show it once more."""
    asked: list[str] = []

    def noisy(event: ErrorEvent) -> ErrorEvent:
        asked.append(event.id)
        log.warning("seen", exc_info=event.exception)
        return event

    registered(noisy)
    let(capture, Declined("x"), "request")
    assert len(asked) == 1
    assert len(capture.logs) == 1
    assert event(capture)[EXCEPTION_MESSAGE] == "x"


def test_where_writing_fails_the_sdk_writes(capture: Capture, swallowing: None) -> None:
    """Better the stock event than none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("errorplane.hooks._spans.full", lambda *args: 1 / 0)
        let(capture, Declined("x"), "request")
    assert event(capture)[EXCEPTION_MESSAGE] == "x"
    assert ERROR_FRAMES not in event(capture)
    GUARD.forget()


def test_except_star_makes_no_new_error(capture: Capture) -> None:
    """The group that it makes of the members left over is the same occurrence, and so is one around it."""
    group = ExceptionGroup("tasks", [Declined("a"), KeyError("b"), OSError("c")])
    with pytest.raises(ExceptionGroup) as caught, capture.tracer.start_as_current_span("request"):  # noqa: PT012  # one program
        try:
            through(capture, group, "inner")
        except* Declined:
            pass
    assert caught.value is not group
    assert attributes(capture, "request")[ERROR_ID] == attributes(capture, "inner")[ERROR_ID]
    assert [name for name, _ in capture.exceptions] == ["inner"]


def test_a_group_with_another_failure_is_another_error(capture: Capture) -> None:
    """What failed besides is not hidden behind the group that is known."""
    inner = ExceptionGroup("tasks", [Declined("a")])
    let(capture, inner, "inner")
    trace_of_it = trace.set_span_in_context(trace.NonRecordingSpan(capture.spans["inner"].context))
    outer = ExceptionGroup("all", [inner, KeyError("new")])
    with pytest.raises(ExceptionGroup), capture.tracer.start_as_current_span("outer", context=trace_of_it):
        raise outer
    assert attributes(capture, "outer")[ERROR_ID] != attributes(capture, "inner")[ERROR_ID]
    assert len(capture.exceptions) == 2


def test_task_groups_are_one_error(capture: Capture) -> None:
    """What `asyncio.TaskGroup` raises through nested spans of asynchronous code is recorded once."""

    async def main() -> None:
        with capture.tracer.start_as_current_span("request"), capture.tracer.start_as_current_span("gather"):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())

    async def fail() -> None:
        raise Declined("x")

    with pytest.raises(ExceptionGroup):
        asyncio.run(main())
    assert [name for name, _ in capture.exceptions] == ["gather"]


def test_a_task_group_carries_the_error_of_its_only_failed_task(capture: Capture) -> None:
    """What the task has recorded on a span of its own is not another error because a group is around it."""

    async def main() -> None:
        with capture.tracer.start_as_current_span("request"):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())

    async def fail() -> None:
        with capture.tracer.start_as_current_span("task"):
            raise Declined("x")

    with pytest.raises(ExceptionGroup):
        asyncio.run(main())
    assert [name for name, _ in capture.exceptions] == ["task"]
    assert attributes(capture, "request")[ERROR_ID] == attributes(capture, "task")[ERROR_ID]


def test_limits_of_the_sdk_take_what_is_ours(capture: Capture) -> None:
    """Where attributes are limited, the application's and those of the stock event stay, as without us."""
    limits = SpanLimits(max_span_attributes=4, max_event_attributes=5)
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    tracer = provider.get_tracer("shop")
    given = {"shop.order": 1, "shop.item": 2, "shop.user": 3}
    with pytest.raises(Declined), tracer.start_as_current_span("pay", attributes=given) as span:
        raise Declined("no")
    assert isinstance(span, Span)
    (event,) = span.events
    stock = {EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, "exception.escaped"}
    assert stock < (event.attributes or {}).keys()
    assert (span.attributes or {}).keys() == {*given, ERROR_ID}
    assert span.dropped_attributes == 0


def test_all_who_wait_for_one_failing_task_record_it_once_each(capture: Capture) -> None:
    """They get the same exception object, and their traces take turns in describing it; each is one error in its trace."""

    async def load() -> None:
        await asyncio.sleep(0)
        raise ConnectionError("no database")

    async def serve(shared: asyncio.Task[None]) -> None:
        with capture.tracer.start_as_current_span("GET"):
            try:
                with capture.tracer.start_as_current_span("load"):
                    await shared
            finally:
                await asyncio.sleep(0)

    async def all_together() -> None:
        shared = asyncio.ensure_future(load())
        await asyncio.gather(*(serve(shared) for _ in range(20)), return_exceptions=True)

    asyncio.run(all_together())
    assert [name for name, _ in capture.exceptions] == ["load"] * 20
    assert len({event.attributes[ERROR_ID] for _, event in capture.exceptions if event.attributes}) == 20


def test_a_prepared_exception_remembers_a_bounded_number_of_traces(capture: Capture) -> None:
    """What applications raise over and over must not grow with each trace that it passes."""
    prepared = ConnectionError("no database")
    for _ in range(300):
        with pytest.raises(ConnectionError), capture.tracer.start_as_current_span("GET"):
            raise prepared.with_traceback(None)
    assert len(capture.exceptions) == 300
    assert len(repr(prepared.__dict__)) < 50_000


def test_a_message_without_end_is_cut(capture: Capture, log: logging.Logger) -> None:
    """Message, stack trace and status keep beginning and end: a receiver refuses a request that is too long."""
    error = Declined("begin " + "word " * 2_000_000 + "end")
    let(capture, error, "request")
    log.error("lost", exc_info=error)
    status = capture.spans["request"].status.description or ""
    for seen in (event(capture), capture.logs[0]):
        assert len(seen[EXCEPTION_MESSAGE]) <= MESSAGE_LENGTH
        assert len(seen[EXCEPTION_STACKTRACE]) <= STACKTRACE_LENGTH
        assert seen[EXCEPTION_MESSAGE].startswith("begin word")
        assert seen[EXCEPTION_MESSAGE].endswith("word end")
    assert len(status) <= MESSAGE_LENGTH
    assert status.startswith("Declined: begin")


def test_half_a_value_does_not_stay() -> None:
    """A cut goes at white space, not inside of a number with spaces; without any it goes anywhere."""
    text = "pay 4111 1111 1111 1111 now " * 100
    cut = shorten(text, 500)
    first, _, last = cut.split("\n")
    assert text.startswith(first)
    assert text.endswith(last)
    assert first.rstrip().endswith(("pay", "1111 1111 1111", "now"))
    assert len(shorten("x" * 10_000, 500)) <= 500


def test_what_utf8_cannot_say_does_not_stop_the_exporter(capture: Capture) -> None:
    """Half of a surrogate pair, as in names of files, becomes a question mark."""
    let(capture, OSError("no file '\udcff'"), "request")
    for text in (event(capture)[EXCEPTION_MESSAGE], event(capture)[EXCEPTION_STACKTRACE]):
        assert "no file '?'" in text.encode().decode()
    assert (capture.spans["request"].status.description or "").endswith("no file '?'")


def test_names_of_code_in_no_utf8_do_not_stop_the_exporter() -> None:
    """A folder or a module may have such a name; a value too."""
    code: dict[str, Any] = {"Declined": type("Declined", (Exception,), {"__module__": "caf\udce9"})}
    source = "def fail():\n    name = 'caf\udce9'\n    raise Declined(name)\n"
    exec(compile(source.replace("'caf\udce9'", "chr(0xdce9)"), "/srv/caf\udce9.py", "exec"), code)  # noqa: S102  # as such a file
    with Capture(environ={"ERRORPLANE_LOCALS": "name"}) as capture:
        with pytest.raises(code["Declined"]), capture.tracer.start_as_current_span("request"):
            code["fail"]()
        found = event(capture)
    assert found[EXCEPTION_TYPE] == "caf?.Declined"
    assert found[ERROR_FRAMES][0].startswith("caf?:fail")
    assert str(found).encode()


def test_what_is_kept_of_frames_ends_with_their_code() -> None:
    """Rules and templates that an application compiles anew all the time are not held; nor are lines without end."""
    codes = []
    for number in range(20):
        rule: dict[str, Any] = {}
        exec(compile(f"def rule():\n    raise KeyError({number})\n", "<rule>", "exec"), rule)  # noqa: S102  # as such applications do
        with pytest.raises(KeyError) as raised:
            rule["rule"]()
        assert f"KeyError: {number}" in stacktrace(raised.value)
        codes.append(weakref.ref(rule["rule"].__code__))
        del raised, rule
    gc.collect()
    assert not any(code() for code in codes[:-1])


def recursive(depth: int) -> int:
    return 1 // depth if depth == 0 else recursive(depth - 1)


def _chained() -> BaseException:
    try:
        try:
            recursive(2)
        except ZeroDivisionError as error:
            raise KeyError("k") from error
    except KeyError:
        try:
            recursive(500)
        except ZeroDivisionError as error:
            return error
    raise AssertionError


def _raised(error: BaseException) -> BaseException:
    try:
        charge(error)
    except BaseException as raised:  # noqa: BLE001  # whatever it is
        return raised
    raise AssertionError


def _circle() -> BaseException:
    first, second = _raised(Declined("a")), _raised(Declined("b"))
    first.__cause__, second.__cause__ = second, first
    return first


def _noted() -> BaseException:
    error = _raised(Declined("a"))
    error.add_note("see the runbook")
    return error


@pytest.mark.parametrize(
    "make",
    [
        _chained,
        _circle,
        _noted,
        lambda: _raised(Declined()),
        lambda: _raised(Declined("two\nlines")),
        lambda: _raised(AttributeError("x", name="appendd", obj=[])),
        lambda: _raised(SyntaxError("bad", ("f.py", 1, 2, "x y", 1, 3))),
        lambda: _raised(BaseExceptionGroup("g", [_raised(Declined("a")), ValueError("b")])),
        lambda: Declined("never raised"),
    ],
)
def test_a_stack_trace_is_that_of_the_library(make: Callable[[], BaseException]) -> None:
    """Printed from what is kept of its frames it is the same, the first time and again."""
    error = make()
    for _ in range(2):
        assert stacktrace(error) == "".join(traceback.format_exception(error))


def test_others_who_patch_the_sdk_still_see_each_error(monkeypatch: pytest.MonkeyPatch, capture: Capture) -> None:
    """Whoever has patched `record_exception` before, as Sentry does, is called once per error, also if it is dropped."""
    seen: list[str] = []
    previous = Span.record_exception

    def patched(self: Span, exception: BaseException, *args: Any, **kwargs: Any) -> None:
        assert isinstance(self, Span)
        seen.append(str(exception))
        previous(self, exception, {"theirs": 1}, *args[1:], **kwargs)

    detach()
    stock = Span.record_exception
    monkeypatch.setattr(Span, "record_exception", patched)
    previous = stock
    with Capture(environ={"ERRORPLANE_IGNORE": "KeyError"}) as second:
        let(second, Declined("x" * 10_000), "request", "charge")
        let(second, KeyError("y"), "ignored")
        written = event(second)
    assert len(seen) == 2
    assert written["theirs"] == 1
    assert len(written[EXCEPTION_MESSAGE]) <= MESSAGE_LENGTH
    assert written[ERROR_ID]


def test_allowed_variables_are_masked() -> None:
    """Only names that are listed, of the application's own frames, and never a card number."""
    with Capture(environ={"ERRORPLANE_LOCALS": "card,order_*"}) as capture:
        let(capture, Declined("x"), "request")
    variables = event(capture)[ERROR_LOCALS]
    assert any(line.endswith(" order_id=17") and line.startswith("test_events:charge:") for line in variables)
    assert any(" card=" in line for line in variables)
    assert "4111" not in str(variables)
    assert not any("error=" in line for line in variables)


def test_the_last_lines_of_a_trace_are_masked() -> None:
    """Of this trace only, whichever logger wrote them."""
    logger = logging.Logger("shop")  # noqa: LOG001  # not in the tree, where other handlers may be
    with Capture(environ={"ERRORPLANE_LOG_LINES": "9"}) as capture:
        with capture.tracer.start_as_current_span("other"):
            logger.warning("not of this trace")
        with pytest.raises(Declined), capture.tracer.start_as_current_span("request"):  # noqa: PT012  # one program
            for words in ("first", "card %s", "mail jo@example.org"):
                logger.warning(words, *["4111 1111 1111 1111"] * words.count("%s"))
            charge(Declined("x"))
    lines = event(capture)[ERROR_LOG_LINES]
    assert [line.split(":")[0] for line in lines] == ["WARNING shop"] * 3
    assert "not of this trace" not in str(lines)
    assert "4111" not in str(lines)
    assert "jo@example.org" not in str(lines)


def warn_and_fail(logger: logging.Logger, *words: str) -> None:
    for each in words:
        logger.warning(each)
    raise Declined("x")


def test_so_many_lines_are_kept_as_are_wanted() -> None:
    """The last ones, and the exception's trace decides though its span is not the current one any more."""
    logger = logging.Logger("shop")  # noqa: LOG001  # not in the tree, where other handlers may be
    with Capture(environ={"ERRORPLANE_LOG_LINES": "2"}) as capture:
        span = capture.tracer.start_as_current_span("request")
        with pytest.raises(Declined), span:
            warn_and_fail(logger, "first", "second", "third")
    assert event(capture)[ERROR_LOG_LINES] == ("WARNING shop: second", "WARNING shop: third")


def test_a_storm_has_neither_beyond_its_rates() -> None:
    """Masking them takes longer than the stack trace, which is not written either then."""
    environ = {"ERRORPLANE_LOCALS": "*", "ERRORPLANE_EXPORT_ERRORS": "true", "ERRORPLANE_EXPORT_BURST": "1"}
    with Capture(environ={**environ, "ERRORPLANE_EXPORT_RATE": "0.001"}) as capture:
        for _ in range(2):
            with pytest.raises(Declined), capture.tracer.start_as_current_span("request"):
                charge(Declined("x"))
    first, second = (set(event.attributes or {}) for _, event in capture.exceptions)
    assert first - second == {ERROR_LOCALS, ERROR_FRAMES, EXCEPTION_STACKTRACE}


def test_neither_is_written_unless_asked_for(capture: Capture) -> None:
    """Variables and log lines are off by default."""
    let(capture, Declined("x"), "request")
    assert not {ERROR_LOCALS, ERROR_LOG_LINES} & set(event(capture))


def test_report_writes_an_error_once(capture: Capture) -> None:
    """Outside of any span: once, with everything that is known, and never again; not what a span has recorded."""
    error = _raised(Declined("x"))
    first = report(error, handled=False, attributes={"job": "nightly"}, body="the job failed")
    again = report(error, handled=True)
    let(capture, ExpiredCard("y"), "request")
    recorded = _raised(KeyError("z"))
    let(capture, recorded, "other")
    report(recorded, handled=False)
    (record,) = capture.records
    written = dict(record.log_record.attributes or {})
    assert first is not None
    assert again is not None
    assert written[ERROR_ID] == first.id == again.id
    assert (written[EXCEPTION_TYPE], written[ERROR_HANDLED], written["job"]) == (
        f"{__name__}.Declined",
        False,
        "nightly",
    )
    assert record.log_record.exception is error
    assert (record.log_record.event_name, record.log_record.body) == ("exception", "the job failed")


def test_without_attaching_nothing_is_reported() -> None:
    """And nothing raised."""
    assert report(Declined("x"), handled=True) is None


def test_a_logged_stack_trace_is_there_whatever_fails(capture: Capture, log: logging.Logger, swallowing: None) -> None:
    """The handler leaves printing it to us; a handler with a formatter of its own prints it as ever."""
    error = _raised(Declined("x"))
    expected = "".join(traceback.format_exception(error))
    log.error("lost", exc_info=error)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("errorplane.hooks._logs.event_of", lambda *args, **kwargs: 1 / 0)
        log.error("lost", exc_info=error)
    capture.handler.setFormatter(logging.Formatter("%(message)s"))
    log.error("lost", exc_info=error)
    assert [logged[EXCEPTION_STACKTRACE] for logged in capture.logs] == [expected] * 3
    assert capture.records[2].log_record.body == "lost\n" + expected.rstrip()
    GUARD.forget()
