"""A journal in memory: for one application that decides about its own telemetry, and loses it when it is killed."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import zstandard

from errorplane.journal._errors import JournalFull
from errorplane.journal._holds import ROOM, WINDOW
from errorplane.journal._journal import OnAppend
from errorplane.journal._records import Delivery, StoredRequest, VerdictRecord
from errorplane.journal._store import Sweep
from errorplane.journal._writer import Change
from errorplane.otlp import Signal

_REQUEST_BYTES = 600  # of the objects around a request's bytes, and its counts
_VERDICT_BYTES = 300  # of a verdict without its refs: the record, its numbers, its place in the dictionary
_DELIVERY_BYTES = 1_000  # of a delivery without what it refers to
_REF_BYTES = 300  # of what a delivery has for one request, beside 8 bytes an item
_CACHED = 4  # requests that are read several times in a row; they are not counted


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One delivery, its payload apart."""

    delivery: Delivery
    compressed: bytes

    @property
    def size(self) -> int:
        delivery = self.delivery
        refs = sum(8 * len(refs.items) + _REF_BYTES for refs in delivery.refs.values())
        return _DELIVERY_BYTES + len(self.compressed) + sum(map(len, delivery.tags)) + refs


@dataclass(slots=True)
class _Request:
    """One request. ``open`` traces and ``awaited`` deliveries need it, late errors until ``held_at`` is too long ago."""

    signal: Signal
    received_at: float
    compressed: bytes
    hints: bytes
    open: int = 1
    awaited: int = 0
    dropped_at: float = 0.0
    held_at: float = 0.0

    @property
    def needed(self) -> bool:
        return self.open > 0 or self.awaited > 0

    @property
    def size(self) -> int:
        return len(self.compressed) + len(self.hints) + _REQUEST_BYTES


