"""The journal's single writer: groups what threads hand it into one synced transaction."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import lmdb

from errorplane.journal._errors import JournalError
from errorplane.journal._holds import Holds, HoldsChange
from errorplane.journal._records import Delivery, StoredRequest, VerdictRecord
from errorplane.journal._sealing import Sealer
from errorplane.journal._store import Store, as_full, footprint, u64
from errorplane.otlp import Signal

log = logging.getLogger("errorplane.journal")

_GROUP = 128  # operations in one transaction at most
_SUBMIT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Append:
    """One request to store; ``note`` travels with it to whoever indexes it."""

    request: StoredRequest
    compressed: bytes
    note: object


@dataclass(slots=True)
class Change:
    """What changes together, or not at all.

    ``hold`` and ``drop`` count undecided traces, by request; one that nobody needs is deleted. ``dropped``: open
    requests of which a trace was dropped, and when: they are held for errors that come late, until ``release_before``
    is later than that, or ``make_room`` bytes are wanted. ``forget`` lists trace ids whose verdict no longer stands.
    ``give_up``: deliveries that no destination gets any more; ``copies``: what to send instead of a delivery, with the
    requests that it no longer refers to.
    ``indexed_through``: every request up to it has been looked at. ``overflow``: counts of error facts that are held
    back; b"" for none, None for no change; so are ``boosts``, those in force, and ``deployments``, the versions of services
    that are known. ``budgets``: records of error budgets by name; None for one that goes.
    """

    verdicts: dict[bytes, VerdictRecord] = field(default_factory=dict)
    forget: list[bytes] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    hold: Counter[int] = field(default_factory=Counter)
    drop: Counter[int] = field(default_factory=Counter)
    dropped: dict[int, float] = field(default_factory=dict)
    give_up: dict[int, Delivery] = field(default_factory=dict)
    copies: dict[int, tuple[Delivery, Delivery]] = field(default_factory=dict)
    release_before: float = 0.0
    make_room: int = 0
    indexed_through: int | None = None
    overflow: bytes | None = None
    boosts: bytes | None = None
    deployments: bytes | None = None
    budgets: dict[bytes, bytes | None] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store."""
        parts = (self.verdicts, self.forget, self.deliveries, self.hold, self.drop, self.release_before, self.make_room)
        room = (self.give_up, self.copies)
        whole = (self.indexed_through, self.overflow, self.boosts, self.deployments)
        return not any(parts) and not any(room) and not self.budgets and all(each is None for each in whole)


@dataclass(frozen=True, slots=True)
class Ack:
    """One destination has taken one delivery; ``seqs`` are the requests that the delivery refers to."""

    destination: str
    number: int
    seqs: tuple[int, ...]


Operation = Append | Change | Sequence[Ack]


class _Transaction:
    """What one transaction will have changed in memory once it is synced."""

    def __init__(self, writer: Writer, holds: HoldsChange) -> None:
        self.next_seq = writer.next_seq
        self.next_delivery = writer.next_delivery
        self.holds = holds
        self.waiting: dict[int, int] = {}
        self.copied: set[int] = set()
        self.given_up: Counter[tuple[str, str]] = Counter()
        self.verdict_bytes = writer.verdict_bytes
        self.appended: list[tuple[int, Append]] = []


