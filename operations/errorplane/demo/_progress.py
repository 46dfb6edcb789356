"""What the demo says while it runs, one line a step, on standard error."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Progress:
    """Lines of the form ``  3.2s  text``."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"{self.elapsed_s:5.1f}s  {text}", file=self._stream, flush=True)
