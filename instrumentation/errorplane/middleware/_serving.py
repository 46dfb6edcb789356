"""What every middleware does: put into force what a request brought along, and say by which id it can be found."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final

from opentelemetry import trace

from errorplane.context import (
    CORRELATION_HEADER,
    bound,
    fields,
    received,
    replace_bound,
    set_correlation_id,
    usable_correlation_id,
)
from errorplane.errors import CORRELATION_ID
from errorplane.hooks import GUARD

NewId = Callable[[], str]

MARK: Final = "errorplane.serving"
"""Stands in a request's environment or scope, so that of several middlewares around one another the outermost acts."""
RESPONSE_HEADER: Final = CORRELATION_HEADER


class serving:
    """Fields of a carrier for the code inside of the `with`, and a new correlation id where none came and one is wanted.
    What is set inside ends there. A class, since some frameworks leave it by another way than they entered it."""

    __slots__ = ("_before", "_entered", "_new_id")

    def __init__(self, carrier: object, new_id: NewId | None = None) -> None:
        self._before = bound()
        self._new_id = new_id
        self._entered: received | None = GUARD.run("middleware", received, carrier)

    def __enter__(self) -> None:
        values = self._entered.__enter__() if self._entered is not None else {}
        if self._new_id is not None and "correlation_id" not in values:
            set_correlation_id(GUARD.run("middleware", self._new_id))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._entered is not None:
            self._entered.__exit__(kind, error, traceback)
        replace_bound(self._before)


def response_id() -> str | None:
    """The correlation id of the running request: the one in force, else the id of its trace."""
    found = usable_correlation_id(fields().get(CORRELATION_ID, ""))
    if found is None and (trace_id := trace.get_current_span().get_span_context().trace_id):
        return trace.format_trace_id(trace_id)
    return found
