"""Ends in one of the ways that its argument names, with an error on the way."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from billiard.pool import Worker
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def fail(number: int) -> None:
    """Nobody handles it."""
    raise LookupError(f"order {number}")


def stderr_closed() -> None:
    """The interpreter has nowhere to print it to."""
    sys.stderr.close()
    os.close(2)
    fail(0)


def at_exit() -> None:
    """It is raised in a callback of the interpreter's end."""
    atexit.register(fail, 1)


def handled_signal() -> None:
    """SIGTERM, with a handler that ends the process in order."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.kill(os.getpid(), signal.SIGTERM)


def span_and_signal() -> None:
    """The same, with a span that has not been sent."""
    with trace.get_tracer("shop").start_as_current_span("job") as span:
        span.record_exception(LookupError("order 2"))
    handled_signal()


def own_signal() -> None:
    """It ends itself by a signal, as uvicorn does."""
    with trace.get_tracer("shop").start_as_current_span("job") as span:
        span.record_exception(LookupError("order 3"))
    signal.raise_signal(signal.SIGTERM)


def own_provider() -> None:
    """The provider is one that nobody shuts down at exit; that of `opentelemetry-instrument` lends its exporter."""
    given: Any = trace.get_tracer_provider()
    exporter = given._active_span_processor._span_processors[0].span_exporter
    provider = TracerProvider(resource=given.resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace._TRACER_PROVIDER = provider
    atexit.unregister(given._atexit_handler)
    with provider.get_tracer("shop").start_as_current_span("job") as span:
        span.record_exception(LookupError("order 4"))


def hooked() -> None:
    """The application's own hook is in place, and does not call any other."""
    ours = sys.excepthook

    def hook(*args: Any) -> None:
        print("mine")
        ours(*args)

    sys.excepthook = hook
    fail(5)


def replaced() -> None:
    """The application's own hook is in place, and calls no other."""
    sys.excepthook = lambda *_: print("mine alone")
    fail(6)


def farewell() -> None:
    """A worker of a billiard pool that was told to end before, and has a thread: the pool's answer comes at once."""

    class Queue:
        def put(self, item: object) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            print("unlocked", flush=True)

    worker: Any = Worker.__new__(Worker)
    worker.outq, worker.on_exit = Queue(), None
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    worker._do_exit(os.getpid(), 1, LookupError("order 7"))


def child_without_endpoint() -> None:
    """A child that has something to send to an endpoint that does not answer."""
    process = multiprocessing.get_context("fork").Process(target=fail, args=(8,))
    process.start()
    process.join(30)
    print("child", process.exitcode, flush=True)
    os._exit(0)


WAYS: dict[str, Callable[[], None]] = {
    way.__name__: way
    for way in (
        stderr_closed,
        at_exit,
        span_and_signal,
        own_signal,
        own_provider,
        hooked,
        replaced,
        farewell,
        child_without_endpoint,
    )
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
