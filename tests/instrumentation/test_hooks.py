"""What the hooks write, and that they never get in the way of the application."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import logging
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider

from errorplane import hooks
from errorplane.context import bind, configure, fields, set_component, set_correlation_id, set_tenant
from errorplane.errors import (
    COMPONENT,
    CORRELATION_ID,
    ERROR_CATEGORY,
    ERROR_FINGERPRINT,
    ERROR_ID,
    ERROR_KIND,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    TENANT,
    fingerprint,
    occurrence_of,
)
from errorplane.hooks import GUARD, attach, detach, is_attached
from errorplane.testing import Capture, SeededIds

Settings = Callable[[Mapping[str, str]], None]
OURS = (ERROR_ID, ERROR_FINGERPRINT, ERROR_KIND, COMPONENT, CORRELATION_ID)


class ShopError(Exception):
    """Two arguments: the stock log handler and the span disagree on its message."""


@pytest.fixture
def capture() -> Iterator[Capture]:
    with Capture(service="shop") as capture:
        yield capture


@pytest.fixture
def log(capture: Capture) -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.shop")
    logger.addHandler(capture.handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(capture.handler)


@pytest.fixture
def settings() -> Iterator[Settings]:
    yield configure
    configure({})


def fail(capture: Capture, *names: str, error: BaseException | None = None) -> BaseException:
    """Raise in the innermost of nested spans; returns what came out of the outermost."""
    try:
        with capture.tracer.start_as_current_span(names[0]):
            if names[1:]:
                raise fail(capture, *names[1:], error=error)
            raise ShopError(404, "no such order") if error is None else error
    except BaseException as raised:  # noqa: BLE001  # whatever comes out is the result
        return raised


def ours(attributes: Any) -> dict[str, Any]:
    return {name: attributes[name] for name in OURS}


def test_an_exception_through_nested_spans_is_recorded_once(capture: Capture) -> None:
    """The innermost span has the event with the stack trace; each span has status and reference."""
    error = fail(capture, "request", "service", "query")
    ((name, event),) = capture.exceptions
    assert name == "query"
    assert "ShopError" in str((event.attributes or {})[EXCEPTION_STACKTRACE])
    wanted = ours(event.attributes)
    assert wanted[ERROR_FINGERPRINT] == fingerprint(error)
    assert wanted[ERROR_KIND] == "unknown"
    assert wanted[COMPONENT] == "shop"
    for span in capture.spans.values():
        assert ours(span.attributes) == wanted
        assert not span.status.is_ok
        assert wanted[CORRELATION_ID] == f"{span.context.trace_id:032x}"


def test_a_log_record_refers_to_the_same_error(capture: Capture, log: logging.Logger) -> None:
    """Span, standard library and OpenTelemetry log record agree on id, type and message."""
    with capture.tracer.start_as_current_span("request"):
        try:
            with capture.tracer.start_as_current_span("query"):
                raise ShopError(404, "no such order")
        except ShopError as error:
            log.exception("cannot serve")
            capture.logger.emit(body="cannot serve", exception=error)
    ((_, event),) = capture.exceptions
    names = (*OURS, EXCEPTION_TYPE, EXCEPTION_MESSAGE)
    wanted = {name: (event.attributes or {})[name] for name in names}
    assert wanted[EXCEPTION_MESSAGE] == "(404, 'no such order')"
    assert [{name: record[name] for name in names} for record in capture.logs] == [wanted, wanted]
    assert all("Traceback" in record[EXCEPTION_STACKTRACE] for record in capture.logs)


def test_a_record_that_has_only_text_of_the_exception_being_handled(capture: Capture) -> None:
    """As bridges of other logging libraries write it: it is described and spelled as on spans, any other stands."""
    error = ShopError(404, "no such order")
    written = {EXCEPTION_TYPE: "ShopError", EXCEPTION_MESSAGE: "404"}
    with capture.tracer.start_as_current_span("request"):
        try:
            raise error
        except ShopError:
            capture.logger.emit(body="lost", attributes=written)
            capture.logger.emit(body="lost", attributes={**written, EXCEPTION_TYPE: "KeyError"})
        capture.logger.emit(body="lost", attributes=written)
    described, other, later = capture.logs
    assert described[ERROR_ID] == occurrence_of(error).id
    assert described[EXCEPTION_TYPE] == f"{__name__}.ShopError"
    assert described[EXCEPTION_MESSAGE] == str(error)
    assert other[EXCEPTION_MESSAGE] == later[EXCEPTION_MESSAGE] == "404"
    assert ERROR_ID not in other
    assert ERROR_ID not in later


def test_a_log_record_without_a_span(capture: Capture, log: logging.Logger) -> None:
    """Outside of any trace there is no correlation id to invent; the rest is there, and a span refers to it later."""
    error = TimeoutError("after 2 s")
    log.error("lost", exc_info=error)
    (record,) = capture.logs
    assert CORRELATION_ID not in record
    assert record[ERROR_KIND] == "timeout"
    assert record[ERROR_CATEGORY] == "transient"
    fail(capture, "request", error=error)
    assert (capture.spans["request"].attributes or {})[ERROR_ID] == record[ERROR_ID]
    assert len(capture.exceptions) == 1


def test_log_records_without_an_exception_are_left_alone(capture: Capture, log: logging.Logger) -> None:
    """Nothing is added to what reports no error and runs on nobody's behalf."""
    log.warning("hm", extra={"order": 17})
    log.error("oh", exc_info=(None, None, None))
    assert capture.logs == [{"order": 17}, {}]


