"""A filter for the standard library's logging."""

from __future__ import annotations

import logging
import sys
import traceback
from copy import copy
from typing import Final

from errorplane.errors import ask
from errorplane.masking._mask import Mask, default_mask, withheld

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
_COPIES: Final = sys.version_info >= (3, 12)  # since then a filter may answer with another record


class MaskingFilter(logging.Filter):
    """Masks a record's message, its exception's text, its stack and what came in through ``extra``.

    Put it on the handler that writes (a logger's filter does not see what its children log). For ``dictConfig``:
    ``{"filters": {"mask": {"()": "errorplane.masking.MaskingFilter"}}}``.

    From Python 3.12 on, other handlers get the record as it was; on 3.11 those that come after this one get the masked
    one. Where something in an exception had to be hidden, formatters get its masked text instead of the exception.
    """

    def __init__(self, mask: Mask | None = None) -> None:
        super().__init__()
        self._mask = default_mask() if mask is None else mask

    def filter(self, record: logging.LogRecord) -> logging.LogRecord | bool:  # type: ignore[override]  # 3.12 allows it
        """The record to write; on Python 3.11 the same one, changed."""
        if _COPIES:
            record = copy(record)
        record.msg, record.args = self._mask.text(_message(record)), None
        self._mask_exception(record)
        if record.stack_info:
            record.stack_info = self._mask.text(record.stack_info)
        for name, value in list(vars(record).items()):
            if name not in _OWN:
                setattr(record, name, self._mask.value(value, name))
        return record if _COPIES else True

    def _mask_exception(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is None and not record.exc_text:
            return
        plain = record.exc_text or ask(lambda: "".join(traceback.format_exception(error)).rstrip("\n"), "")
        masked = self._mask.text(plain) if plain else withheld("error")
        if masked != plain:
            record.exc_info = None  # a formatter would write the exception itself
        record.exc_text = masked


def _message(record: logging.LogRecord) -> str:
    # Arguments may not fit, or their __str__ may fail: what was said must be written all the same.
    return ask(record.getMessage, "") or ask(lambda: f"{record.msg} {record.args or ''}".rstrip(), withheld("error"))
