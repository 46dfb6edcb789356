"""A spaCy model in a process of its own, so that it takes no turn of this interpreter's, with a deadline for each text."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from errorplane.redaction._unavailable import ExtraUnavailable

_WORKER = Path(__file__).with_name("_worker.py")
_START_S, _STUCK_S, _STOP_S = 120.0, 30.0, 5.0
_CHUNK = 1 << 16

Span = tuple[int, int, str]
"""Start and end in code points, and the model's label."""


class NerUnavailable(ExtraUnavailable):
    """The extra or the model is missing, or does not know what is asked for; says what to install."""


class TooLate(Exception):
    """There was no answer in time; it is given to ``late`` when it comes."""


class ModelProcess:
    """One model; safe to use from several threads, which wait for one another within their deadlines.

    At most one text is with the model at a time, so that nothing queues. ``late`` takes answers that came too late.
    Raises ``NerUnavailable``. Starting takes some seconds.
    """

    def __init__(
        self,
        model: str,
        late: Callable[[str, list[Span]], None] = lambda text, spans: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._late = late
        self._clock = clock
        self._lock = threading.Lock()
        self._buffer = bytearray()
        self._waiting: str | None = None  # the text whose answer is outstanding; "" is for the first frame
        self._since = 0.0
        self._process = self._spawn()
        try:
            self.labels = self._started(self._receive(clock() + _START_S))
        except (TooLate, EOFError):
            self.close()
            raise NerUnavailable(f"redaction.ner: the model {model} did not load within {_START_S:.0f} s") from None

    def ask(self, text: str, deadline: float) -> list[Span]:
        """The entities of a text; ``deadline`` is a time of the clock. Raises ``TooLate``."""
        if not self._lock.acquire(timeout=max(deadline - self._clock(), 0)):
            raise TooLate
        try:
            self._settle(deadline)
            body = json.dumps(text).encode()
            self._waiting, self._since = text, self._clock()
            os.write(self._stdin, len(body).to_bytes(4, "big") + body)
            return [(start, end, label) for start, end, label in self._receive(deadline)]
        except (EOFError, BrokenPipeError):  # it has crashed; texts are too late until the next one is there
            self._respawn()
            raise TooLate from None
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process; that also happens when nobody holds this any more."""
        self._end()

    @property
    def _stdin(self) -> int:
        assert self._process.stdin
        return self._process.stdin.fileno()

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._buffer.clear()
        self._waiting, self._since = "", self._clock()
        process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER), self._model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a model prints may hold the text
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._end = weakref.finalize(self, _end, process)
        return process

    def _respawn(self) -> None:
        self._process.kill()
        self.close()
        self._process = self._spawn()

    def _started(self, first: Any) -> frozenset[str]:
        if "error" in first:
            self.close()
            raise NerUnavailable(
                f"redaction.ner: the model {self._model} cannot be loaded ({first['error']}): pip install "
                f"'errorplane[ner]', then python -m spacy download {self._model} or pip install its package"
            )
        return frozenset(first["labels"])

    def _settle(self, deadline: float) -> None:
        """Take the answer that an earlier caller did not wait for."""
        if self._waiting is None:
            return
        if self._clock() - self._since > (_STUCK_S if self._waiting else _START_S):
            self._respawn()
        text = self._waiting
        answer = self._receive(deadline)
        if text:
            self._late(text, [(start, end, label) for start, end, label in answer])

    def _receive(self, deadline: float) -> Any:
        """The next frame; raises ``TooLate``, and EOFError if the process has ended."""
        assert self._process.stdout
        source = self._process.stdout.fileno()
        while (frame := self._frame()) is None:
            if not select.select([source], [], [], max(deadline - self._clock(), 0))[0]:
                raise TooLate
            data = os.read(source, _CHUNK)
            if not data:
                raise EOFError
            self._buffer += data
        self._waiting = None
        return json.loads(frame)

    def _frame(self) -> bytes | None:
        size = int.from_bytes(self._buffer[:4], "big")
        if len(self._buffer) < 4 + size or len(self._buffer) < 4:
            return None
        frame = bytes(self._buffer[4 : 4 + size])
        del self._buffer[: 4 + size]
        return frame


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
