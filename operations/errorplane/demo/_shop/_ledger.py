"""The shop's own count of its errors: one line each, written to a file at the moment of the error, not by telemetry."""

from __future__ import annotations

import itertools
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from opentelemetry import trace

KEY: Final = "shop.error.key"
"""Attribute that carries the key of a ledger line, on a span event or on a log record."""


class Ledger:
    """Appends lines ``{key, service, type, trace_id, span_id, time}``; the ids are empty outside of a trace.

    As a context manager it notes the exception that leaves its block, and lets it pass.
    """

    def __init__(self, path: Path, service: str) -> None:
        self._service = service
        self._numbers = itertools.count(1)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, error: BaseException) -> str:
        """Write one error down and return its key, which also marks the current span."""
        key = f"{self._service}-{next(self._numbers):04d}"
        span = trace.get_current_span()
        context = span.get_span_context()
        line = {
            "key": key,
            "service": self._service,
            "type": type_name(type(error)),
            "trace_id": f"{context.trace_id:032x}" if context.is_valid else "",
            "span_id": f"{context.span_id:016x}" if context.is_valid else "",
            "time": time.time(),
        }
        os.write(self._file, (json.dumps(line) + "\n").encode())
        span.add_event("shop.ledger", {KEY: key})
        return key

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self.note(error)


def type_name(error_type: type[BaseException]) -> str:
    """Module and qualified name; builtins without a module.

    >>> type_name(KeyError), type_name(json.JSONDecodeError)
    ('KeyError', 'json.decoder.JSONDecodeError')
    """
    module = error_type.__module__
    return error_type.__qualname__ if module == "builtins" else f"{module}.{error_type.__qualname__}"
