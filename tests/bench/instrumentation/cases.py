"""What is measured of single calls. Each case is written once, for whatever the application is set up with."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.bench.instrumentation.chain import Failed


@dataclass(frozen=True, slots=True)
class App:
    """An application. ``request`` starts its outermost span, ``capture`` is what it does with a caught exception."""

    request: Callable[[str], AbstractContextManager[object]]
    span: Callable[[str], AbstractContextManager[object]]
    log: logging.Logger
    capture: Callable[[BaseException], object]
    fail: Callable[[int], None]
    five_fields: Callable[[], AbstractContextManager[object]] = nullcontext
    baggage_fields: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True, slots=True)
class Call:
    """A case: its name, what is called, how often in a batch, and what a batch takes place in."""

    name: str
    call: Callable[[App], None]
    times: int
    within: Callable[[App], AbstractContextManager[object]] = lambda _: nullcontext()


def _span(app: App) -> None:
    with app.request("request"):
        pass


def _log(app: App) -> None:
    app.log.warning("three orders left")


def _bound_span(app: App) -> None:
    with app.five_fields(), app.request("request"):
        pass


def _exception(depth: int) -> Callable[[App], None]:
    def call(app: App) -> None:
        try:
            with app.request("request"):
                app.fail(depth)
        except Failed as error:
            app.capture(error)

    return call


def _three_spans(app: App) -> None:
    try:
        with app.request("request"), app.span("service"), app.span("query"):
            app.fail(10)
    except Failed as error:
        app.capture(error)


def _logged(app: App) -> None:
    try:
        app.fail(10)
    except Failed:
        app.log.exception("cannot serve")


def _storm(app: App) -> None:
    try:
        with app.request("request"), app.span("service"), app.span("query"):
            app.fail(10)
    except Failed:
        app.log.exception("cannot serve")


SPAN, FIELDS, THREE, DEPTH = "span", "span, five context fields", "exception through three nested spans", (5, 10, 30)
FIRST = "exception, {} frames deep"
STORM = "error storm: three nested spans and a log record"
CALLS = (
    Call(SPAN, _span, 300),
    Call(FIELDS, _span, 300, lambda app: app.five_fields()),
    Call("span, five context fields, two of them baggage", _span, 300, lambda app: app.baggage_fields()),
    Call("binding five context fields, and a span", _bound_span, 200),
    Call("log line", _log, 300),
    *(Call(FIRST.format(depth), _exception(depth), 40) for depth in DEPTH),
    Call(THREE, _three_spans, 20),
    Call("logged exception", _logged, 40),
    Call(STORM, _storm, 100),
)
BY_NAME = {call.name: call for call in CALLS}
SAMPLED = (SPAN, FIRST.format(10), THREE, STORM)
"""Those that head sampling changes."""
