"""Requests are prepared one after the other, but none waits for one that takes long."""

from __future__ import annotations

import random
import threading
from pathlib import Path

from tests.support.processor_tools import policy, run_processor
from tests.support.telemetry import span, traces

from errorplane.otlp import Signal


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