def test_a_prepared_exception_is_a_new_error_in_each_trace(capture: Capture) -> None:
    """Applications raise one prepared object over and over: each trace has its own full record."""
    error = ShopError("closed")
    fail(capture, "first", error=error)
    fail(capture, "second", error=error)
    assert [name for name, _ in capture.exceptions] == ["first", "second"]
    assert len({(span.attributes or {})[ERROR_ID] for span in capture.spans.values()}) == 2


def test_recorded_twice_on_one_span(capture: Capture) -> None:
    """The second time adds an event only for attributes that the caller gave, and no second stack trace."""
    error = ShopError("x")
    with capture.tracer.start_as_current_span("request") as span:
        span.record_exception(error)
        span.record_exception(error)
        span.record_exception(error, {"attempt": 2, ERROR_KIND: "timeout"})
    (_, first), (_, second) = capture.exceptions
    assert EXCEPTION_STACKTRACE in (first.attributes or {})
    assert second.attributes is not None
    assert EXCEPTION_STACKTRACE not in second.attributes
    assert second.attributes["attempt"] == 2
    assert second.attributes[ERROR_KIND] == "timeout", "what the caller says stands"
    assert second.attributes[ERROR_ID] == (first.attributes or {})[ERROR_ID]


def test_an_ended_span_does_not_count_as_the_record(capture: Capture) -> None:
    """What the SDK refuses to write on an ended span is written on the next one."""
    error = ShopError("x")
    with capture.tracer.start_as_current_span("request") as outer:
        with capture.tracer.start_as_current_span("query") as inner:
            pass
        inner.record_exception(error)
        outer.record_exception(error)
    assert [name for name, _ in capture.exceptions] == ["request"]


class Slotted(Exception):
    """Has a dict all the same, as every exception."""

    __slots__ = ("code",)


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """Refuses attributes."""

    code: int


class Guarded(Exception):
    """Refuses attributes and weak references."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class Unhashable(Exception):
    """Equal to everything, so it has no hash."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # what removes a hash


class Falsy(Exception):
    """Looks empty."""

    def __bool__(self) -> bool:
        return False


class Odd(Exception):
    """Its status code cannot be asked for."""

    @property
    def status_code(self) -> int:
        raise RuntimeError

    @property
    def response(self) -> object:
        raise RuntimeError


class HTTPError(Odd):
    """Named like those whose status code is asked for."""


