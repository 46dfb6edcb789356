"""The LMDB environment behind the journal: databases, keys, accounting of what is used."""

from __future__ import annotations

import contextlib
import fcntl
import io
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import lmdb

from errorplane.journal._errors import JournalBusy, JournalCorrupt, JournalError, JournalFull
from errorplane.journal._records import Delivery, StoredRequest, VerdictRecord
from errorplane.journal._sealing import KEY_ID_BYTES, Sealer

FORMAT = b"errorplane-journal-4"
_PAGE = 4096
_INLINE = _PAGE // 2  # LMDB moves a value larger than about half a page to overflow pages of its own
_HEADROOM = 64 << 20  # map space beyond the bound, for verdicts, deliveries and LMDB's own copies of pages
_DISK_RESERVE = 64 << 20  # at most so much of the disk, a quarter of the bound at most, is left to what frees room
_DATA = "data.mdb"
_SEALED = (b"key", b"overflow", b"boosts", b"deployments")  # records of ``meta`` that are no plain numbers
_DAMAGE = (lmdb.InvalidError, lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.VersionMismatchError)


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
    sealed delivery), ``pending`` (destination, delivery number -> nothing), ``decided`` (number of a request whose
    traces are all decided -> since when it is held for rescues, its size), ``held`` (since when, number -> nothing),
    ``bulky`` (number of a delivery that refers to requests -> nothing), ``budgets`` (name -> record of error budgets),
    ``meta``.
    """

    def __init__(
        self, path: Path, sealer: Sealer, max_bytes: int, disk_free: Callable[[Path], int], *, durable: bool = True
    ) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(path)
        self._path = path
        self._sealer = sealer
        self._disk_free = disk_free
        self._reserve = min(_DISK_RESERVE, max_bytes // 4)
        try:
            _refuse_emptied(path / _DATA)
            with _translated(path):
                self.env = lmdb.open(
                    str(path),
                    max_dbs=12,
                    map_size=max_bytes + max_bytes // 4 + _HEADROOM,
                    max_readers=126,
                    mode=0o600,
                    sync=durable,
                )
        except JournalError:
            self._lock.close()
            raise
        try:
            with _translated(path):
                self._open_databases(path)
        except JournalError:
            self.close()
            raise

    def _open_databases(self, path: Path) -> None:
        _fill_up(path / _DATA, (self.env.info()["last_pgno"] + 1) * _PAGE)
        self.requests = self.env.open_db(b"requests")
        self.verdicts = self.env.open_db(b"verdicts")
        self.deliveries = self.env.open_db(b"deliveries")
        self.pending = self.env.open_db(b"pending")
        self.decided = self.env.open_db(b"decided")
        self.held = self.env.open_db(b"held")
        self.budgets = self.env.open_db(b"budgets")
        self.bulky = self.env.open_db(b"bulky")
        self.meta = self.env.open_db(b"meta")
        self._databases = (
            self.requests,
            self.verdicts,
            self.deliveries,
            self.pending,
            self.decided,
            self.held,
            self.bulky,
            self.budgets,
            self.meta,
        )
        self._check_header(path)

    @contextlib.contextmanager
    def _reading(self, database: lmdb._Database | None = None) -> Iterator[lmdb.Transaction[bytes]]:
        with _translated(self._path), self.env.begin(db=database) as txn:
            yield txn

    def close(self) -> None:
        """Close the environment and let go of the lock; closing twice is harmless."""
        if not self._lock.closed:
            self.env.close()
            self._lock.close()

    def check_disk(self, txn: lmdb.Transaction, adding: int) -> None:
        """Raise ``JournalFull`` if a request of so many bytes would leave too little disk to those that free room.

        Every deletion writes pages before it frees any: on a disk that requests have filled up, nothing could be let
        go of any more. Pages that are free inside the file count as room.
        """
        if self.short_of_disk(txn, adding) > 0:
            raise JournalFull(
                f"the disk of {self._path} has {self._disk_free(self._path)} bytes free, and {self._reserve} stay in "
                "reserve: free some, or lower journal.max_bytes"
            )

    def short_of_disk(self, txn: lmdb.Transaction | None, adding: int) -> int:
        """How many bytes the disk lacks for a request of so many; 0 or less if there is room."""
        needed = self._reserve + footprint(adding)
        free = self._disk_free(self._path)
        if free >= needed:
            return 0
        if txn is None:
            with self._reading() as own:
                return self.short_of_disk(own, adding)
        stats = [txn.stat(each) for each in self._databases]
        live = sum(each["branch_pages"] + each["leaf_pages"] + each["overflow_pages"] for each in stats) * _PAGE
        return needed - free - (self._path / _DATA).stat().st_size + live

    def _check_header(self, path: Path) -> None:
        with self.env.begin(write=True) as txn:
            found = txn.get(b"format", db=self.meta)
            if found is None:
                txn.put(b"format", FORMAT, db=self.meta)
                txn.put(b"key", self._sealer.seal(self._sealer.compress(b""), b"meta/key"), db=self.meta)
            elif found != FORMAT:
                raise JournalCorrupt(
                    f"{path} is a journal of format {bytes(found)!r}, this version reads {FORMAT!r}: "
                    "drain it with the version that wrote it, or move it away"
                )
            else:
                # With the wrong key the start fails, not the first delivery; a damaged record fails by itself.
                sealed = txn.get(b"key", b"", db=self.meta)
                self._sealer.open(sealed, b"meta/key")
                self._seal_anew(txn)

    def _seal_anew(self, txn: lmdb.Transaction[bytes]) -> None:
        """Seal with the key in force what stands in ``meta``: unlike requests it never goes, so no retired key would."""
        for name in _SEALED:
            sealed = txn.get(name, db=self.meta)
            if sealed is None or sealed.startswith(self._sealer.key_id):
                continue
            try:
                plain = self._sealer.open(sealed, b"meta/" + name)
            except JournalError:
                continue  # counted by who reads it
            txn.put(name, self._sealer.seal(self._sealer.compress(plain), b"meta/" + name), db=self.meta)

    def read_request(self, seq: int) -> StoredRequest | None:
        """The request of that number, if it is still there."""
        with self._reading() as txn:
            sealed = txn.get(u64(seq), db=self.requests)
        return None if sealed is None else self.open_request(seq, sealed)

    def open_request(self, seq: int, sealed: bytes) -> StoredRequest:
        """Decrypt a sealed request."""
        return StoredRequest.unpack(self._sealer.open(sealed, b"requests" + u64(seq)))

    def read_delivery(self, number: int) -> Delivery | None:
        """The delivery of that number, if it is still there."""
        with self._reading() as txn:
            sealed = txn.get(u64(number), db=self.deliveries)
        return None if sealed is None else Delivery.unpack(self._sealer.open(sealed, b"deliveries" + u64(number)))

    def read_verdicts(self, trace_ids: Iterable[bytes]) -> dict[bytes, VerdictRecord]:
        """The verdicts on those of the traces of which one is remembered; one transaction for all costs as much as for one."""
        with self._reading(self.verdicts) as txn:
            found = ((trace_id, txn.get(trace_id)) for trace_id in trace_ids)
            return {trace_id: VerdictRecord.unpack(data) for trace_id, data in found if data is not None}

    def pending_for(self, destination: str, after: int, limit: int) -> list[int]:
        """Numbers of deliveries that this destination has not acknowledged, oldest first, beyond ``after``."""
        prefix = destination.encode() + b"\0"
        numbers: list[int] = []
        with self._reading(self.pending) as txn, txn.cursor() as cursor:
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
        with self._reading(self.verdicts) as txn, txn.cursor() as cursor:
            found = cursor.set_range(start) if start else cursor.first()
            for _ in range(limit):
                if not found:
                    return Sweep(tuple(ids), b"")
                if expired(*VerdictRecord.age(cursor.value())):
                    ids.append(bytes(cursor.key()))
                found = cursor.next()
            return Sweep(tuple(ids), bytes(cursor.key()) if found else b"")

    def bulky_deliveries(self, limit: int) -> list[int]:
        """The oldest deliveries of spans or log records that refer to requests."""
        with self._reading(self.bulky) as txn, txn.cursor() as cursor:
            keys = itertools.islice(cursor.iternext(keys=True, values=False), limit)
            return [int.from_bytes(key, "big") for key in keys]

    def all_pending(self) -> Iterator[tuple[str, int]]:
        """Every (destination, delivery number) that waits; read in one short transaction."""
        with self._reading(self.pending) as txn, txn.cursor() as cursor:
            keys = [bytes(key) for key in cursor.iternext(keys=True, values=False)]
        for key in keys:
            yield key[:-9].decode(), int.from_bytes(key[-8:], "big")

    def holds_request(self, seq: int) -> bool:
        """Whether a request is still there."""
        with self._reading(self.requests) as txn, txn.cursor() as cursor:
            return bool(cursor.set_key(u64(seq)))

    def sealed_otherwise(self) -> int:
        """How many requests and deliveries another key than the current one has sealed."""
        with _translated(self._path), self.env.begin(buffers=True) as txn:
            count = 0
            for database in (self.requests, self.deliveries):
                with txn.cursor(db=database) as cursor:
                    values = cursor.iternext(keys=False, values=True)
                    count += sum(1 for value in values if value[:KEY_ID_BYTES] != self._sealer.key_id)
        return count

    def request_numbers(self) -> list[int]:
        """Numbers of all requests held, oldest first."""
        with self._reading(self.requests) as txn, txn.cursor() as cursor:
            return [int.from_bytes(key, "big") for key in cursor.iternext(keys=True, values=False)]

    def footprints(self) -> dict[int, int]:
        """Bytes that each request occupies; scans keys and lengths only, done once at start."""
        with _translated(self._path), self.env.begin(buffers=True) as txn, txn.cursor(db=self.requests) as cursor:
            return {int.from_bytes(key, "big"): footprint(len(value)) for key, value in cursor}

    def delivery_bytes(self) -> int:
        """Footprint of all deliveries; done once at start."""
        with _translated(self._path), self.env.begin(buffers=True) as txn, txn.cursor(db=self.deliveries) as cursor:
            return sum(footprint(len(value)) for value in cursor.iternext(keys=False, values=True))

    def decided_requests(self) -> dict[int, bytes]:
        """The records of the requests whose traces are all decided, by their numbers."""
        with self._reading(self.decided) as txn, txn.cursor() as cursor:
            return {int.from_bytes(key, "big"): bytes(value) for key, value in cursor}

    def last_held(self) -> bytes:
        """The key of the request that was held for rescues last; b"" if none is."""
        with self._reading(self.held) as txn, txn.cursor() as cursor:
            return bytes(cursor.key()) if cursor.last() else b""

    def first_held(self) -> bytes:
        """The key of the request that has been held for rescues the longest; b"" if none is."""
        with self._reading(self.held) as txn, txn.cursor() as cursor:
            return bytes(cursor.key()) if cursor.first() else b""

    def verdict_bytes(self, txn: lmdb.Transaction | None = None) -> int:
        """Bytes of the pages that hold verdicts."""
        if txn is None:
            with self._reading() as own:
                return self.verdict_bytes(own)
        pages = txn.stat(self.verdicts)
        return (pages["branch_pages"] + pages["leaf_pages"] + pages["overflow_pages"]) * _PAGE

    def read_meta(self, name: bytes) -> bytes:
        """A sealed value of ``meta``; b"" if it was never written."""
        with self._reading(self.meta) as txn:
            sealed = txn.get(name)
        return b"" if sealed is None else self._sealer.open(sealed, b"meta/" + name)

    def read_budgets(self) -> list[tuple[bytes, bytes]]:
        """Every record of error budgets, by name."""
        with self._reading(self.budgets) as txn, txn.cursor() as cursor:
            return [(bytes(name), bytes(record)) for name, record in cursor.iternext()]

    def meta_number(self, name: bytes) -> int:
        """A number kept in ``meta``; 0 if it was never written."""
        with self._reading(self.meta) as txn:
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


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raise LMDB's errors of opening and reading as the journal's own."""
    try:
        yield
    except _DAMAGE as error:
        raise JournalCorrupt(f"{path} is damaged: move it away to start empty ({error})") from error
    except lmdb.Error as error:
        raise JournalError(f"{path} cannot be read: {error}") from error


def _refuse_emptied(data: Path) -> None:
    """A file that has lost all of its bytes looks to LMDB like a new one, and nobody would hear of the loss."""
    if data.exists() and not data.stat().st_size:
        raise JournalCorrupt(f"{data.parent} is damaged: move it away to start empty ({data.name} has no bytes left)")


def _fill_up(data: Path, size: int) -> None:
    """Give a file that was cut off its length back: reading beyond its end would kill the process with SIGBUS."""
    if data.stat().st_size < size:
        os.truncate(data, size)


def disk_free(path: Path) -> int:
    """Bytes that this user can still write on the disk of ``path``."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def as_full(error: lmdb.Error) -> JournalFull:
    """The one wording for a map or a disk that is full."""
    return JournalFull(f"the journal cannot take more: {error}")
