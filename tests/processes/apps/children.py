"""Children of every kind that `multiprocessing` has; each fails once, having counted once."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess

from opentelemetry import metrics, trace

ours = metrics.get_meter("errorplane.shop").create_counter("errorplane.orders")
theirs = metrics.get_meter("shop").create_counter("shop.orders")


def count() -> None:
    """One more order, in both counters."""
    ours.add(1)
    theirs.add(1)


def fail(number: int) -> None:
    """Nobody handles it."""
    count()
    raise LookupError(f"order {number}")


def fail_in_span(number: int) -> int:
    """The executor hands the error on, as the parent's; here it is on a span."""
    count()
    with trace.get_tracer("shop").start_as_current_span("job"):
        raise LookupError(f"order {number}")


def quiet() -> None:
    """Does not fail."""
    count()


def main() -> None:
    """Forked, spawned and served children at once, then executors."""
    count()
    fork = multiprocessing.get_context("fork")
    started: list[BaseProcess] = [
        fork.Process(target=fail, args=(0,)),
        multiprocessing.get_context("spawn").Process(target=fail, args=(1,)),
        multiprocessing.get_context("forkserver").Process(target=fail, args=(2,)),
    ]
    try:
        fail_nowhere()
    except LookupError:
        started.append(fork.Process(target=quiet))
        for process in started:
            process.start()
    for process in started:
        process.join(60)
    with ProcessPoolExecutor(2, fork) as pool:
        futures = [pool.submit(fail_in_span, 10 + place) for place in range(4)]
        assert all(isinstance(future.exception(60), LookupError) for future in futures)
    print(*(process.exitcode for process in started))


def fail_nowhere() -> None:
    """Handled: a child that is forked meanwhile is not to take it for its own."""
    raise LookupError("handled")


if __name__ == "__main__":
    main()
    sys.exit(0)
