"""One thread per destination: reads what the journal holds for it, sends, acknowledges; never gives up on it."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from errorplane.journal import Ack, Delivery, Journal, JournalCorrupt, JournalError
from errorplane.otlp import Destination, Receipt, Refused, RetryLater, Signal
from errorplane.routing._parts import MAX_PAYLOAD_BYTES, Part, Rewrite, as_it_is, joined, parts_of

log = logging.getLogger("errorplane.routing")

_READ_AHEAD = 64
_IDLE_WAIT_S = 1.0
_FIRST_BACKOFF_S = 0.25
_MAX_BACKOFF_S = 30.0


class SenderStats:
    """What a sender reports; overridden by the pipeline's counters."""

    def delivered(self, destination: str, signal: Signal, items: int) -> None:
        """A destination has taken items."""

    def sent(self, destination: str, signal: Signal, size: int) -> None:
        """A destination has taken a payload of so many bytes."""

    def refused(self, destination: str, signal: Signal, items: int) -> None:
        """A destination will never take these items."""

    def unreadable(self, destination: str, items: int) -> None:
        """Items that the journal cannot read any more."""

    def retried(self, destination: str) -> None:
        """A send failed for now."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Deliveries of one signal and class that travel together, and their parts."""

    acks: tuple[Ack, ...]
    signal: Signal
    retention_class: str
    parts: tuple[Part, ...]


class _Stopped(Exception):
    """The sender was told to stop while it waited."""


