"""Forks again and again while another thread traces, counts and exports, as a busy server does."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from opentelemetry import metrics, trace

EACH = 20
tracer = trace.get_tracer("shop")
theirs = metrics.get_meter("shop").create_counter("shop.orders")
ours = metrics.get_meter("errorplane.shop").create_counter("errorplane.orders")
gauge = metrics.get_meter("shop").create_gauge("shop.open")


def work(name: str, times: int) -> None:
    """Spans, and counts in both counters."""
    for _ in range(times):
        with tracer.start_as_current_span(name):
            theirs.add(1)
            ours.add(1)


def send() -> None:
    """Have everything sent that waits."""
    providers: list[Any] = [trace.get_tracer_provider(), metrics.get_meter_provider()]
    for provider in providers:
        provider.force_flush()


def work_on(stop: threading.Event) -> None:
    """The busy thread; what it counts is on no instrument of the test."""
    other = metrics.get_meter("shop").create_counter("shop.other")
    while not stop.is_set():
        with tracer.start_as_current_span("other"):
            other.add(1)
        send()


def child(number: int) -> None:
    """What a worker does, to its end by the interpreter."""
    work(f"child {number}", EACH)
    send()
    sys.exit(0)


def main(children: int, seconds: float) -> None:
    """Prints how many children did not end."""
    gauge.set(1)
    work("parent", EACH)
    send()
    stop = threading.Event()
    busy = threading.Thread(target=work_on, args=(stop,), daemon=True)
    busy.start()
    waiting = set()
    for number in range(children):
        process = os.fork()
        if process == 0:
            child(number)
        waiting.add(process)
    deadline = time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        waiting -= {process for process in waiting if os.waitpid(process, os.WNOHANG)[0]}
        time.sleep(0.02)
    stop.set()
    print("left", len(waiting))
    for process in waiting:
        os.kill(process, 9)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
