"""Errors that nobody handles: each is told once, and every other hook is called as if ours were not there."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber

from errorplane.errors import ERROR_ID, EXCEPTION_TYPE
from errorplane.hooks import GUARD, attach, detach, on_error
from errorplane.testing import Capture
from errorplane.unhandled import _forks, flush, is_error
from errorplane.unhandled._chain import Watch
from errorplane.unhandled._flush import flush_all
from errorplane.unhandled._processes import watch_signals

Hook = Callable[..., Any]


class Calls(list[tuple[Any, ...]]):
    """A hook of somebody else's, which was there before ours."""

    def __call__(self, *args: Any) -> None:
        self.append(args)


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """In place of those of pytest, which end the test."""
    calls = Calls()
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, calls)
    detach()
    yield calls
    detach()


def raised(error: BaseException) -> BaseException:
    """With a stack, as the interpreter has it."""
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001  # whatever the test gave
        return caught


def uncaught(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)


def in_thread(error: BaseException) -> None:
    def run() -> None:
        raise error

    thread = threading.Thread(target=run, name="worker-7")
    thread.start()
    thread.join(10)


def in_del(error: BaseException) -> None:
    class Gone:
        def __del__(self) -> None:
            raise error

    Gone()


def in_callback(error: BaseException) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        loop.call_soon(raise_it)
        await asyncio.sleep(0)

    def raise_it() -> None:
        raise error

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fail", "severity"),
    [
        (uncaught, SeverityNumber.FATAL),
        (in_thread, SeverityNumber.ERROR),
        (in_del, SeverityNumber.ERROR),
        (in_callback, SeverityNumber.ERROR),
    ],
)
def test_an_error_is_told_once_wherever_it_ends(
    fail: Callable[[BaseException], None], severity: SeverityNumber, before: Calls
) -> None:
    """FATAL where the process ends, ERROR elsewhere; the hook that was there before is called, once."""
    with Capture() as capture:
        fail(raised(LookupError("order 7")))
        ((stated,), (record,)) = capture.logs, capture.records
    assert stated[EXCEPTION_TYPE] == "LookupError"
    assert stated.get("thread.name") == ("worker-7" if fail is in_thread else None)
    assert record.log_record.severity_number is severity
    assert record.log_record.event_name == "exception"
    assert len(before) == (0 if fail is in_callback else 1)


