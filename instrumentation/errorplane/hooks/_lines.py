"""The last lines that were logged in each trace, kept for the error that may follow."""

from __future__ import annotations

import functools
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from opentelemetry import trace

from errorplane.errors import ask
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._guard import GUARD

_TRACES: Final = 256
_LENGTH: Final = 500
_kept: Final[OrderedDict[int, deque[str]]] = OrderedDict()
_lock: Final = threading.Lock()


def keep_lines(attachment: Attachment) -> Callable[[], None]:
    """Keep the last lines that any logger of the standard library writes; returns what ends that."""
    previous = logging.Logger.handle

    @functools.wraps(previous)
    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        if attachment.active:
            GUARD.run("log_lines", _keep, record, attachment.log_lines)
        previous(self, record)

    logging.Logger.handle = handle  # type: ignore[method-assign]  # handlers come and go with an application's dictConfig

    def undo() -> None:
        if logging.Logger.handle is handle:
            logging.Logger.handle = previous  # type: ignore[method-assign]  # as above
        with _lock:
            _kept.clear()

    return undo


def _keep(record: logging.LogRecord, lines: int) -> None:
    """What a record says, among the last ones of its trace or, outside, its thread."""
    words = ask(record.getMessage, str(record.msg) if isinstance(record.msg, str) else "")
    line = f"{record.levelname} {record.name}: {words}"
    key = _key(trace.get_current_span().get_span_context().trace_id)
    with _lock:
        kept = _kept.get(key)
        if kept is None or kept.maxlen != lines:
            kept = _kept[key] = deque(kept or (), maxlen=lines)
            if len(_kept) > _TRACES:
                _kept.popitem(last=False)
        _kept.move_to_end(key)
        kept.append(line[: 4 * _LENGTH])


def last_lines(trace_id: int) -> list[str]:
    """The lines kept in a trace or, for 0, in this thread outside of any; masked, the oldest first."""
    from errorplane.masking import default_mask  # which loads all detectors: not for applications without this

    with _lock:
        lines = list(_kept.get(_key(trace_id), ()))
    return [default_mask().beginning(line, length=_LENGTH) for line in lines]


def _key(trace_id: int) -> int:
    return trace_id or -threading.get_ident()
