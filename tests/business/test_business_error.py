"""Business errors are counted, told of and noted on the span, and are no errors of the program."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
from contextlib import nullcontext
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode
from tests.business.conftest import Shop

from errorplane.business import OTHER, BusinessError, business_error, business_errors
from errorplane.context import bind
from errorplane.errors import Category, Severity


class Frozen(Exception):
    """Lets nobody set anything but what `contextlib` sets."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "__traceback__":
            raise AttributeError(name)
        super().__setattr__(name, value)


NAME, CODE = "errorplane.business.error", "errorplane.business.code"


class PaymentDeclined(BusinessError):
    """Says by itself what it is."""

    name = "payment.declined"

    def __init__(self, code: str) -> None:
        super().__init__(f"card 4111111111111111 refused: {code}")
        self.code = code


class Sold(Exception):
    """Of a library: it does not know of business errors."""


def assert_clean(span: ReadableSpan) -> None:
    """Nothing on the span says that the program failed."""
    assert span.status.status_code is StatusCode.UNSET
    assert not span.events
    assert "errorplane.error.id" not in (span.attributes or {})


def test_one_call_is_counted_told_and_noted(shop: Shop) -> None:
    """A call makes one measurement, one event by its name in the trace, and attributes of a span that has not failed."""
    with shop.tracer.start_as_current_span("pay") as span, bind(component="checkout", tenant="acme"):
        business_error("payment.declined", code="insufficient_funds", attributes={"payment.provider": "acme"})
    described = {
        NAME: "payment.declined",
        CODE: "insufficient_funds",
        "error.type": "payment.declined",
        "errorplane.error.category": "persistent",
        "errorplane.component": "checkout",
    }
    assert shop.counts() == [(described, 1)]
    record = shop.event.log_record
    assert (record.event_name, record.severity_number) == ("payment.declined", SeverityNumber.INFO)
    assert record.trace_id == span.get_span_context().trace_id
    expected = {**described, "errorplane.error.kind": "business", "payment.provider": "acme"}
    assert expected.items() <= dict(record.attributes or {}).items()
    written = shop.capture.spans["pay"]
    assert (written.attributes or {})[NAME] == "payment.declined"
    assert_clean(written)


@pytest.mark.parametrize(
    ("severity", "number"),
    [
        (None, SeverityNumber.INFO),
        (Severity.P1, SeverityNumber.ERROR),
        (Severity.P2, SeverityNumber.ERROR),
        (Severity.P3, SeverityNumber.WARN),
        (Severity.P4, SeverityNumber.INFO),
    ],
)
def test_a_severity_makes_it_an_error_of_the_pipeline(
    shop: Shop, severity: Severity | None, number: SeverityNumber
) -> None:
    """Only with P1 or P2 does the record have a severity from which on the pipeline sees an error."""
    business_error("stock.inconsistent", severity=severity)
    assert shop.event.log_record.severity_number is number


@pytest.mark.parametrize("logged", [False, True])
def test_an_exception_of_the_base_class_makes_no_span_fail(shop: Shop, logged: bool) -> None:
    """A business exception passes through nested spans and a log call: counted once, no stack trace, no failed span."""
    logger = logging.getLogger("tests.business")
    logger.addHandler(shop.capture.handler)
    with shop.tracer.start_as_current_span("outer"):
        try:
            with shop.tracer.start_as_current_span("middle"), shop.tracer.start_as_current_span("inner"):
                raise PaymentDeclined("expired_card")
        except PaymentDeclined:
            if logged:
                logger.warning("no payment", exc_info=True)
    logger.removeHandler(shop.capture.handler)
    for name in ("inner", "middle", "outer"):
        assert_clean(shop.capture.spans[name])
    assert [count for _, count in shop.counts()] == [1]
    (attributes, _), *_ = shop.counts()
    assert attributes[CODE] == "expired_card"
    assert attributes["error.type"].endswith("PaymentDeclined")