def test_a_prompt_goes_on(before: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches `sys.excepthook` at a prompt does not end the process."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    with Capture() as capture:
        uncaught(raised(LookupError("order 7")))
        assert [record.log_record.severity_number for record in capture.records] == [SeverityNumber.ERROR]


class Ends(SystemExit):
    """An application's own way to end."""


class Worst(BaseException):
    """Not derived from Exception, and an error all the same."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SystemExit(3), False),
        (SystemExit("no such file"), False),
        (Ends(), False),
        (KeyboardInterrupt(), False),
        (GeneratorExit(), False),
        (asyncio.CancelledError(), False),
        (None, False),
        (ValueError(), True),
        (Worst(), True),
        (BaseExceptionGroup("", [SystemExit(), KeyboardInterrupt()]), False),
        (BaseExceptionGroup("", [SystemExit(), BaseExceptionGroup("", [ValueError(), KeyboardInterrupt()])]), True),
    ],
)
def test_what_is_asked_for_is_no_error(error: BaseException | None, expected: bool) -> None:
    """Ends of processes, tasks and generators are none, whatever the exit code; of groups the members count."""
    assert is_error(error) is expected


def test_a_recorded_error_is_not_told_again(before: Calls) -> None:
    """On the span that it left, it is there already."""
    with Capture() as capture:
        with pytest.raises(LookupError) as caught, capture.tracer.start_as_current_span("job"):
            raise LookupError("order 7")
        uncaught(caught.value)
        assert capture.logs == []
        assert len(capture.exceptions) == 1


def logs_itself(capture: Capture, previous: Hook) -> Hook:
    """What opentelemetry-instrumentation-exceptions 0.66 puts around a hook: it logs first, and then calls it."""

    def hook(cls: type[BaseException], error: BaseException, traceback: Any) -> None:
        capture.logger.emit(event_name=cls.__name__, body=str(error), severity_text="FATAL", exception=error)
        previous(cls, error, traceback)

    return hook


@pytest.mark.parametrize("place", ["around ours", "within ours"])
def test_beside_another_hook_that_tells_of_it(place: str, before: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one record, the other's, whichever of the two hooks was there first."""
    detach()
    if place == "within ours":
        later: list[Hook] = []
        monkeypatch.setattr(sys, "excepthook", lambda *args: later[0](*args))
        with Capture() as capture:
            later.append(logs_itself(capture, before))
            uncaught(raised(LookupError("order 7")))
            assert len(capture.logs) == 1
    else:
        with Capture() as capture:
            monkeypatch.setattr(sys, "excepthook", logs_itself(capture, sys.excepthook))
            uncaught(raised(LookupError("order 7")))
            assert len(capture.logs) == 1
    assert ERROR_ID in capture.logs[0]
    assert len(before) == 1


def test_hooks_of_others_stay_when_ours_go(before: Calls) -> None:
    """Somebody who chained to ours keeps his place, and ours calls on without telling anything."""
    attach(environ={})
    ours = sys.excepthook
    seen = Calls()

    def theirs(*args: Any) -> None:
        seen(*args)
        ours(*args)

    sys.excepthook = theirs
    detach()
    assert sys.excepthook is theirs
    assert threading.excepthook is before
    assert "call_exception_handler" in vars(asyncio.BaseEventLoop)
    assert asyncio.BaseEventLoop.call_exception_handler.__module__ == "asyncio.base_events"
    uncaught(raised(LookupError("order 7")))
    assert (len(seen), len(before)) == (1, 1)


def test_twice_attached_is_told_once(before: Calls) -> None:
    """Also where the hooks of the first time are still in the chain."""
    attach(environ={})
    first = sys.excepthook
    sys.excepthook = lambda *args: first(*args)
    detach()
    with Capture() as capture:
        uncaught(raised(LookupError("order 7")))
        assert len(capture.logs) == 1
    assert len(before) == 1


def test_switched_off(before: Calls) -> None:
    """With ERRORPLANE_UNHANDLED=false every hook is as it was."""
    handler = asyncio.BaseEventLoop.call_exception_handler
    raise_signal = signal.raise_signal
    attach(environ={"ERRORPLANE_UNHANDLED": "false"})
    hooks: list[object] = [sys.excepthook, sys.unraisablehook, threading.excepthook]
    assert hooks == [before] * 3
    assert asyncio.BaseEventLoop.call_exception_handler is handler
    assert signal.raise_signal is raise_signal


def test_our_own_failure_stays_ours(before: Calls, swallowing: None) -> None:
    """It is counted, the other hooks are called, and the error itself is told all the same."""

    def fail(_: object) -> None:
        raise RuntimeError("ours")

    with Capture() as capture:
        take_back = on_error(fail)
        uncaught(raised(LookupError("order 7")))
        take_back()
        assert len(capture.logs) == 1
    assert len(before) == 1
    assert GUARD.failures == {"on_error": 1}


def test_an_error_while_one_is_told_does_not_go_round(before: Calls) -> None:
    """A callback in which something cannot be raised: that goes to the other hooks only."""
    with Capture() as capture:

        def look(event: Any) -> Any:
            in_del(raised(ValueError("inner")))
            return event

        take_back = on_error(look)
        uncaught(raised(LookupError("order 7")))
        take_back()
        assert [stated[EXCEPTION_TYPE] for stated in capture.logs] == ["LookupError"]
    assert len(before) == 2


def test_a_hook_that_raises_is_let_raise(before: Calls) -> None:
    """As another hook's failure would reach the interpreter without ours; the error is told."""

    def fail(*args: Any) -> None:
        raise RuntimeError("theirs")

    sys.excepthook = fail
    with Capture() as capture:
        with pytest.raises(RuntimeError, match="theirs"):
            uncaught(raised(LookupError("order 7")))
        assert [stated[EXCEPTION_TYPE] for stated in capture.logs] == ["LookupError"]


class Stalled:
    """A provider whose endpoint does not answer."""

    def __init__(self) -> None:
        self.answer = threading.Event()

    def force_flush(self, timeout_millis: int) -> None:
        self.answer.wait(60)


def test_a_flush_is_bounded() -> None:
    """By the time allowed, whatever the provider does; a second one is flushed meanwhile."""
    stalled, done = Stalled(), Stalled()
    done.answer.set()
    assert not flush_all([stalled, done], 0.05)
    assert flush_all([done], 30)
    stalled.answer.set()
    assert flush(30)


def test_a_signal_to_oneself_waits_for_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it ends the process: one that is handled, or is none of those that end one, is raised at once."""
    happened: list[object] = []
    monkeypatch.setattr(signal, "raise_signal", happened.append)
    watch = Watch()
    watch_signals(watch, lambda: happened.append("flush"))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.raise_signal(signal.SIGTERM)
    assert happened == ["flush", signal.SIGTERM]
    signal.raise_signal(signal.SIGINT)
    assert happened[2:] == [signal.SIGINT]
    watch.stop()
    signal.raise_signal(signal.SIGTERM)
    assert happened[3:] == [signal.SIGTERM]


class Exports:
    """Whether exports stand still, one answer a fork, and how long each fork was ready to wait."""

    def __init__(self, *still: bool) -> None:
        self.still = list(still)
        self.waited: list[float] = []

    def pause_exports(self, seconds: float) -> tuple[Callable[[], None], bool]:
        self.waited.append(seconds)
        return (lambda: None), self.still.pop(0)

    def mend(self, *, counts_of_all: bool) -> None:
        raise AssertionError("no child was forked")


def test_forks_wait_once_for_an_endpoint_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next ones go on at once, until exports are found to stand still again."""
    exports = Exports(False, False, True, True)
    monkeypatch.setattr(_forks, "_sdk", lambda: exports)
    watch = Watch()
    _forks.watch_forks(watch, counts_of_all=False)
    for _ in range(4):
        _forks._before()
        _forks._after()
    watch.stop()
    _forks._before()
    assert exports.waited == [1.0, 0.0, 0.0, 1.0]
