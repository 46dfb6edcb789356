"""The last lines that were logged in each trace, kept for the error that may follow."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from typing import Final

from opentelemetry import trace

from errorplane.errors import ask

_TRACES: Final = 256
_LENGTH: Final = 500
_kept: Final[OrderedDict[int, deque[str]]] = OrderedDict()
_lock: Final = threading.Lock()


def keep_line(record: logging.LogRecord, lines: int) -> None:
    """Keep what a record says, of at most 500 characters, among the last ones of its trace or, outside, its thread."""
    words = ask(record.getMessage, str(record.msg) if isinstance(record.msg, str) else "")
    line = f"{record.levelname} {record.name}: {words}"
    key = _key(trace.get_current_span().get_span_context().trace_id)
    with _lock:
        kept = _kept.get(key)
        if kept is None or kept.maxlen != lines:
            kept = _kept[key] = deque(kept or (), maxlen=lines)
            if len(_kept) > _TRACES:
                _kept.popitem(last=False)
        kept.append(line[: 4 * _LENGTH])


def last_lines(trace_id: int) -> list[str]:
    """The lines kept in a trace or, for 0, in this thread outside of any; masked, the oldest first."""
    from errorplane.masking import default_mask  # which loads all detectors: not for applications without this

    with _lock:
        lines = list(_kept.get(_key(trace_id), ()))
    return [default_mask().beginning(line, length=_LENGTH) for line in lines]


def forget_lines() -> None:
    """Keep nothing any more."""
    with _lock:
        _kept.clear()


def _key(trace_id: int) -> int:
    return trace_id or -threading.get_ident()
