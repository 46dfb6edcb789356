"""A filter that lets any formatter write trace context, context fields and the error's id, and queues keep them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from copy import copy
from typing import Any, Final, Unpack

from errorplane.errors import (
    COMPONENT,
    CORRELATION_ID,
    ERROR_FINGERPRINT,
    ERROR_ID,
    ERROR_KIND,
    SERVICE_NAME,
    TENANT,
)
from errorplane.hooks import GUARD
from errorplane.hooks._records import ARGUMENTS, COMPOSED, OF_STRUCTLOG, SET, is_event
from errorplane.logs._formatter import event_of
from errorplane.logs._line import Lines, Options
from errorplane.logs._vocabulary import EXTRA, SPAN_ID, TRACE_FLAGS, TRACE_ID

_COPIES: Final = sys.version_info >= (3, 12)  # since then a filter may answer with another record

FORMAT_NAMES: Final[Mapping[str, str]] = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "trace_flags": TRACE_FLAGS,
    "error_id": ERROR_ID,
    "error_fingerprint": ERROR_FINGERPRINT,
    "error_kind": ERROR_KIND,
    "correlation_id": CORRELATION_ID,
    "component": COMPONENT,
    "tenant": TENANT,
    "service_name": SERVICE_NAME,
}
"""What a format string may name, and the member of a line that it stands for: names with dots are none in `{}` style."""


class ContextFilter(logging.Filter):
    """Puts trace context, context fields and the error's id on records, for format strings of your own.

    `%(trace_id)s`, `%(span_id)s`, `%(trace_flags)s`, `%(error_id)s`, `%(error_fingerprint)s`, `%(error_kind)s`,
    `%(correlation_id)s`, `%(component)s`, `%(tenant)s` and `%(service_name)s`; `missing` stands for what there is not.
    What `extra` has under such a name stays.

    On a `QueueHandler` it keeps what is known only where a record was logged, for a `JsonFormatter` behind the queue.

    Put it on the handler. For `dictConfig`: `{"filters": {"context": {"()": "errorplane.logs.ContextFilter"}}}`. Up to
    Python 3.11 a filter can only change the record itself, so that handlers that come later see these names, too.
    """

    def __init__(self, service_name: str | None = None, *, missing: str = "-", **options: Unpack[Options]) -> None:
        super().__init__()
        options["mask"] = False  # who writes the record masks it
        self._lines = Lines(service_name, **options)
        self._missing = missing

    def filter(self, record: logging.LogRecord) -> logging.LogRecord | bool:  # type: ignore[override]  # 3.12 allows it
        """The record with more on it; on Python 3.11 the same one, changed."""
        if _COPIES:
            record = copy(record)
        GUARD.run("log_filter", self._put, record)
        return record if _COPIES else True

    def _put(self, record: logging.LogRecord) -> None:
        known = vars(record)
        composed: Any = known.get(COMPOSED)
        if composed is None:
            event = event_of(record)
            composed = self._lines.composed(event)
            if is_event(record):  # a queue makes text of the message, and of all that came with it
                composed[EXTRA] = {**composed.get(EXTRA, {}), **event.attributes}
                known[SET] = OF_STRUCTLOG
            if event.arguments:
                known[ARGUMENTS], known[SET] = event.arguments, (ARGUMENTS,)
            known[COMPOSED] = composed
        fresh = {short: name for short, name in FORMAT_NAMES.items() if short not in known}
        known.update({short: composed.get(name, self._missing) for short, name in fresh.items()})
        known[SET] = (*known.get(SET, ()), *fresh)
