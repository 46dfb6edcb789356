"""A filter for the standard library's logging."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from typing import Final

from errorplane.errors import ask
from errorplane.hooks import GUARD
from errorplane.masking._mask import Mask, mask_or_nothing, withheld
from errorplane.masking._structlog import masked_event

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
_NAMES: Final = ("name", "threadName", "taskName", "processName")  # of a logger, a task: an application makes them up
_NAMES_KEPT: Final = 256
_PLAIN: Final = (str, int, float, bool, type(None))
_COPIES: Final = sys.version_info >= (3, 12)  # since then a filter may answer with another record


class MaskingFilter(logging.Filter):
    """Masks a record's message, its arguments, its exception's text, its stack, the names of logger, thread, task and
    process, and what came in through ``extra``.

    Put it on the handler that writes (a logger's filter does not see what its children log). For ``dictConfig``:
    ``{"filters": {"mask": {"()": "errorplane.masking.MaskingFilter"}}}``.

    From Python 3.12 on, other handlers get the record as it was; on 3.11 those that come after this one get the masked
    one. Where something in an exception had to be hidden, formatters get its masked text instead of the exception.
    A message that is a mapping stays one, since formatters exist that write its entries.
    """

    def __init__(self, mask: Mask | None = None) -> None:
        super().__init__()
        self._mask = mask_or_nothing() if mask is None else mask
        self._name = lru_cache(_NAMES_KEPT)(self._mask.text)  # a process has few

    def filter(self, record: logging.LogRecord) -> logging.LogRecord | bool:  # type: ignore[override]  # 3.12 allows it
        """The record to write; on Python 3.11 the same one, changed."""
        if _COPIES:
            record = copy(record)
        if GUARD.run("mask_record", self._mask_record, record) is None:
            _withhold(record)
        return record if _COPIES else True

    def _mask_record(self, record: logging.LogRecord) -> bool:
        self._mask_message(record)
        self._mask_exception(record)
        if record.stack_info:
            record.stack_info = self._mask.text(record.stack_info)
        for name, value in list(vars(record).items()):
            if name not in _OWN:
                setattr(record, name, self._mask.value(value, name))
            elif name in _NAMES and isinstance(value, str):
                setattr(record, name, self._name(value))
        return True

    def _mask_message(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, Mapping) and not record.args:
            record.msg = masked_event(record.msg, self._mask)
            return
        plain, args = _message(record), record.args
        shown = self._mask.text(plain)
        if not args:
            record.msg = shown
        elif shown != plain or not _has_all(plain, args):
            # Formatters exist that write the arguments apart, as uvicorn's of requests does.
            masked = self._mask.value(args)
            record.msg, record.args = _Said(shown), masked if isinstance(masked, dict) else tuple(masked)

    def _mask_exception(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is None and not record.exc_text:
            return
        plain = record.exc_text or ask(lambda: "".join(traceback.format_exception(error)).rstrip("\n"), "")
        masked = self._mask.stacktrace(plain) if plain else withheld("error")
        if masked != plain:
            record.exc_info = None  # a formatter would write the exception itself
        record.exc_text = masked


class _Said(str):
    """A message that has its arguments in it already, and says so to ``LogRecord.getMessage``, which applies them."""

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def __mod__(self, _: object) -> str:
        return str.__str__(self)


def _message(record: logging.LogRecord) -> str:
    # Arguments may not fit, or their __str__ may fail: what was said must be written all the same.
    return ask(record.getMessage, "") or ask(lambda: f"{record.msg} {record.args or ''}".rstrip(), withheld("error"))


def _has_all(message: str, args: object) -> bool:
    """Whether a message holds all of its arguments, as plain values, so that they were looked at with it."""
    return isinstance(args, tuple) and all(type(arg) in _PLAIN and str(arg) in message for arg in args)


def _withhold(record: logging.LogRecord) -> None:
    """Leave of a record only when and where it was logged, and how severe it is."""
    kept = logging.LogRecord("root", record.levelno, record.pathname, record.lineno, withheld("error"), None, None)
    kept.created, kept.msecs, kept.relativeCreated = record.created, record.msecs, record.relativeCreated
    vars(record).clear()
    vars(record).update(vars(kept))