class Sender:
    """Empties the journal towards one destination, oldest first.

    A failure that may pass is retried without end, with full jitter from 0.25 to 30 s or as long as the destination
    asked for: meanwhile the journal holds the data, up to its bound. A payload that is refused is halved until the
    item at fault stands alone; that one is counted and given up, the others go through. ``rewrite`` makes of each
    payload what this destination may have. ``pause`` waits so many seconds, and says whether the sender is to stop.
    """

    def __init__(
        self,
        destination: Destination,
        journal: Journal,
        resource_tags: Callable[[str], bytes],
        stats: SenderStats,
        jitter: Callable[[], float] = random.random,
        rewrite: Rewrite = as_it_is,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self.destination = destination
        self._journal = journal
        self._resource_tags = resource_tags
        self._stats = stats
        self._jitter = jitter
        self._rewrite = rewrite
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._pause = pause or self._stop.wait
        self._thread = threading.Thread(target=self._run, name=f"errorplane-send-{destination.name}", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def notify(self) -> None:
        """Something new may wait in the journal."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Stop after the send under way; what is left stays in the journal."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout_s)
        self.destination.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self._send_waiting():
                    self._wake.wait(_IDLE_WAIT_S)
                    self._wake.clear()
            except _Stopped:
                return
            except Exception:  # the boundary guard: one bad record must not end a destination's thread
                log.exception("destination %s: sending failed unexpectedly; trying again", self.destination.name)
                self._stop.wait(_IDLE_WAIT_S)

    def _send_waiting(self) -> bool:
        numbers = self._journal.pending(self.destination.name, limit=_READ_AHEAD)
        for batch in self._batches(numbers):
            for part in batch.parts:
                self._send(batch, part)
            self._acknowledge(batch.acks)
            if self._stop.is_set():
                raise _Stopped
        return bool(numbers)

    def _batches(self, numbers: Sequence[int]) -> Iterator[_Batch]:
        """Group neighbouring deliveries of one signal and class until a payload is full."""
        acks: list[Ack] = []
        parts: list[Part] = []
        last: Delivery | None = None
        size = 0
        for number in numbers:
            delivery = self._delivery(number)
            if delivery is None:
                continue
            new = self._parts(number, delivery)
            grown = sum(len(part.payload) for part in new)
            if last is not None and (_kind(last) != _kind(delivery) or size + grown > MAX_PAYLOAD_BYTES):
                yield _Batch(tuple(acks), *_kind(last), tuple(joined(parts)))
                acks, parts, size = [], [], 0
            acks.append(Ack(self.destination.name, number, tuple(delivery.refs)))
            parts += new
            size += grown
            last = delivery
        if last is not None:
            yield _Batch(tuple(acks), *_kind(last), tuple(joined(parts)))

    def _parts(self, number: int, delivery: Delivery) -> list[Part]:
        lost: list[tuple[int, int, JournalError]] = []
        extra = self._resource_tags(delivery.retention_class)
        found = list(parts_of(self._journal, delivery, extra, lambda *each: lost.append(each), self._rewrite))
        if lost and (now := self._delivery(number)) != delivery:  # to make room, it was copied or given up meanwhile
            return [] if now is None else self._parts(number, now)
        for each in lost:
            self._unreadable(*each)
        return found

    def _delivery(self, number: int) -> Delivery | None:
        try:
            return self._journal.delivery(number)
        except JournalCorrupt as error:
            log.error("destination %s: delivery %d cannot be read: %s", self.destination.name, number, error)
            self._stats.unreadable(self.destination.name, 1)
            self._acknowledge([Ack(self.destination.name, number, ())])
            return None

    def _unreadable(self, seq: int, items: int, error: JournalError) -> None:
        log.error("destination %s: %d items of request %d are lost: %s", self.destination.name, items, seq, error)
        self._stats.unreadable(self.destination.name, items)

    def _send(self, batch: _Batch, part: Part) -> None:
        attempt = 0
        while True:
            try:
                receipt = self.destination.send(batch.signal, batch.retention_class, part.payload, part.items)
            except RetryLater as error:
                self._wait(attempt, error)
                attempt += 1
            except Refused as error:
                if not error.payload_at_fault:
                    # Wrong credentials or a wrong address are mended by an operator; the data waits for that.
                    self._wait(attempt, RetryLater(str(error)))
                    attempt += 1
                    continue
                self._refused(batch, part, error)
                return
            else:
                self._taken(batch, part, receipt)
                return

    def _taken(self, batch: _Batch, part: Part, receipt: Receipt) -> None:
        name = self.destination.name
        rejected = min(receipt.rejected, part.items)
        self._stats.delivered(name, batch.signal, part.items - rejected)
        self._stats.sent(name, batch.signal, len(part.payload))
        if rejected:
            self._stats.refused(name, batch.signal, rejected)
            log.warning(
                "destination %s took %s but rejected %d: %s", name, batch.signal.value, rejected, receipt.message
            )

    def _refused(self, batch: _Batch, part: Part, error: Refused) -> None:
        smaller = part.divided()
        if smaller:
            for piece in smaller:
                self._send(batch, piece)
            return
        self._stats.refused(self.destination.name, batch.signal, part.items)
        log.error(
            "destination %s refused %d %s item(s) for good: %s",
            self.destination.name,
            part.items,
            batch.signal.value,
            error,
        )

    def _wait(self, attempt: int, error: RetryLater) -> None:
        self._stats.retried(self.destination.name)
        ceiling = min(_MAX_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(attempt, 16))
        asked = min(error.retry_after or 0.0, _MAX_BACKOFF_S)
        delay = asked + ceiling * self._jitter()
        if attempt == 0 or ceiling >= _MAX_BACKOFF_S:
            log.warning("destination %s: %s; trying again in %.1f s", self.destination.name, error, delay)
        if self._pause(delay):
            raise _Stopped

    def _acknowledge(self, acks: Sequence[Ack]) -> None:
        while True:
            try:
                self._journal.acknowledge(acks)
                return
            except JournalError as error:
                log.error("journal: acknowledgement not stored (%s); trying again", error)
                if self._stop.wait(_IDLE_WAIT_S):
                    raise _Stopped from error


def _kind(delivery: Delivery) -> tuple[Signal, str]:
    return delivery.signal, delivery.retention_class
