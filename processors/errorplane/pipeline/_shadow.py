"""Shadow mode: a candidate policy's redaction runs beside the one in force, off the path of requests.

What goes out is the result of the one in force alone. A thread of its own looks at copies of requests with both, and
takes at most a tenth of a core: while it has too much to do, requests are left out and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from errorplane.otlp import Signal
from errorplane.pipeline._comparison import Comparison
from errorplane.pipeline._counters import Counters

log = logging.getLogger("errorplane.pipeline")

_MAX_REQUESTS, _MAX_BYTES = 64, 32 << 20
_REST = 9.0  # seconds of rest for each second of work


class Shadow:
    """Compares what it is offered; ``clock`` is monotonic, in seconds."""

    def __init__(self, counters: Counters, clock: Callable[[], float] = time.monotonic) -> None:
        self._counters = counters
        self._clock = clock
        self._comparison: Comparison | None = None
        self._waiting: deque[tuple[Signal, bytes]] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="errorplane-shadow", daemon=True)

    def start(self) -> None:
        """Start comparing."""
        self._thread.start()

    def put_in_force(self, comparison: Comparison | None) -> None:
        """Compare these from now on, with counts that start at zero; None: nothing."""
        with self._wake:
            self._comparison = comparison
            self._waiting.clear()
            self._bytes = 0

    def offer(self, signal: Signal, body: bytes) -> None:
        """Take a request as it came in, if there is room; never waits."""
        if self._comparison is None:
            return
        with self._wake:
            if len(self._waiting) < _MAX_REQUESTS and self._bytes + len(body) <= _MAX_BYTES:
                self._waiting.append((signal, body))
                self._bytes += len(body)
                self._wake.notify()
                return
        self._counters.add("shadow_requests", 1, outcome="skipped")

    def page(self) -> dict[str, Any]:
        """What has been counted, as a JSON document; ``rows`` is empty where nothing is compared."""
        comparison = self._comparison
        outcomes = self._counters.by("shadow_requests", "outcome")
        requests = {outcome: outcomes.get(outcome, 0) for outcome in ("compared", "skipped", "failed")}
        table = {"current": None, "candidate": None, "rows": []} if comparison is None else comparison.table()
        return {"requests": requests, **table}

    def stop(self, timeout_s: float) -> None:
        """End; what waits is not compared."""
        with self._wake:
            self._stopping.set()
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._stopping.is_set())
                if self._stopping.is_set():
                    return
                signal, body = self._waiting.popleft()
                self._bytes -= len(body)
                comparison = self._comparison
            if comparison is not None:
                began = self._clock()
                self._compare(comparison, signal, body)
                self._stopping.wait(_REST * (self._clock() - began))

    def _compare(self, comparison: Comparison, signal: Signal, body: bytes) -> None:
        try:
            found = comparison.compare(signal, body)
        except Exception:  # noqa: BLE001  # the boundary guard: a trial must not end, nor show what is in a request
            self._counters.add("shadow_requests", 1, outcome="failed")
            log.error("shadow: a request could not be compared")
            return
        self._counters.add("shadow_requests", 1, outcome="compared")
        for policy, entities in found.items():
            for entity, count in entities.items():
                self._counters.add("shadow_findings", count, policy=policy, entity=entity)
