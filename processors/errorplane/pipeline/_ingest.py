"""The pipeline's entrance: everything that happens to a request before its sender is told OK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message

from errorplane.journal import AnyJournal, JournalError
from errorplane.otlp import InvalidRequest, Overloaded, Receipt, ShuttingDown, Signal
from errorplane.otlp._order import is_backwards
from errorplane.otlp._together import together
from errorplane.otlp._wire import Layout, MalformedWire, canonical, rebuild, walk
from errorplane.pipeline._counters import Counters
from errorplane.pipeline._hints import Hints
from errorplane.pipeline._index import Index, index_request
from errorplane.pipeline._one_at_a_time import OneAtATime
from errorplane.pipeline._plan import Plan
from errorplane.pipeline._requests import Counting
from errorplane.redaction import Redacted
from errorplane.redaction._quarantine import ENCODING

Offer = Callable[[Signal, bytes], None]
_SLOT_WAIT_S = 5.0
_PATIENCE_S = 0.25  # one that takes longer would hold up all the small ones
_RETRY_AFTER_S = 2.0
_FAULTS_SHOWN = 3


class Entrance:
    """Validates, redacts, indexes and journals; implements ``errorplane.otlp.Ingest``.

    ``offer`` is given each request as it came in once it is journalled, and must not wait.

    A request holds a slot until the decider has taken it in: when all ``slots`` are taken for 5 s, or the journal is
    full, the sender is told to come back in 2 s.
    """

    def __init__(
        self, plan: Callable[[], Plan], journal: AnyJournal, counters: Counters, offer: Offer, slots: int
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._counters = counters
        self._offer = offer
        self._slots = threading.BoundedSemaphore(slots)
        self._closed = False
        # Threads that hand Python's lock to and fro are slower than one after the other.
        self._one = OneAtATime(_PATIENCE_S)

    def close(self) -> None:
        """Take nothing any more."""
        self._closed = True

    def release(self) -> None:
        """Called by the decider once it has taken in a request."""
        self._slots.release()

    def __call__(self, signal: Signal, body: bytes) -> Receipt:
        """Take one serialised Export request; returns when what it holds is synced."""
        if self._closed:
            raise ShuttingDown("this processor is shutting down: send again, here or elsewhere")
        message, body, layout = self._taken_apart(signal, body)
        if not layout.items:
            return Receipt()
        if not self._slots.acquire(timeout=_SLOT_WAIT_S):
            raise Overloaded("the pipeline is busy: all places are taken", _RETRY_AFTER_S)
        try:
            with self._one:
                request, receipt = self._prepare(signal, message, body, layout)
            if request is None:
                self._slots.release()
            else:
                self._journal.append(signal, request.body, request.index, request.hints.pack())
                self._counters.add("received_items", request.index.items, signal=signal.value)
                self._offer(signal, body)
        except JournalError as error:
            self._slots.release()
            raise Overloaded(str(error), _RETRY_AFTER_S) from error
        except BaseException:
            self._slots.release()
            raise
        return receipt

    def _taken_apart(self, signal: Signal, body: bytes) -> tuple[Message, bytes, Layout]:
        """The request parsed and walked, without strings that are no UTF-8: upb refuses all of it for one of them."""
        try:
            return _validated(signal, body)
        except InvalidRequest as invalid:
            try:
                body, withheld = self._plan().redactor.mend(signal, body)
            except MalformedWire:
                raise invalid from None
            if not withheld:
                raise
            taken = _validated(signal, body)
            self._counters.add("quarantined_strings", withheld, signal=signal.value, reason=ENCODING)
            return taken

    def _prepare(
        self, signal: Signal, message: Message, body: bytes, layout: Layout
    ) -> tuple[_Request | None, Receipt]:
        """Redact and index; without the items that no receiver may take, None if none is left."""
        plan = self._plan()
        redacted = plan.redactor.redact(signal, body, layout)
        self._count(signal, redacted)
        if redacted.body is not body:
            layout = walk(signal, redacted.body)
        hints = Hints(redacted.error_candidates, redacted.data_classes)
        index = index_request(signal, message, redacted.body, layout, hints, plan.observer, _counting(plan, redacted))
        if not index.faults:
            return _Request(redacted.body, index, hints), Receipt()
        faults = index.faults
        self._counters.add("rejected_items", len(faults), signal=signal.value, reason="invalid_id")
        receipt = Receipt(len(faults), _describe(faults))
        kept = _without(signal, redacted.body, layout, faults)
        if not kept:
            return None, receipt
        message, layout = signal.request_type.FromString(kept), walk(signal, kept)  # the order has to stay
        hints = hints.without(faults, index.items)
        counting = Counting.REDACTED if plan.policy.metrics.enabled else Counting.NOTHING
        index = index_request(signal, message, kept, layout, hints, plan.observer, counting)
        return _Request(kept, index, hints), receipt

    def _count(self, signal: Signal, redacted: Redacted) -> None:
        for entity, count in redacted.found.items():
            self._counters.add("redactions", count, entity=entity)
        for reason, count in redacted.quarantined.items():
            self._counters.add("quarantined_strings", count, signal=signal.value, reason=reason)
        if redacted.merged_points:
            self._counters.add("merged_points", redacted.merged_points)
        if redacted.left_out_points:
            self._counters.add("left_out_points", redacted.left_out_points)
        if redacted.stripped:
            self._counters.add("stripped_fields", redacted.stripped, signal=signal.value)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is journalled, and what the decider is told of it."""

    body: bytes
    index: Index
    hints: Hints


def _validated(signal: Signal, body: bytes) -> tuple[Message, bytes, Layout]:
    """The request parsed whole (a bad item must not spoil its neighbours at the destination), and its layout.

    Spans and log records of equal resources are put together, and what is written backwards is written anew.
    """
    try:
        try:
            layout = walk(signal, body)
        except MalformedWire:
            body = canonical(signal, body)
            layout = walk(signal, body)
        joined = None if signal is Signal.METRICS else together(body, layout)
        if joined is not None:
            body, layout = joined, walk(signal, joined)
        message = signal.request_type.FromString(body)
        if is_backwards(body, layout):
            body = message.SerializeToString()
            layout = walk(signal, body)
        return message, body, layout
    except (DecodeError, MalformedWire) as error:
        raise InvalidRequest(
            f"the body is not an {signal.request_type.DESCRIPTOR.name} ({error}): it may be truncated or of another "
            "signal"
        ) from error


def _counting(plan: Plan, redacted: Redacted) -> Counting:
    if not plan.policy.metrics.enabled:
        return Counting.NOTHING
    # Which items hold something that could not be looked at is not known.
    return Counting.REDACTED if redacted.quarantined else Counting.AS_RECEIVED


def _without(signal: Signal, body: bytes, layout: Layout, faults: Mapping[int, str]) -> bytes:
    keep = {item: b"" for item in range(len(layout.items)) if item not in faults}
    return rebuild(signal, body, layout, keep, b"")


def _describe(faults: Mapping[int, str]) -> str:
    shown = "; ".join(f"item {item}: {fault}" for item, fault in list(faults.items())[:_FAULTS_SHOWN])
    more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    return f"{len(faults)} item(s) rejected: {shown}{more}"
