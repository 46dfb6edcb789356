"""The last lines that were logged in each trace, kept for the error that may follow."""

from __future__ import annotations

import functools
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from opentelemetry import trace

from errorplane.errors import ask, writable
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._guard import GUARD

_TRACES: Final = 256
_LENGTH: Final = 500
_MOST: Final = 50  # lines, so that what is written of them is at most as long as a stack trace


class _Kept:
    """The lines by trace; a forked child gets a lock of its own, since nobody in it would release the parent's."""

    def __init__(self) -> None:
        self.lines: OrderedDict[int, deque[str]] = OrderedDict()
        self.lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self.lock = threading.Lock()

    def add(self, key: int, line: str, most: int) -> None:
        with self.lock:
            kept = self.lines.get(key)
            if kept is None or kept.maxlen != most:
                kept = self.lines[key] = deque(kept or (), maxlen=most)
                if len(self.lines) > _TRACES:
                    self.lines.popitem(last=False)
            self.lines.move_to_end(key)
            kept.append(line)

    def of(self, key: int) -> list[str]:
        with self.lock:
            return list(self.lines.get(key, ()))

    def forget(self) -> None:
        with self.lock:
            self.lines.clear()


_kept: Final = _Kept()


def keep_lines(attachment: Attachment) -> Callable[[], None]:
    """Keep the last lines that any logger of the standard library writes; returns what ends that."""
    previous = logging.Logger.handle
    lines = min(attachment.log_lines, _MOST)

    @functools.wraps(previous)
    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        if attachment.active:
            GUARD.run("log_lines", _keep, record, lines)
        previous(self, record)

    logging.Logger.handle = handle  # type: ignore[method-assign]  # handlers come and go with an application's dictConfig

    def undo() -> None:
        if logging.Logger.handle is handle:
            logging.Logger.handle = previous  # type: ignore[method-assign]  # as above
        _kept.forget()

    return undo


def _keep(record: logging.LogRecord, lines: int) -> None:
    """What a record says, among the last ones of its trace or, outside, its thread."""
    words = ask(record.getMessage, str(record.msg) if isinstance(record.msg, str) else "")
    line = f"{record.levelname} {record.name}: {words}"
    key = _key(trace.get_current_span().get_span_context().trace_id)
    _kept.add(key, line[: 4 * _LENGTH], lines)


def last_lines(trace_id: int) -> list[str]:
    """The lines kept in a trace or, for 0, in this thread outside of any; masked, the oldest first."""
    from errorplane.masking import default_mask  # which loads all detectors: not for applications without this

    return [writable(default_mask().beginning(line, length=_LENGTH)) for line in _kept.of(_key(trace_id))]


def _key(trace_id: int) -> int:
    return trace_id or -threading.get_ident()
