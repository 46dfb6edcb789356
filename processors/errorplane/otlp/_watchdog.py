"""One thread that ends what takes too long and looks after what has to be looked at now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TICK_S = 0.25
_JOIN_S = 5.0


class Watchdog:
    """Calls ``on_tick`` four times a second, and the ``cancel`` of every limit that has passed."""

    def __init__(self, on_tick: Callable[[], None]) -> None:
        self._on_tick = on_tick
        self._limits: dict[object, tuple[float, Callable[[], object]]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="errorplane-watchdog", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; limits no longer end anything."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    @contextmanager
    def limit(self, seconds: float, cancel: Callable[[], object]) -> Iterator[None]:
        """Call ``cancel`` from another thread if the block has not ended after ``seconds``."""
        key = object()
        self._limits[key] = (time.monotonic() + seconds, cancel)
        try:
            yield
        finally:
            self._limits.pop(key, None)

    def _run(self) -> None:
        while not self._stop.wait(_TICK_S):
            now = time.monotonic()
            for key, (deadline, cancel) in tuple(self._limits.items()):
                if deadline <= now and self._limits.pop(key, None) is not None:
                    cancel()
            self._on_tick()
