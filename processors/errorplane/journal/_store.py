"""The LMDB environment behind the journal: databases, keys, accounting of what is used."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import lmdb

from errorplane.journal._errors import JournalBusy, JournalCorrupt, JournalFull
from errorplane.journal._records import Delivery, StoredRequest, VerdictRecord
from errorplane.journal._sealing import Sealer

FORMAT = b"errorplane-journal-1"
_PAGE = 4096
_INLINE = _PAGE // 2  # LMDB moves a value larger than about half a page to overflow pages of its own
_HEADROOM = 64 << 20  # map space beyond the bound, for verdicts, deliveries and LMDB's own copies of pages


def footprint(value_bytes: int) -> int:
    """Bytes that a value of this length occupies in the map, page rounding included."""
    return value_bytes + 64 if value_bytes < _INLINE else -(-(value_bytes + 16) // _PAGE) * _PAGE


def u64(number: int) -> bytes:
    """Big-endian key, so that LMDB's byte order is the numeric order."""
    return number.to_bytes(8, "big")


@dataclass(frozen=True, slots=True)
class Sweep:
    """One step through the verdicts: the expired trace ids, and where the next step starts (``b""``: at the front)."""

    expired: tuple[bytes, ...]
    next_start: bytes


class Store:
    """One LMDB environment, held by one process at a time. Every write happens inside a transaction of the writer.

    Databases: ``requests`` (number -> sealed request), ``verdicts`` (trace id -> verdict), ``deliveries`` (number ->
    sealed delivery), ``pending`` (destination, delivery number -> nothing), ``meta``.
    """

    def __init__(self, path: Path, sealer: Sealer, max_bytes: int) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(path)
        self._sealer = sealer
        self.env = lmdb.open(
            str(path), max_dbs=8, map_size=max_bytes + max_bytes // 4 + _HEADROOM, max_readers=126, mode=0o600
        )
        self.requests = self.env.open_db(b"requests")
        self.verdicts = self.env.open_db(b"verdicts")
        self.deliveries = self.env.open_db(b"deliveries")
        self.pending = self.env.open_db(b"pending")
        self.meta = self.env.open_db(b"meta")
        try:
            self._check_format(path)
        except JournalCorrupt:
            self.close()
            raise

    def close(self) -> None:
        """Close the environment and let go of the lock; closing twice is harmless."""
        if not self._lock.closed:
            self.env.close()
            self._lock.close()

    def _check_format(self, path: Path) -> None:
        with self.env.begin(write=True) as txn:
            found = txn.get(b"format", db=self.meta)
            if found is None:
                txn.put(b"format", FORMAT, db=self.meta)
            elif found != FORMAT:
                raise JournalCorrupt(
                    f"{path} is a journal of format {bytes(found)!r}, this version reads {FORMAT!r}: "
                    "drain it with the version that wrote it, or move it away"
                )

    def read_request(self, seq: int) -> StoredRequest | None:
        """The request of that number, if it is still there."""
        with self.env.begin(buffers=False) as txn:
            sealed = txn.get(u64(seq), db=self.requests)
        return None if sealed is None else self.open_request(seq, sealed)

    def open_request(self, seq: int, sealed: bytes) -> StoredRequest:
        """Decrypt a sealed request."""
        return StoredRequest.unpack(self._sealer.open(sealed, b"requests" + u64(seq)))

    def read_delivery(self, number: int) -> Delivery | None:
        """The delivery of that number, if it is still there."""
        with self.env.begin(buffers=False) as txn:
            sealed = txn.get(u64(number), db=self.deliveries)
        return None if sealed is None else Delivery.unpack(self._sealer.open(sealed, b"deliveries" + u64(number)))

    def read_verdict(self, trace_id: bytes) -> VerdictRecord | None:
        """The verdict on that trace, if one is remembered."""
        with self.env.begin(buffers=False) as txn:
            data = txn.get(trace_id, db=self.verdicts)
        return None if data is None else VerdictRecord.unpack(data)

    def pending_for(self, destination: str, after: int, limit: int) -> list[int]:
        """Numbers of deliveries that this destination has not acknowledged, oldest first, beyond ``after``."""
        prefix = destination.encode() + b"\0"
        numbers: list[int] = []
        with self.env.begin(db=self.pending) as txn, txn.cursor() as cursor:
            found = cursor.set_range(prefix + u64(after + 1))
            while found and len(numbers) < limit:
                key = bytes(cursor.key())
                if not key.startswith(prefix) or len(key) != len(prefix) + 8:
                    break
                numbers.append(int.from_bytes(key[-8:], "big"))
                found = cursor.next()
        return numbers

    def expired_verdicts(self, start: bytes, limit: int, expired: Callable[[float, int], bool]) -> Sweep:
        """Look at the next ``limit`` verdicts from ``start`` on; ``expired(decided_at, through)`` says which may go."""
        ids: list[bytes] = []
        with self.env.begin(db=self.verdicts) as txn, txn.cursor() as cursor:
            found = cursor.set_range(start) if start else cursor.first()
            for _ in range(limit):
                if not found:
                    return Sweep(tuple(ids), b"")
                if expired(*VerdictRecord.age(cursor.value())):
                    ids.append(bytes(cursor.key()))
                found = cursor.next()
            return Sweep(tuple(ids), bytes(cursor.key()) if found else b"")

    def all_pending(self) -> Iterator[tuple[str, int]]:
        """Every (destination, delivery number) that waits; read in one short transaction."""
        with self.env.begin(db=self.pending) as txn, txn.cursor() as cursor:
            keys = [bytes(key) for key in cursor.iternext(keys=True, values=False)]
        for key in keys:
            yield key[:-9].decode(), int.from_bytes(key[-8:], "big")

    def request_numbers(self) -> list[int]:
        """Numbers of all requests held, oldest first."""
        with self.env.begin(db=self.requests) as txn, txn.cursor() as cursor:
            return [int.from_bytes(key, "big") for key in cursor.iternext(keys=True, values=False)]

    def first_request(self) -> int | None:
        """The number of the oldest request held."""
        with self.env.begin(db=self.requests) as txn, txn.cursor() as cursor:
            return int.from_bytes(cursor.key(), "big") if cursor.first() else None

    def used_bytes(self) -> int:
        """Footprint of all live requests and deliveries; scans keys and lengths only, done once at start."""
        total = 0
        with self.env.begin(buffers=True) as txn:
            for database in (self.requests, self.deliveries):
                with txn.cursor(db=database) as cursor:
                    total += sum(footprint(len(value)) for value in cursor.iternext(keys=False, values=True))
        return total

    def verdict_bytes(self, txn: lmdb.Transaction | None = None) -> int:
        """Bytes of the pages that hold verdicts."""
        if txn is None:
            with self.env.begin() as own:
                return self.verdict_bytes(own)
        pages = txn.stat(self.verdicts)
        return (pages["branch_pages"] + pages["leaf_pages"] + pages["overflow_pages"]) * _PAGE

    def read_overflow(self) -> bytes:
        """The counts of held-back error facts; b"" for none."""
        with self.env.begin(db=self.meta) as txn:
            sealed = txn.get(b"overflow")
        return b"" if sealed is None else self._sealer.open(sealed, b"meta/overflow")

    def meta_number(self, name: bytes) -> int:
        """A number kept in ``meta``; 0 if it was never written."""
        with self.env.begin(db=self.meta) as txn:
            data = txn.get(name)
        return 0 if data is None else int.from_bytes(data, "big")


def _lock(path: Path) -> io.FileIO:
    """Take the journal's lock; raises ``JournalBusy`` at once if another process has it."""
    handle = io.FileIO(os.open(path / "processor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise JournalBusy(
            f"another errorplane processor has {path} open: stop it, or give this one a journal.path of its own"
        ) from error
    return handle


def as_full(error: lmdb.Error) -> JournalFull:
    """The one wording for a map or a disk that is full."""
    return JournalFull(f"the journal cannot take more: {error}")