class Nosy(Exception):
    """Answers every question with a failure that is no AttributeError."""

    def __getattr__(self, name: str) -> object:
        raise KeyError(name)


class Annotated(Exception):
    """Its notes cannot be asked for."""

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]  # a property is what this is about
        raise RuntimeError


class Wordy(Exception):
    """Its words are a string that fails when it is used."""

    class Words(str):
        """Fails when it is asked how long it is."""

        __slots__ = ()

        def __len__(self) -> int:
            raise RuntimeError

    def __str__(self) -> str:
        return self.Words("x")


def _cycle() -> BaseException:
    one, two = ShopError("1"), ShopError("2")
    one.__cause__, two.__cause__ = two, one
    return one


WEIRD: list[BaseException] = [
    Slotted("x"),
    Unhashable("x"),
    Falsy("x"),
    HTTPError("x"),
    Wordy("x"),
    _cycle(),
    ExceptionGroup("x", [ShopError("1"), ExceptionGroup("y", [KeyError(2)])]),
    ShopError("\ud800 lone surrogate"),
    ShopError("x" * 100_000),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
]


@pytest.mark.parametrize("error", WEIRD, ids=lambda error: type(error).__name__)
def test_weird_exceptions(capture: Capture, log: logging.Logger, error: BaseException) -> None:
    """They come out of the spans as they went in, described, and once."""
    assert fail(capture, "request", "query", error=error) is error
    log.error("lost", exc_info=(type(error), error, error.__traceback__))
    assert len(capture.exceptions) == 1
    assert ERROR_ID in (capture.spans["request"].attributes or {})
    assert ERROR_ID in capture.logs[0]


@pytest.mark.parametrize("kind", [Nosy, Annotated])
def test_exceptions_that_the_traceback_module_cannot_print(capture: Capture, kind: type[Exception]) -> None:
    """They come out of the spans as they went in, with their frames; the SDK alone lets out what the module raises."""
    error = kind("x")
    assert fail(capture, "request", "query", error=error) is error
    ((_, event),) = capture.exceptions
    stack = str((event.attributes or {})[EXCEPTION_STACKTRACE])
    assert "raise ShopError" in stack
    assert f"{kind.__name__}: x\n" in stack  # newer versions of the module add that there was a failure


@pytest.mark.parametrize(("error", "events"), [(Frozen(3), 1), (Guarded("x"), 2)])
def test_exceptions_that_refuse_attributes(capture: Capture, error: BaseException, events: int) -> None:
    """Recorded once where weak references to them are possible, and pass through our `with` blocks.

    They pass through no `contextlib.contextmanager`, such as that of a span, with or without errorplane.
    """
    with pytest.raises(type(error)), bind(tenant="acme"):
        raise error
    with capture.tracer.start_as_current_span("request") as outer:
        with capture.tracer.start_as_current_span("query") as inner:
            inner.record_exception(error)
        outer.record_exception(error)
    assert len(capture.exceptions) == events
    assert not vars(error).get("__errorplane__")


