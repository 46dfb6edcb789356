"""Processes that leave without the interpreter's way out, and children, which catch and print what fails in them."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final

from errorplane.hooks._guard import GUARD
from errorplane.unhandled._chain import Watch

Flush = Callable[[], object]
_ENDING: Final = {getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT") if hasattr(signal, name)}
_IN_CHILD: Final = "unhandled exception in a child process"


def watch_signals(watch: Watch, flush: Flush) -> None:
    """A process that kills itself by a signal, as uvicorn does, and its workers, once they have shut down in order."""
    previous = signal.raise_signal

    @functools.wraps(previous)
    def raise_signal(signalnum: int, /) -> None:
        if watch.active and signalnum in _ENDING and signal.getsignal(signalnum) is signal.SIG_DFL:
            GUARD.run("unhandled.flush", flush)
        previous(signalnum)

    watch.replace(signal, "raise_signal", raise_signal)


def watch_multiprocessing(watch: Watch, flush: Flush, module: Any) -> None:
    """A child of `multiprocessing`: its error, and what has not been sent when it ends.

    A forked one leaves by `os._exit`, and from Python 3.13 on forgets the handlers of `atexit` that it was born with.
    """
    previous = module.BaseProcess._bootstrap

    @functools.wraps(previous)
    def bootstrap(self: Any, *args: Any, **kwargs: Any) -> Any:
        if watch.active:
            self.run = _told(watch, self.run)
        try:
            return previous(self, *args, **kwargs)
        finally:
            if watch.active:
                GUARD.run("unhandled.flush", flush)

    watch.replace(module.BaseProcess, "_bootstrap", bootstrap)


def watch_billiard(watch: Watch, flush: Flush, module: Any) -> None:
    """A child of billiard, Celery's multiprocessing: `_exit_function` runs while what ends it is on its way up."""
    inherited: list[BaseException | None] = []  # forked within an `except` block, a child begins in it

    def begun() -> None:
        inherited[:] = [sys.exc_info()[1]]

    previous = module._exit_function

    @functools.wraps(previous)
    def exit_function(*args: Any, **kwargs: Any) -> None:
        error = sys.exc_info()[1]
        if not any(error is other for other in inherited):
            watch.tell(error, _IN_CHILD, ends_process=True)
        try:
            previous(*args, **kwargs)
        finally:
            if watch.active:
                GUARD.run("unhandled.flush", flush)

    watch.after(module, "_run_after_forkers", begun)
    watch.replace(module, "_exit_function", exit_function)


def watch_billiard_pool(watch: Watch, flush: Flush, module: Any) -> None:
    """A worker of a pool leaves by `os._exit`, without any of the steps above."""
    previous = module.Worker._do_exit

    @functools.wraps(previous)
    def do_exit(self: Any, pid: int, exitcode: int | None, exc: object = None) -> None:
        if watch.active:
            watch.tell(exc, "unhandled exception in a pool's worker", ends_process=True)
            GUARD.run("unhandled.flush", flush)
            self.outq = _Farewell(self.outq, module.TERM_SIGNAL)
        previous(self, pid, exitcode, exc)

    watch.replace(module.Worker, "_do_exit", do_exit)


class _Farewell:
    """The queue that a worker of a pool tells of its end: the signal that it gets in answer waits until it is done.

    The pool answers by SIGTERM. A worker that got one before dies of it, and billiard keeps it from the main thread only:
    any other, as OpenTelemetry has, takes it. It would then leave the queue locked, and the pool would wait for ever.
    """

    def __init__(self, queue: Any, answer: int) -> None:
        self._queue = queue
        self._answer = answer

    def put(self, item: object) -> None:
        came: list[int] = []
        before = signal.signal(self._answer, lambda signum, _frame: came.append(signum))
        try:
            self._queue.put(item)
        finally:
            signal.signal(self._answer, before or signal.SIG_DFL)
            if came:
                os.kill(os.getpid(), self._answer)


def _told(watch: Watch, run: Callable[[], object]) -> Callable[[], object]:
    def tell_and_raise() -> object:
        try:
            return run()
        except BaseException as error:  # goes on as it came
            if error.__traceback__ is not None:
                # Without this frame, which is nobody's: it is neither printed nor part of a fingerprint.
                error.__traceback__ = error.__traceback__.tb_next
            watch.tell(error, _IN_CHILD, ends_process=True)
            raise

    return tell_and_raise
