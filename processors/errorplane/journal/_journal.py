"""The journal: what was acknowledged and not yet delivered or dropped, synced to disk before the sender knows."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from errorplane.journal._errors import JournalCorrupt, JournalError, JournalFull
from errorplane.journal._holds import Decided, Holds, held_time
from errorplane.journal._records import Delivery, StoredRequest, VerdictRecord
from errorplane.journal._sealing import Sealer
from errorplane.journal._store import Store, Sweep, disk_free
from errorplane.journal._writer import Ack, Append, Change, Writer
from errorplane.keys import Key
from errorplane.otlp import Signal

_CACHE_BYTES = 64 << 20
_LARGE_REQUEST = 4 << 20
OnAppend = Callable[[int, StoredRequest, object], None]


def _ignore(seq: int, request: StoredRequest, note: object) -> None:
    """Index nothing: for readers of a journal whose processor is stopped."""


class Journal:
    """Tail-sampling buffer, crash log and sending queue in one: redacted requests, compressed, sealed and synced.

    ``append`` and ``commit`` block until their transaction is on disk; several calls share one sync. ``on_append`` is
    called from the writer thread, in the order of the numbers, after the sync. ``disk_free`` gives the bytes that can be
    written on the disk of a folder. What ``retired`` keys sealed is still read. Without ``durable`` nothing is synced: for what may be lost, such as a trial.
    """

    def __init__(
        self,
        path: Path,
        key: Key,
        *,
        max_bytes: int,
        retired: Sequence[Key] = (),
        on_append: OnAppend = _ignore,
        commit_wait_s: float = 0.0,
        clock: Callable[[], float] = time.time,
        disk_free: Callable[[Path], int] = disk_free,
        durable: bool = True,
    ) -> None:
        self._sealer = Sealer(key, retired)
        self._store = Store(path, self._sealer, max_bytes, disk_free, durable=durable)
        self._max_bytes = max_bytes
        self._clock = clock
        self._cache: OrderedDict[int, StoredRequest] = OrderedDict()
        self._cached_bytes = 0
        self._cache_lock = threading.Lock()
        self.indexed_through = self._store.meta_number(b"indexed_through")
        try:
            awaited, waiting = self._count_awaited()
            held = self._store.request_numbers()
            decided = self._store.decided_requests()
            # One that neither a delivery nor a rescue needs is looked at again too: its delivery was damaged.
            settled = {seq for seq, data in decided.items() if seq in awaited or Decided.unpack(data).held_at}
            self.recovered = tuple(seq for seq in held if seq not in settled)
            holds = Holds(self._store, dict.fromkeys(self.recovered, 1), awaited)
        except JournalError:
            self._store.close()
            raise
        self._writer = Writer(
            self._store,
            self._sealer,
            next_seq=max(self._store.meta_number(b"next_seq"), held[-1] + 1 if held else 1),
            next_delivery=max(self._store.meta_number(b"next_delivery"), 1),
            holds=holds,
            waiting=waiting,
            on_append=on_append,
            commit_wait_s=commit_wait_s,
        )

    def _count_awaited(self) -> tuple[Counter[int], Counter[int]]:
        awaited: Counter[int] = Counter()
        waiting: Counter[int] = Counter(number for _, number in self._store.all_pending())
        for number in waiting:
            with contextlib.suppress(JournalCorrupt):  # counted by the sender that finds it
                delivery = self._store.read_delivery(number)
                if delivery is not None:
                    awaited.update(delivery.refs.keys())
        return awaited, waiting

    @property
    def used_bytes(self) -> int:
        """Bytes that undecided and undelivered requests and deliveries occupy, pages rounded up."""
        return self._writer.holds.used_bytes

    @property
    def rescue_bytes(self) -> int:
        """Bytes of requests that are held only since a late error may ask for what was dropped of them."""
        return self._writer.holds.rescue_bytes

    @property
    def released(self) -> Mapping[str, int]:
        """Requests that are no longer held for late errors since the start: by ``window``, or by want of ``room``."""
        return dict(self._writer.holds.released)

    @property
    def held_since(self) -> float | None:
        """When the request was decided that has been held for late errors the longest; None if none is held."""
        key = self._store.first_held()
        return held_time(key) if key else None

    @property
    def verdict_bytes(self) -> int:
        """Bytes that verdicts occupy."""
        return self._writer.verdict_bytes

    @property
    def held_last(self) -> float | None:
        """When the request was decided that was held for late errors last; None if none is held."""
        key = self._store.last_held()
        return held_time(key) if key else None

    def short_of_disk(self) -> int:
        """Bytes that the disk lacks for requests to be taken; 0 or less if there is room."""
        return self._store.short_of_disk(None, _LARGE_REQUEST)

    @property
    def oldest_undecided(self) -> int:
        """A number that no request with undecided traces is below: what a restart would look at again."""
        return min(self._writer.holds.open, default=self._writer.next_seq)

    def holds(self, seq: int) -> bool:
        """Whether a request is still there."""
        return self._store.holds_request(seq)

    @property
    def bound(self) -> str:
        """What people know ``max_bytes`` as."""
        return "journal.max_bytes"

    @property
    def max_bytes(self) -> int:
        """The bound on ``total_bytes``."""
        return self._max_bytes

    @property
    def total_bytes(self) -> int:
        """What counts towards the bound: telemetry that is needed, what is held for late errors, and verdicts."""
        return self.used_bytes + self.rescue_bytes + self.verdict_bytes

    def append(self, signal: Signal, body: bytes, note: object = None, hints: bytes = b"") -> int:
        """Store a redacted request and return its number once it is synced; raises ``JournalFull``.

        ``note`` goes to ``on_append``, ``hints`` are stored with the request.
        """
        request = StoredRequest(signal, self._clock(), body, hints)
        compressed = self._sealer.compress(request.pack())
        held = self.total_bytes
        if held + len(compressed) > self._max_bytes:
            raise JournalFull(f"the journal holds {held} of {self._max_bytes} bytes (max_bytes)")
        return self._writer.submit(Append(request, compressed, note))

    def commit(self, change: Change) -> None:
        """Store verdicts, deliveries and releases together."""
        self._writer.submit(change)

    def acknowledge(self, acks: Sequence[Ack]) -> None:
        """A destination has taken these deliveries."""
        self._writer.submit(list(acks))

    def verdict(self, trace_id: bytes) -> VerdictRecord | None:
        """What was decided about a trace, as long as it is remembered."""
        return self.verdicts((trace_id,)).get(trace_id)

    def verdicts(self, trace_ids: Collection[bytes]) -> Mapping[bytes, VerdictRecord]:
        """What was decided about several traces, of those that are remembered."""
        return self._store.read_verdicts(trace_ids) if trace_ids else {}

    def overflow(self) -> bytes:
        """What the last change stored as ``overflow``."""
        return self._store.read_meta(b"overflow")

    def boosts(self) -> bytes:
        """What the last change that had any stored as ``boosts``."""
        return self._store.read_meta(b"boosts")

    def deployments(self) -> bytes:
        """What the last change that had any stored as ``deployments``."""
        return self._store.read_meta(b"deployments")

    def budgets(self) -> list[tuple[bytes, bytes]]:
        """The records of error budgets that changes have stored, by name."""
        return self._store.read_budgets()

    def delivery(self, number: int) -> Delivery | None:
        """One delivery that some destination still waits for."""
        return self._store.read_delivery(number)

    def pending(self, destination: str, after: int = 0, limit: int = 64) -> list[int]:
        """Deliveries that a destination has not acknowledged, oldest first."""
        return self._store.pending_for(destination, after, limit)

    def bulky(self, limit: int) -> list[int]:
        """The oldest deliveries that hold requests, and so can make room: those of metrics and facts are not."""
        return self._store.bulky_deliveries(limit)

    @property
    def given_up(self) -> Mapping[tuple[str, str], int]:
        """Healthy items given up for want of room since the start, by destination and signal."""
        return dict(self._writer.given_up)

    def sealed_with_retired_keys(self) -> int:
        """How many requests and deliveries an earlier key has sealed: at 0 it is no longer needed."""
        return self._store.sealed_otherwise()

    def pending_destinations(self) -> Counter[str]:
        """How many deliveries wait, by destination."""
        return Counter(destination for destination, _ in self._store.all_pending())

    def request(self, seq: int) -> StoredRequest | None:
        """One stored request; recently read ones come from memory, since destinations read the same ones."""
        with self._cache_lock:
            cached = self._cache.get(seq)
            if cached is not None:
                self._cache.move_to_end(seq)
                return cached
        request = self._store.read_request(seq)
        if request is not None:
            self._remember(seq, request)
        return request

    def _remember(self, seq: int, request: StoredRequest) -> None:
        with self._cache_lock:
            if seq not in self._cache:
                self._cache[seq] = request
                self._cached_bytes += len(request.body)
            while self._cached_bytes > _CACHE_BYTES:
                _, oldest = self._cache.popitem(last=False)
                self._cached_bytes -= len(oldest.body)

    def requests(self) -> Iterator[tuple[int, StoredRequest]]:
        """Every request held, decrypted, oldest first, for audits of what is stored; raises ``JournalCorrupt``."""
        for seq in self._store.request_numbers():
            request = self._store.read_request(seq)
            if request is not None:
                yield seq, request

    def sweep_verdicts(self, start: bytes, limit: int, expired: Callable[[float, int], bool]) -> Sweep:
        """One bounded step through the remembered verdicts, to find those that may be forgotten."""
        return self._store.expired_verdicts(start, limit, expired)

    def close(self) -> None:
        """Finish what was submitted and close the file."""
        self._writer.close()
        self._store.close()
