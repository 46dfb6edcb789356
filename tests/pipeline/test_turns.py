"""Requests are prepared one after the other, but none waits for one that takes long."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

from tests.support.processor_tools import policy, run_processor
from tests.support.telemetry import span, traces

from errorplane.otlp import Signal
from errorplane.pipeline._one_at_a_time import OneAtATime


def test_a_request_that_takes_long_does_not_hold_up_small_ones(tmp_path: Path) -> None:
    """While thousands of texts full of personal data are looked at, requests of one span are answered."""
    rng = random.Random(1)
    attributes = {
        f"note.{number}": f"call +49 30 9018{rng.randrange(9999):04d}, mail u{rng.randrange(10**9)}@example.org, "
        f"card 4111 1111 1111 1111 from 203.0.113.{rng.randrange(255)}"
        for number in range(4_000)
    }
    with run_processor(policy(tmp_path)) as processor:
        big = threading.Thread(target=processor.send, args=(Signal.TRACES, traces([span(attributes=attributes)])))
        big.start()
        processor.send(Signal.TRACES, traces([span()]))  # begins beside it at the latest
        for _ in range(3):
            processor.send(Signal.TRACES, traces([span()]))
        assert big.is_alive()
        big.join()


def test_only_those_that_take_long_have_company() -> None:
    """Eight threads go one after the other beside one that has lost its turn, and end while it is still at it."""
    turns = OneAtATime(0.05)
    begun, end = threading.Event(), threading.Event()
    inside, most = [0], [0]

    def long() -> None:
        with turns:
            begun.set()
            end.wait(30.0)

    def short() -> None:
        with turns:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.001)  # lets go of Python's lock, so that others would come in
            inside[0] -= 1

    slow, others = threading.Thread(target=long), [threading.Thread(target=short) for _ in range(8)]
    slow.start()
    assert begun.wait(30.0)
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(30.0)
    assert slow.is_alive()
    end.set()
    slow.join(30.0)
    assert most == [1]