class Writer:
    """Owns every write to the store; ``submit`` returns when the operation is synced to disk."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        next_seq: int,
        next_delivery: int,
        holds: Holds,
        waiting: Mapping[int, int],
        on_append: Callable[[int, StoredRequest, object], None],
        commit_wait_s: float,
    ) -> None:
        self._commit_wait_s = commit_wait_s
        self._store = store
        self._sealer = sealer
        self.next_seq = next_seq
        self.next_delivery = next_delivery
        self.holds = holds
        self.waiting = dict(waiting)
        self.given_up: Counter[tuple[str, str]] = Counter()
        self._copied: set[int] = set()  # so that who read them before does not let go of their requests once more
        self.verdict_bytes = store.verdict_bytes()
        self._on_append = on_append
        self._queue: deque[tuple[Operation, Future[int]]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="errorplane-journal", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation) -> int:
        """Carry out ``operation`` and wait until it is synced; for an append, the number of the request.

        Raises ``JournalError`` when it was not stored; after 60 s of waiting for its turn, for one.
        """
        future: Future[int] = Future()
        with self._wake:
            if self._closed:
                raise JournalError("the journal is closed")
            self._queue.append((operation, future))
            self._wake.notify()
        try:
            return future.result(timeout=_SUBMIT_TIMEOUT_S)
        except TimeoutError:
            if future.cancel():
                raise JournalError(f"the disk was busy with others for {_SUBMIT_TIMEOUT_S:g} s") from None
            return future.result()  # its sync is under way: only the disk knows whether it is stored

    def close(self) -> None:
        """Finish what was submitted, then stop."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            wanted = [single for single in group if single[1].set_running_or_notify_cancel()]
            if not wanted:
                continue
            try:
                self._write(wanted)
            except Exception:  # noqa: BLE001  # the boundary guard is in _write_alone, which finds out whose fault it is
                # One operation that finds no room must not fail its neighbours: each on its own, then.
                for single in wanted:
                    self._write_alone(single)

    def _next_group(self) -> list[tuple[Operation, Future[int]]]:
        with self._wake:
            while not self._queue and not self._closed:
                self._wake.wait()
            if len(self._queue) == 1 and self._commit_wait_s and not self._closed:
                self._wake.wait(self._commit_wait_s)  # a second request may share this sync
            return [self._queue.popleft() for _ in range(min(_GROUP, len(self._queue)))]

    def _write_alone(self, single: tuple[Operation, Future[int]]) -> None:
        try:
            self._write([single])
        except lmdb.Error as error:
            single[1].set_exception(as_full(error))
        except JournalError as error:
            single[1].set_exception(error)
        except Exception as error:  # the boundary guard: without this thread nothing is stored any more
            log.exception("an operation failed unexpectedly and was not stored")
            single[1].set_exception(JournalError(f"not stored: {type(error).__name__}"))

    def _write(self, group: Sequence[tuple[Operation, Future[int]]]) -> None:
        results = []
        with self._store.env.begin(write=True) as txn:
            after = _Transaction(self, HoldsChange(self.holds, self._store, txn))
            for operation, _ in group:
                if isinstance(operation, Append):
                    results.append(self._append(txn, after, operation))
                elif isinstance(operation, Change):
                    results.append(self._change(txn, after, operation))
                else:
                    results.append(self._acknowledge(txn, after, operation))
            if after.holds.deleted_through:
                # The number of the newest request must survive its deletion, or a restart would give it out again.
                newest = max(after.next_seq, after.holds.deleted_through + 1)
                txn.put(b"next_seq", u64(newest), db=self._store.meta)
        # Leaving the block committed and synced: only now may memory and senders know.
        self._adopt(after)
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _adopt(self, after: _Transaction) -> None:
        self.next_seq = after.next_seq
        self.next_delivery = after.next_delivery
        self.verdict_bytes = after.verdict_bytes
        after.holds.adopt()
        self.given_up.update(after.given_up)
        self._copied |= after.copied
        for number, count in after.waiting.items():
            if count > 0:
                self.waiting[number] = count
            else:
                self.waiting.pop(number, None)
                self._copied.discard(number)
        for seq, append in after.appended:
            self._on_append(seq, append.request, append.note)

    def _append(self, txn: lmdb.Transaction, after: _Transaction, append: Append) -> int:
        seq = after.next_seq
        sealed = self._sealer.seal(append.compressed, b"requests" + u64(seq))
        self._store.check_disk(txn, len(sealed))
        txn.put(u64(seq), sealed, db=self._store.requests, append=True)
        after.next_seq += 1
        after.holds.appended(seq, len(sealed))
        after.appended.append((seq, append))
        return seq

    def _change(self, txn: lmdb.Transaction, after: _Transaction, change: Change) -> int:
        for trace_id in change.forget:
            txn.delete(trace_id, db=self._store.verdicts)
        for trace_id, verdict in change.verdicts.items():
            txn.put(trace_id, verdict.pack(), db=self._store.verdicts)
        after.verdict_bytes = self._store.verdict_bytes(txn)
        for delivery in change.deliveries:
            self._deliver(txn, after, delivery)
        for number, delivery in change.give_up.items():
            self._give_up(txn, after, number, delivery)
        for number, (old, new) in change.copies.items():
            self._copy(txn, after, number, old, new)
        for seq, at in change.dropped.items():
            after.holds.dropped(seq, at)
        for seq, count in change.hold.items():
            after.holds.count_open(seq, count)
        for seq, count in change.drop.items():
            after.holds.count_open(seq, -count)
        if change.release_before or change.make_room:
            after.holds.release(change.release_before, change.make_room)
        if change.indexed_through is not None:
            txn.put(b"indexed_through", u64(change.indexed_through), db=self._store.meta)
        for name, record in change.budgets.items():
            if record is None:
                txn.delete(name, db=self._store.budgets)
            else:
                txn.put(name, record, db=self._store.budgets)
        whole = ((b"overflow", change.overflow), (b"boosts", change.boosts), (b"deployments", change.deployments))
        for name, value in whole:
            if value is not None:
                sealed = self._sealer.seal(self._sealer.compress(value), b"meta/" + name)
                txn.put(name, sealed, db=self._store.meta)
        return len(change.deliveries)

    def _deliver(self, txn: lmdb.Transaction, after: _Transaction, delivery: Delivery) -> None:
        number = after.next_delivery
        after.next_delivery += 1
        place = b"deliveries" + u64(number)
        sealed = self._sealer.seal(self._sealer.compress(delivery.pack()), place)
        txn.put(u64(number), sealed, db=self._store.deliveries, append=True)
        txn.put(b"next_delivery", u64(after.next_delivery), db=self._store.meta)
        after.holds.used += footprint(len(sealed))
        after.waiting[number] = len(delivery.destinations)
        for destination in delivery.destinations:
            txn.put(destination.encode() + b"\0" + u64(number), b"", db=self._store.pending)
        for seq in delivery.refs:
            after.holds.count_awaited(seq, 1)
        if delivery.refs and delivery.signal is not Signal.METRICS:
            txn.put(u64(number), b"", db=self._store.bulky, append=True)

    def _give_up(self, txn: lmdb.Transaction, after: _Transaction, number: int, delivery: Delivery) -> None:
        for destination in delivery.destinations:
            if txn.delete(destination.encode() + b"\0" + u64(number), db=self._store.pending):
                after.given_up[destination, delivery.signal.value] += delivery.items
        self._delivered(txn, after, number, tuple(delivery.refs))

    def _copy(self, txn: lmdb.Transaction, after: _Transaction, number: int, old: Delivery, new: Delivery) -> None:
        before = txn.get(u64(number), db=self._store.deliveries)
        if before is None:
            return  # it has arrived meanwhile
        sealed = self._sealer.seal(self._sealer.compress(new.pack()), b"deliveries" + u64(number))
        txn.put(u64(number), sealed, db=self._store.deliveries)
        txn.delete(u64(number), db=self._store.bulky)
        after.holds.used += footprint(len(sealed)) - footprint(len(before))
        after.copied.add(number)
        for seq in old.refs:
            after.holds.count_awaited(seq, -1)

    def _delivered(self, txn: lmdb.Transaction, after: _Transaction, number: int, seqs: Sequence[int]) -> None:
        """Nobody waits for a delivery any more."""
        after.waiting[number] = 0
        sealed = txn.pop(u64(number), db=self._store.deliveries)
        if sealed is None:
            return
        txn.delete(u64(number), db=self._store.bulky)
        after.holds.used -= footprint(len(sealed))
        if number not in self._copied and number not in after.copied:
            for seq in seqs:
                after.holds.count_awaited(seq, -1)

    def _acknowledge(self, txn: lmdb.Transaction, after: _Transaction, acks: Sequence[Ack]) -> int:
        for ack in acks:
            if not txn.delete(ack.destination.encode() + b"\0" + u64(ack.number), db=self._store.pending):
                continue
            left = after.waiting.get(ack.number, self.waiting.get(ack.number, 0)) - 1
            after.waiting[ack.number] = left
            if left > 0:
                continue
            self._delivered(txn, after, ack.number, ack.seqs)
        return len(acks)
