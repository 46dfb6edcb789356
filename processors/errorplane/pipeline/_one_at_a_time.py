"""One thread at a time, as long as that is fair: whoever takes too long goes on, but no longer keeps others waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType


class OneAtATime:
    """A lock whose holder loses it after ``patience_s`` seconds, without being stopped; a context manager.

    For work that is cheaper one by one, and correct side by side. ``clock`` gives seconds that pass.
    """

    def __init__(self, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._changed = threading.Condition()
        self._holder: int | None = None  # the thread's number
        self._until = 0.0

    def __enter__(self) -> None:
        with self._changed:
            while self._holder is not None:
                left = self._until - self._clock()
                if left <= 0:
                    break
                self._changed.wait(left)
            self._holder = threading.get_ident()
            self._until = self._clock() + self._patience_s

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            if self._holder == threading.get_ident():  # else it was lost to another
                self._holder = None
                self._changed.notify()
