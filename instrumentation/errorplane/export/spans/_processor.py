"""The span processor that lets errors of traces leave that head sampling has dropped."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from errorplane.export import Budget
from errorplane.export.spans._copies import fingerprint_of, is_error, is_sampled, occurrence_id, unsampled_copy
from errorplane.hooks import GUARD

Exporting = Callable[[], Sequence[SpanProcessor]]
"""The processors of the provider that export."""

_MAX_TRACES: Final = 2000
_MAX_OCCURRENCES: Final = 100
_MAX_UNDERWAY: Final = 10_000
_NOTHING: Final[dict[str | None, bool]] = {}


class ErrorSpanProcessor(SpanProcessor):
    """Hands error spans of unsampled traces to the processors that export, as copies that are marked.

    One occurrence of an error asks the budget once: the spans through which its exception passes leave together, and so
    do the spans around it that failed without an exception of their own. `has_room` says whether the exporting
    processors can take more.
    """

    def __init__(
        self, budget: Budget, exporting: Exporting, has_room: Callable[[], bool], active: Callable[[], bool]
    ) -> None:
        self._budget = budget
        self._exporting = exporting
        self._has_room = has_room
        self._active = active
        self._lock = threading.Lock()
        self._traces: OrderedDict[int, dict[str | None, bool]] = OrderedDict()
        self._underway: OrderedDict[int, tuple[str, int]] = OrderedDict()
        self._lost = 0
        self._found = False

    def on_end(self, span: ReadableSpan) -> None:
        """Export the span, if it is an error that would not leave otherwise and the budget allows it."""
        sampled = is_sampled(span)
        if not (sampled and self._found) and is_error(span) and self._active():
            GUARD.run("export", self._ended, span, sampled)

    def exported(self, batch: Sequence[ReadableSpan], arrived: bool) -> None:
        """A batch has left. What an exporter has given up is told of by the next occurrence of its fingerprint."""
        if not self._underway:
            return
        for span in batch:
            with self._lock:
                stood_for = self._underway.pop(_span_id(span), None)
            if stood_for is not None and not arrived:
                self._lost += 1
                self._budget.give_back(*stood_for)

    @property
    def lost(self) -> int:
        """How many of those that were let through an exporter has given up."""
        return self._lost

    def after_fork(self) -> None:
        """Begin anew in a forked child, whose copy of the lock may be held by a thread that it does not have."""
        self._lock = threading.Lock()
        self._traces.clear()
        self._underway.clear()
        self._lost = 0

    def _ended(self, span: ReadableSpan, sampled: bool) -> None:
        exporting = self._exporting()
        self._found = bool(exporting)
        if sampled or not exporting:
            return  # it leaves by itself, from now on with the right count; or there is no way out
        suppressed = self._decide(span)
        if suppressed is not None:
            copy = unsampled_copy(span, suppressed)
            for processor in exporting:
                processor.on_end(copy)

    def _decide(self, span: ReadableSpan) -> int | None:
        """For how many others it leaves as well; None if it does not leave."""
        context = span.get_span_context()
        trace_id = 0 if context is None else context.trace_id
        occurrence = occurrence_id(span)
        known = self._known(trace_id, occurrence)
        if known is not None:
            return 0 if known else None
        fingerprint = fingerprint_of(span)
        admission = self._budget.admit(fingerprint, room=self._has_room())
        self._remember(trace_id, occurrence, admission.admitted)
        if not admission.admitted:
            return None
        with self._lock:
            self._underway[_span_id(span)] = (fingerprint, 1 + admission.suppressed)
            if len(self._underway) > _MAX_UNDERWAY:
                self._underway.popitem(last=False)
        return admission.suppressed

    def _known(self, trace_id: int, occurrence: str | None) -> bool | None:
        with self._lock:
            return self._traces.get(trace_id, _NOTHING).get(occurrence)

    def _remember(self, trace_id: int, occurrence: str | None, admitted: bool) -> None:
        """For a span without an occurrence: what was decided last in its trace, which ended within it or beside it."""
        with self._lock:
            decided = self._traces.setdefault(trace_id, {})
            self._traces.move_to_end(trace_id)
            if len(decided) < _MAX_OCCURRENCES:
                decided[occurrence] = admitted
            decided[None] = admitted
            if len(self._traces) > _MAX_TRACES:
                self._traces.popitem(last=False)


def _span_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return 0 if context is None else context.span_id