def test_a_technical_error_stays_one(shop: Shop) -> None:
    """Another exception in the same place is recorded as ever."""
    span, block = shop.tracer.start_as_current_span("pay"), business_errors("sold.out", Sold)
    with pytest.raises(ZeroDivisionError), span, block:
        raise ZeroDivisionError
    assert shop.capture.spans["pay"].status.status_code is StatusCode.ERROR
    assert [name for name, _ in shop.capture.exceptions] == ["pay"]
    assert not shop.counts()


def test_a_block_expects_exceptions_of_libraries(shop: Shop) -> None:
    """What a block expects is recorded when it leaves the block, also if a span inside has seen it before."""
    order, reserve = (shop.tracer.start_as_current_span(name) for name in ("order", "reserve"))
    block = business_errors("sold.out", Sold, code=lambda error: error.args[1], category=Category.TRANSIENT)
    with pytest.raises(Sold), order, block, reserve:
        raise Sold("no 4711 left for maria@example.com", "last_one")
    assert_clean(shop.capture.spans["reserve"])
    assert_clean(shop.capture.spans["order"])
    ((attributes, count),) = shop.counts()
    assert (attributes[CODE], attributes["errorplane.error.category"], count) == ("last_one", "transient", 1)
    assert "maria" not in shop.everything()


def test_a_code_that_cannot_be_asked_is_other(shop: Shop) -> None:
    """A function of the application that fails to name the code costs only the code."""
    with pytest.raises(Sold), business_errors("sold.out", Sold, code=lambda error: error.missing):
        raise Sold
    assert shop.counts()[0][0][CODE] == OTHER


def test_functions_and_coroutines_are_decorated(shop: Shop) -> None:
    """The decorator keeps name, arguments and result, and sees exceptions of both kinds of functions."""

    @business_errors("sold.out", Sold)
    def plain(amount: int) -> int:
        if amount > 1:
            raise Sold
        return amount

    @business_errors("sold.out", Sold)
    async def awaited(amount: int) -> int:
        await asyncio.sleep(0)
        return plain(amount)

    assert (plain(1), plain.__name__, asyncio.run(awaited(1))) == (1, "plain", 1)
    with pytest.raises(Sold):
        plain(2)
    with pytest.raises(Sold):
        asyncio.run(awaited(2))
    assert [count for _, count in shop.counts()] == [2]