class MemoryJournal:
    """Implements ``AnyJournal``: compressed requests, verdicts and deliveries; safe to use from several threads.

    ``undecided_bytes`` says what is held elsewhere for undecided traces: it counts towards ``max_bytes``. ``on_append``
    is called by the thread that appends; ``clock`` is Unix time in seconds.
    """

    def __init__(
        self,
        max_bytes: int,
        on_append: OnAppend,
        undecided_bytes: Callable[[], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bound = "max_bytes of TailSampling"
        self.max_bytes = max_bytes
        self.indexed_through = 0
        self.used_bytes = 0
        self.rescue_bytes = 0
        self.verdict_bytes = 0
        self.given_up: Counter[str] = Counter()
        """Healthy items given up for want of room, by signal."""
        self.released: Counter[str] = Counter()
        """Requests that are no longer held for late errors, by why."""
        self._on_append = on_append
        self._undecided_bytes = undecided_bytes
        self._clock = clock
        self._lock = threading.RLock()
        self._compressor = zstandard.ZstdCompressor(level=1)  # used with the lock held: it serves one thread at a time
        self._decompressor = zstandard.ZstdDecompressor()
        self._cache: OrderedDict[int, StoredRequest] = OrderedDict()
        self._requests: dict[int, _Request] = {}
        self._open: dict[int, None] = {}
        self._held: OrderedDict[int, None] = OrderedDict()  # by when they were held, oldest first
        self._verdicts: dict[bytes, VerdictRecord] = {}
        self._deliveries: dict[int, _Waiting] = {}
        self._sending: set[int] = set()
        self._next_seq = self._next_delivery = 1

    # --- what is held ---------------------------------------------------------------------------------------------

    @property
    def total_bytes(self) -> int:
        """What counts towards the bound."""
        return self.used_bytes + self.rescue_bytes + self.verdict_bytes + self._undecided_bytes()

    @property
    def held_since(self) -> float | None:
        """When the request was decided that has been held for late errors the longest; None if none is held."""
        with self._lock:
            return next((self._requests[seq].held_at for seq in self._held), None)

    @property
    def held_last(self) -> float | None:
        """When the request was decided that was held for late errors last; None if none is held."""
        with self._lock:
            return next((self._requests[seq].held_at for seq in reversed(self._held)), None)

    @property
    def oldest_undecided(self) -> int:
        """A number that no request with undecided traces is below."""
        with self._lock:
            return next(iter(self._open), self._next_seq)

    def short_of_disk(self) -> int:
        """Nothing is written to a disk."""
        return -sys.maxsize

    def holds(self, seq: int) -> bool:
        """Whether a request is still there."""
        return seq in self._requests

    def request(self, seq: int) -> StoredRequest | None:
        """One request."""
        with self._lock:
            found = self._cache.get(seq)
            held = self._requests.get(seq)
            if found is not None or held is None:
                return found
            body = self._decompressor.decompress(held.compressed)
            found = self._cache[seq] = StoredRequest(held.signal, held.received_at, body, held.hints)
            if len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
            return found

    def verdicts(self, trace_ids: Collection[bytes]) -> Mapping[bytes, VerdictRecord]:
        """What was decided about several traces, of those that are remembered."""
        found = self._verdicts
        return {trace_id: found[trace_id] for trace_id in trace_ids if trace_id in found}

    def sweep_verdicts(self, start: bytes, limit: int, expired: Callable[[float, int], bool]) -> Sweep:
        """The oldest verdicts that may be forgotten: they stand first, so each step starts there."""
        first = islice(self._verdicts.items(), limit)
        return Sweep(tuple(key for key, each in first if expired(each.decided_at, each.through)), b"")

    def budgets(self) -> list[tuple[bytes, bytes]]:
        """Nothing is left of an earlier process."""
        return []

    def overflow(self) -> bytes:
        """Nothing is left of an earlier process."""
        return b""

    # --- deliveries -----------------------------------------------------------------------------------------------

    def pending(self) -> list[int]:
        """The deliveries that wait, oldest first."""
        with self._lock:
            return list(self._deliveries)

    def begin(self, number: int) -> Delivery | None:
        """A delivery that waits, which stays as it is until it is put back or acknowledged; None if it is gone."""
        with self._lock:
            if number in self._deliveries:
                self._sending.add(number)
            return self.delivery(number)

    def put_back(self, number: int) -> None:
        """A delivery that was begun waits again, nothing of it having arrived."""
        with self._lock:
            self._sending.discard(number)

    def delivery(self, number: int) -> Delivery | None:
        """One delivery that waits."""
        with self._lock:
            waiting = self._deliveries.get(number)
            if waiting is None or not waiting.compressed:
                return None if waiting is None else waiting.delivery
            return replace(waiting.delivery, payload=self._decompressor.decompress(waiting.compressed))

    def bulky(self, limit: int) -> list[int]:
        """The oldest deliveries that hold requests, and so can make room."""
        with self._lock:
            bulky = (n for n, each in self._deliveries.items() if each.delivery.refs and n not in self._sending)
            return list(islice(bulky, limit))

    def acknowledge(self, number: int) -> None:
        """A delivery has arrived, or is not wanted any more."""
        with self._lock:
            self._delivered(number)

    def waiting_items(self, signal: Signal) -> int:
        """Items of deliveries that refer to requests, or hold what was copied from some."""
        with self._lock:
            waiting = [each.delivery for each in self._deliveries.values() if each.delivery.signal is signal]
            return sum(each.items for each in waiting if each.refs or each.copied)

    # --- changes --------------------------------------------------------------------------------------------------

    def append(self, signal: Signal, body: bytes, note: object = None, hints: bytes = b"") -> int:
        """Hold a redacted request, open for whoever indexes it; its number. Raises ``JournalFull``."""
        with self._lock:
            request = _Request(signal, self._clock(), self._compress(body), hints)
            held = self.total_bytes
            if held + request.size > self.max_bytes:
                raise JournalFull(f"{held} of {self.max_bytes} bytes are held")
            seq = self._next_seq
            self._next_seq += 1
            self._requests[seq] = request
            self._open[seq] = None
            self.used_bytes += request.size
        self._on_append(seq, StoredRequest(signal, request.received_at, body, hints), note)
        return seq

    def commit(self, change: Change) -> None:
        """Make a turn's change."""
        with self._lock:
            for trace_id in change.forget:
                self._forget(trace_id)
            for trace_id, verdict in change.verdicts.items():
                self._forget(trace_id)
                self._verdicts[trace_id] = verdict
                self.verdict_bytes += _VERDICT_BYTES + len(verdict.refs)
            for delivery in change.deliveries:
                self._deliver(delivery)
            for number, delivery in change.give_up.items():
                if number in self._deliveries and number not in self._sending:
                    self.given_up[delivery.signal.value] += delivery.items
                    self._delivered(number)
            for number, (_, new) in change.copies.items():
                self._replace(number, new)
            for seq, at in change.dropped.items():
                if seq in self._requests:
                    self._requests[seq].dropped_at = at
            for counts, sign in ((change.hold, 1), (change.drop, -1)):
                for seq, count in counts.items():
                    self._count_open(seq, sign * count)
            self._release(change.release_before, change.make_room)
            self.indexed_through = change.indexed_through or self.indexed_through

    def abandon(self) -> None:
        """Take every request as decided: what was known of its traces is lost."""
        with self._lock:
            for seq in tuple(self._open):
                self._count_open(seq, -self._requests[seq].open)

    def _forget(self, trace_id: bytes) -> None:
        verdict = self._verdicts.pop(trace_id, None)
        if verdict is not None:
            self.verdict_bytes -= _VERDICT_BYTES + len(verdict.refs)

    def _deliver(self, delivery: Delivery) -> None:
        waiting = self._deliveries[self._next_delivery] = self._waiting(delivery)
        self._next_delivery += 1
        self.used_bytes += waiting.size
        for seq in delivery.refs:
            self._count_awaited(seq, 1)

    def _replace(self, number: int, new: Delivery) -> None:
        old = self._deliveries.get(number)
        if old is not None and number not in self._sending:  # else it has arrived meanwhile, or is about to
            self._deliveries[number] = waiting = self._waiting(new)
            self.used_bytes += waiting.size - old.size
            for seq in old.delivery.refs:
                self._count_awaited(seq, -1)

    def _delivered(self, number: int) -> None:
        waiting = self._deliveries.pop(number, None)
        self._sending.discard(number)
        if waiting is not None:
            self.used_bytes -= waiting.size
            for seq in waiting.delivery.refs:
                self._count_awaited(seq, -1)

    def _waiting(self, delivery: Delivery) -> _Waiting:
        compressed = self._compress(delivery.payload) if delivery.payload else b""
        return _Waiting(replace(delivery, payload=b""), compressed)

    def _compress(self, data: bytes) -> bytes:
        # Copied, since what zstandard returns keeps the memory that it had taken for the worst case.
        return bytes(memoryview(self._compressor.compress(data)))

    def _count_awaited(self, seq: int, change: int) -> None:
        request = self._requests.get(seq)
        if request is None:
            return  # the items that are not there are counted where they are read
        before = request.needed
        request.awaited += change
        self._settle(seq, request, before)

    def _count_open(self, seq: int, change: int) -> None:
        request = self._requests.get(seq)
        if request is None:
            return
        before, was_open = request.needed, request.open > 0
        request.open += change
        if was_open and request.open <= 0:
            self._open.pop(seq)
            self._hold(seq, request)
        elif not was_open and request.open > 0:
            self._open[seq] = None
        self._settle(seq, request, before)

    def _hold(self, seq: int, request: _Request) -> None:
        if request.dropped_at > request.held_at:
            request.held_at = request.dropped_at
            self._held[seq] = None
            self._held.move_to_end(seq)

    def _settle(self, seq: int, request: _Request, before: bool) -> None:
        """Move a request between what is used and what is held for rescues, or let go of it."""
        if before and not request.needed:
            self.used_bytes -= request.size
            self.rescue_bytes += request.size
            if not request.held_at:
                self._delete(seq, request)
        elif not before and request.needed:
            self.used_bytes += request.size
            self.rescue_bytes -= request.size

    def _release(self, before: float, room: int) -> None:
        released: list[tuple[int, str]] = []
        for seq in self._held:
            request = self._requests[seq]
            if request.held_at < before:
                released.append((seq, WINDOW))
            elif room <= 0:
                break
            elif not request.needed:
                released.append((seq, ROOM))
                room -= request.size
        for seq, reason in released:
            self.released[reason] += 1
            del self._held[seq]
            request = self._requests[seq]
            request.held_at = request.dropped_at = 0.0
            if not request.needed:
                self._delete(seq, request)

    def _delete(self, seq: int, request: _Request) -> None:
        self.rescue_bytes -= request.size
        del self._requests[seq]
        self._cache.pop(seq, None)