def test_an_exception_that_cannot_be_printed(capture: Capture) -> None:
    """The SDK alone would raise what its __str__ raises, out of record_exception."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise KeyError("no")

    with capture.tracer.start_as_current_span("request") as span:
        span.record_exception(Mute())
    ((_, event),) = capture.exceptions
    assert event.attributes is not None
    assert event.attributes[EXCEPTION_MESSAGE] == "<exception str() failed>"
    assert "Mute" in str(event.attributes[EXCEPTION_STACKTRACE])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), asyncio.CancelledError()])
def test_exceptions_that_are_no_errors(capture: Capture, error: BaseException) -> None:
    """They pass through `with` blocks unrecorded, as in the SDK; recorded by hand they are described."""
    assert fail(capture, "request", error=error) is error
    assert not capture.exceptions
    with capture.tracer.start_as_current_span("by hand") as span:
        span.record_exception(error)
    ((_, event),) = capture.exceptions
    assert ERROR_ID in (event.attributes or {})


def test_what_is_no_exception_is_left_to_the_sdk(capture: Capture) -> None:
    """The SDK's answer to a wrong argument stays the SDK's."""
    with capture.tracer.start_as_current_span("request") as span, pytest.raises(TypeError, match="Exception expected"):
        span.record_exception("oops")  # type: ignore[arg-type]  # the wrong type is the point


def _fail_elsewhere() -> None:
    with Capture() as there:
        raise fail(there, "worker")


def test_an_exception_from_another_process(capture: Capture) -> None:
    """It keeps what it is known by, and is recorded here too, since its record may not have left there."""
    with ProcessPoolExecutor(1) as pool, pytest.raises(ShopError) as caught:
        pool.submit(_fail_elsewhere).result()
    known = occurrence_of(caught.value)
    assert known.trace_id
    assert not known.recorded
    assert occurrence_of(pickle.loads(pickle.dumps(caught.value))) == known
    fail(capture, "request", error=caught.value)
    assert len(capture.exceptions) == 1


def test_other_patches_are_chained(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was there before is called, one that comes later calls us, and neither is undone by us."""
    calls: list[str] = []

    def patch(name: str) -> None:
        previous = Span.record_exception

        def record_exception(self: Span, exception: BaseException, *args: Any, **kwargs: Any) -> None:
            calls.append(name)
            previous(self, exception, *args, **kwargs)

        monkeypatch.setattr(Span, "record_exception", record_exception)

    patch("before")
    with Capture() as capture:
        patch("after")
        theirs = Span.record_exception
        fail(capture, "request", "query")
        assert calls == ["after", "before", "after"], "an outer span needs no second full record"
        assert len(capture.exceptions) == 1
    assert Span.record_exception is theirs
    monkeypatch.undo()


def test_reloading_the_package_does_not_attach_once_more(capture: Capture) -> None:
    """As notebooks and servers that reload do: the hooks are in, and write one event."""
    importlib.reload(hooks)
    assert hooks.is_attached()
    hooks.attach()
    with pytest.raises(ValueError, match="no"), capture.tracer.start_as_current_span("s"):
        raise ValueError("no")
    assert len(capture.exceptions) == 1


def test_attaching_twice_is_harmless(capture: Capture) -> None:
    """One patch, one processor, one event."""
    patched = Span.record_exception
    attach()
    attach()
    assert Span.record_exception is patched
    fail(capture, "request")
    assert len(capture.exceptions) == 1


def test_detaching_leaves_the_stock_sdk() -> None:
    """Nothing stays patched, and providers that live on write nothing of ours."""
    before = (Span.record_exception, TracerProvider.__init__, LoggerProvider.__init__)
    with Capture() as capture:
        attach()
        detach()
        assert (Span.record_exception, TracerProvider.__init__, LoggerProvider.__init__) == before
        with bind(tenant="t"):
            fail(capture, "request", "query")
        assert len(capture.exceptions) == 2
        assert not capture.spans["request"].attributes


@pytest.mark.parametrize("value", ["false", "0", "No", " off "])
def test_switched_off(value: str) -> None:
    """ERRORPLANE_ENABLED=false: no patch, no processor."""
    before = (Span.record_exception, TracerProvider.__init__, LoggerProvider.__init__)
    attach(environ={"ERRORPLANE_ENABLED": value})
    assert not is_attached()
    assert (Span.record_exception, TracerProvider.__init__, LoggerProvider.__init__) == before


