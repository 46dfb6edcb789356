"""A span for others who have patched `Span.record_exception`, too: what they add to the event does not go on the span."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import Span
from opentelemetry.util.types import Attributes

from errorplane.errors import EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE

_OURS = (EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, "exception.escaped")


class StandIn:
    """Is the span in everything but `add_event`, of which it keeps the attributes that are not ours to write."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.added: dict[str, Any] = {}

    @property  # type: ignore[misc]  # read-only here, so that `isinstance` takes it for the span
    def __class__(self) -> Any:
        return type(self._span)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Called by the SDK's own `record_exception`, at the end of the chain."""
        del name, timestamp
        self.added.update({key: value for key, value in (attributes or {}).items() if key not in _OURS})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._span, name)
