"""How far a replay is, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from errorplane.progress import ProgressLine
from errorplane.replay._figures import Figures


class Progress(ProgressLine):
    """Bytes read of ``total``, which is 0 if not known, and traces kept so far."""

    def __init__(
        self, stream: TextIO, shown: bool, total: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(stream, shown, clock)
        self._total = total

    def at(self, done: int, figures: Figures) -> None:
        """``done`` bytes have been read."""
        traces = figures.traces
        self.show(done, self._total, lambda: f"{traces.kept:,} of {traces.total:,} traces kept")