def test_our_failures_stay_ours(capture: Capture, log: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a hook fails, the stock record is written, the failure is counted and said once."""
    detach()

    def broken() -> str:
        raise RuntimeError("secret")

    monkeypatch.setattr(GUARD, "reraise", False)
    attach(new_id=broken)
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]  # one handler, replaced by hand
    logging.getLogger("errorplane.hooks").addHandler(handler)
    before = GUARD.failures.get("record_exception", 0)
    with Capture() as second:
        fail(second, "request", "query")
        assert len(second.exceptions) == 2
    logging.getLogger("errorplane.hooks").removeHandler(handler)
    assert GUARD.failures["record_exception"] == before + 2
    words = "the hook record_exception failed with RuntimeError and is passed over; please report it"
    assert said.count(words) == 1
    GUARD.forget()


def test_our_failures_show_under_pytest() -> None:
    """A test that breaks a hook must not pass."""

    def broken() -> str:
        raise RuntimeError("broken")

    with Capture(new_id=broken) as capture:
        span = capture.tracer.start_span("request")
        with pytest.raises(RuntimeError, match="broken"):
            span.record_exception(ShopError())
    GUARD.forget()


def test_context_fields_are_on_everything(capture: Capture, log: logging.Logger) -> None:
    """On spans, on log records and on errors; what is not set is not written."""
    with bind(correlation_id="c-17", tenant="acme"), capture.tracer.start_as_current_span("request"):
        with bind(component="cart"):
            fail(capture, "query")
            log.info("in cart")
        log.info("outside")
    with capture.tracer.start_as_current_span("clean"):
        pass
    assert capture.spans["request"].attributes == {CORRELATION_ID: "c-17", TENANT: "acme"}
    assert not capture.spans["clean"].attributes
    query = capture.spans["query"].attributes or {}
    assert (query[COMPONENT], query[CORRELATION_ID], query[TENANT]) == ("cart", "c-17", "acme")
    assert capture.logs == [
        {COMPONENT: "cart", CORRELATION_ID: "c-17", TENANT: "acme"},
        {CORRELATION_ID: "c-17", TENANT: "acme"},
    ]


def test_fields_stay_with_an_exception_that_leaves_their_block(capture: Capture, log: logging.Logger) -> None:
    """Spans and log records around the block have them too, the innermost value of each; what is bound there wins.

    Baggage, which comes from whoever called us, does not.
    """
    token = context.attach(baggage.set_baggage("tenant", "theirs"))
    with capture.tracer.start_as_current_span("request"):
        try:
            with bind(correlation_id="c-17", component="shop"), bind(tenant="acme", component="cart"):
                raise ShopError("x")
        except ShopError:
            log.exception("lost")
            with bind(component="front"):
                log.exception("lost")
    context.detach(token)
    first, second = capture.logs
    assert (first[CORRELATION_ID], first[TENANT], first[COMPONENT]) == ("c-17", "acme", "cart")
    assert (second[CORRELATION_ID], second[TENANT], second[COMPONENT]) == ("c-17", "acme", "front")


def test_fields_stay_with_an_exception_that_was_described_among_them(capture: Capture, log: logging.Logger) -> None:
    """A server logs what left the request's span where neither its baggage nor its fields are left."""
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    error = fail(capture, "request")
    context.detach(token)
    log.error("lost", exc_info=error)
    (record,) = capture.logs
    assert record[TENANT] == "acme"
    assert record[CORRELATION_ID] == (capture.spans["request"].attributes or {})[CORRELATION_ID]


def test_fields_do_not_stay_with_a_prepared_exception(capture: Capture, log: logging.Logger) -> None:
    """In another trace, and outside of any, they would be those of somebody else."""
    error = ShopError("closed")
    for tenant in ("acme", None):
        with capture.tracer.start_as_current_span("request"):
            try:
                with bind(tenant=tenant):
                    raise error
            except ShopError:
                log.exception("lost")
    assert [record.get(TENANT) for record in capture.logs] == ["acme", None]
    other = ShopError("closed")
    with pytest.raises(ShopError), bind(tenant="acme"):
        raise other
    log.error("lost", exc_info=other)
    assert TENANT not in capture.logs[-1]
    assert not [name for name in vars(other) if "fields" in name]


def test_context_fields_can_be_set_and_removed() -> None:
    """For code that cannot use a `with` block; values are cut to a bounded length."""
    with bind():
        set_correlation_id("c" * 1000)
        set_component("cart")
        set_tenant("acme")
        assert fields() == {CORRELATION_ID: "c" * 256, COMPONENT: "cart", TENANT: "acme"}
        set_component(None)
        assert COMPONENT not in fields()
    assert not fields()


def test_context_fields_do_not_cross_threads_of_control() -> None:
    """Each task and each thread has its own."""

    async def task(name: str) -> str:
        set_correlation_id(name)
        await asyncio.sleep(0)
        return fields()[CORRELATION_ID]

    async def both() -> list[str]:
        return list(await asyncio.gather(task("a"), task("b")))

    assert asyncio.run(both()) == ["a", "b"]
    seen: list[object] = []
    with bind(tenant="acme"):
        thread = threading.Thread(target=lambda: seen.append(dict(fields())))
        thread.start()
        thread.join()
    assert seen == [{}]


def test_only_allowed_baggage_becomes_attributes(capture: Capture, settings: Settings) -> None:
    """Baggage comes from whoever called us; what is bound here wins over it."""
    carried = {"correlation_id": "theirs", "tenant": "acme", "secret": "s", "plan": "gold" * 100}
    current = context.get_current()
    for key, value in carried.items():
        current = baggage.set_baggage(key, value, current)
    with capture.tracer.start_as_current_span("default", context=current):
        pass
    assert capture.spans["default"].attributes == {CORRELATION_ID: "theirs", TENANT: "acme"}
    settings({"OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS": "plan,correlation_id"})
    token = context.attach(current)
    with bind(correlation_id="ours"):
        fail(capture, "listed")
        capture.logger.emit(body="x")
    context.detach(token)
    listed = capture.spans["listed"].attributes or {}
    assert (listed[CORRELATION_ID], listed["plan"], TENANT in listed) == ("ours", ("gold" * 100)[:256], False)
    assert capture.logs == [{CORRELATION_ID: "ours", "plan": ("gold" * 100)[:256]}]


def test_the_allow_list_comes_from_the_environment(settings: Settings) -> None:
    """The variable that the AWS distribution uses, too; set to nothing, no baggage is allowed."""
    attach(environ={"OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS": " plan , ,region"})
    detach()
    carried = baggage.set_baggage("plan", "gold", baggage.set_baggage("tenant", "acme"))
    assert fields(carried) == {"plan": "gold"}
    settings({"OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS": ""})
    assert fields(carried) == {}


def test_the_component_can_be_named_in_the_environment(capture: Capture, settings: Settings) -> None:
    """ERRORPLANE_COMPONENT stands before service.name."""
    settings({"ERRORPLANE_COMPONENT": "checkout"})
    fail(capture, "request")
    assert (capture.spans["request"].attributes or {})[COMPONENT] == "checkout"


def test_a_service_without_a_name_is_no_component() -> None:
    """What the SDK writes for a service without a name says nothing."""
    with Capture(service="unknown_service:python") as capture:
        fail(capture, "request")
        assert COMPONENT not in (capture.spans["request"].attributes or {})


class Recording(LogRecordProcessor):
    """Copies what it sees at once, as the exporting processors do."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.seen.append(dict(log_record.log_record.attributes or {}))

    def enabled(self, **_: Any) -> bool:
        return False

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def test_providers_that_existed_before_are_adopted_when_they_are_set(capture: Capture) -> None:
    """Our log processor comes before the exporting ones, and does not enable loggers that nobody listens to."""
    detach()
    recording = Recording()
    provider = LoggerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_log_record_processor(recording)
    attach(new_id=SeededIds())
    from opentelemetry._logs import _internal  # the global provider can be set once only, so it is not set here

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_internal, "_LOGGER_PROVIDER", None)
        patch.setattr(_internal, "_LOGGER_PROVIDER_SET_ONCE", type(_internal._LOGGER_PROVIDER_SET_ONCE)())
        _internal.set_logger_provider(provider)
        _internal.set_logger_provider(provider)
    logger = provider.get_logger("x")
    logger.emit(body="x", exception=ShopError("x"))
    assert ERROR_ID in recording.seen[0]
    assert not hasattr(logger, "enabled") or not logger.enabled()  # the oldest SDK has no such method
    detach()