def test_one_block_serves_many_threads(shop: Shop) -> None:
    """The same block entered by eight threads at once counts each exception once."""
    block = business_errors("sold.out", Sold)
    together = threading.Barrier(8, timeout=30)

    def sell() -> None:
        for _ in range(50):
            with pytest.raises(Sold), block:
                raise Sold
        together.wait()

    threads = [threading.Thread(target=sell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [count for _, count in shop.counts()] == [400]


def test_a_block_without_exceptions_is_a_mistake() -> None:
    """A decorator that would expect everything is refused where it is written."""
    with pytest.raises(TypeError, match="name the exceptions"):
        business_errors("sold.out")


def test_names_and_codes_are_bounded(shop: Shop) -> None:
    """Of ten thousand names a hundred have series, and all others together one; every one has its event."""
    for number in range(1000):
        business_error(f"order.{number}", code=str(number))
    series = shop.counts()
    assert len(series) <= 102
    assert sum(count for _, count in series) == 1000
    assert [count for attributes, count in series if attributes[NAME] == OTHER] == [900]
    assert len({event.log_record.event_name for event in shop.events}) == 1000


def test_combinations_are_bounded(shop: Shop) -> None:
    """A hundred names with a hundred codes make a thousand series and a few, and no measurement is lost."""
    for number in range(5000):
        business_error(f"order.n{number % 100}", code=f"c{number // 100 % 50}")
    series = shop.counts()
    assert len(series) <= 1100
    assert sum(count for _, count in series) == 5000


def test_names_are_written_like_event_names(shop: Shop) -> None:
    """A name in another shape is brought into that of an event name; one that says nothing is `_OTHER`."""
    for name in ("Payment Declined!", "payment.declined", "", "ÄÖ"):
        business_error(name)
    names = [event.log_record.event_name for event in shop.events]
    assert names == ["payment_declined", "payment.declined", OTHER, OTHER]


def test_an_exception_given_counts_once_and_shows_only_its_type(shop: Shop) -> None:
    """The same exception recorded twice in a trace is one; neither its message nor a stack trace is written."""
    with shop.tracer.start_as_current_span("pay"):
        error = Sold("IBAN DE89370400440532013000")
        business_error("sold.out", error=error)
        business_error("sold.out", error=error)
    ((attributes, count),) = shop.counts()
    assert (attributes["error.type"].rpartition(".")[2], count) == ("Sold", 1)
    assert "DE89" not in shop.everything()


def test_a_prepared_exception_counts_in_each_trace(shop: Shop) -> None:
    """An exception object that is raised again in another request is another business error."""
    error = PaymentDeclined("expired_card")
    for _ in range(3):
        with pytest.raises(PaymentDeclined), shop.tracer.start_as_current_span("request"):
            raise error
    assert [count for _, count in shop.counts()] == [3]


def test_it_never_raises_into_the_application(shop: Shop, swallowing: Any) -> None:
    """Arguments of the wrong types are our failure to count, and the application goes on."""
    business_error(None, attributes=7)  # type: ignore[arg-type]  # that is the point
    business_error("order.late")
    assert shop.counts()[-1][0][NAME] == "order.late"


def test_an_exception_that_leaves_its_trace_is_told_of_in_it(shop: Shop) -> None:
    """The event of a business exception that the hooks see has the trace of the span that it left."""
    with pytest.raises(PaymentDeclined), shop.tracer.start_as_current_span("request") as span:
        raise PaymentDeclined("expired_card")
    assert shop.event.log_record.trace_id == span.get_span_context().trace_id


@pytest.mark.parametrize("inside", [True, False], ids=["in a block", "by themselves"])
def test_a_group_of_business_errors_is_each_of_them(shop: Shop, inside: bool) -> None:
    """A group of nothing but expected exceptions counts once for each member and makes no span fail."""
    block = business_errors("payment.declined", PaymentDeclined, code=lambda error: error.code)
    group = ExceptionGroup("tasks", [PaymentDeclined("a"), ExceptionGroup("more", [PaymentDeclined("b")])])
    with pytest.raises(ExceptionGroup), shop.tracer.start_as_current_span("pay"), block if inside else nullcontext():
        raise group
    assert_clean(shop.capture.spans["pay"])
    assert sorted((attributes[CODE], count) for attributes, count in shop.counts()) == [("a", 1), ("b", 1)]


def test_a_group_with_another_exception_is_an_error_of_the_program(shop: Shop) -> None:
    """One member that nobody expects makes the whole group an error, and no business error."""
    span, block = shop.tracer.start_as_current_span("pay"), business_errors("sold.out", Sold)
    with pytest.raises(ExceptionGroup), span, block:
        raise ExceptionGroup("tasks", [Sold(), KeyError("cart")])
    assert shop.capture.spans["pay"].status.status_code is StatusCode.ERROR
    assert not shop.counts()


def test_an_exception_that_guards_its_attributes_travels_on(shop: Shop) -> None:
    """A frozen exception is recorded, and can be pickled and unpickled afterwards as before."""
    error = Frozen("k")
    with pytest.raises(Frozen), shop.tracer.start_as_current_span("order"), business_errors("sold.out", Frozen):
        raise error
    assert pickle.loads(pickle.dumps(error)).args == ("k",)
    assert_clean(shop.capture.spans["order"])
    assert [count for _, count in shop.counts()] == [1]
