"""Who still needs each request: undecided traces, deliveries that wait, and for a while the errors that may come late.

A request is open until all of its traces are decided, awaited until every delivery that refers to it has arrived, and
held for rescues as long as a late error may ask for what was dropped of it. In memory stand only requests that are
open or awaited: of one that is held for rescues alone, everything is on disk.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import lmdb

from errorplane.journal._store import Store, footprint, u64

WINDOW, ROOM = "window", "room"
_AT_ONCE = 4_000  # requests let go in one transaction at most: others wait for its sync
_DECIDED = struct.Struct(">dQ")
_TIME = struct.Struct(">d")


class Decided(NamedTuple):
    """Of a request whose traces are all decided: since when it is held for rescues (0.0: it is not), and its bytes."""

    held_at: float
    size: int

    def pack(self) -> bytes:
        """Bytes of the record."""
        return _DECIDED.pack(*self)

    @classmethod
    def unpack(cls, data: bytes) -> Decided:
        """The record that ``pack`` wrote."""
        return cls(*_DECIDED.unpack(data))


def held_key(held_at: float, seq: int) -> bytes:
    """Key in ``held``: big-endian IEEE 754 sorts as times from 1970 on do."""
    return _TIME.pack(held_at) + u64(seq)


def held_time(key: bytes) -> float:
    """The time in a key of ``held``."""
    seconds: float = _TIME.unpack_from(key)[0]
    return seconds


class Holds:
    """What is needed, as of the last synced transaction. ``released`` counts requests by why they were let go."""

    def __init__(self, store: Store, open_: Mapping[int, int], awaited: Mapping[int, int]) -> None:
        self.open = dict(open_)
        self.awaited = dict(awaited)
        self.dropped_at: dict[int, float] = {}
        self.sizes: dict[int, int] = {}
        self.used_bytes = store.delivery_bytes()
        self.rescue_bytes = 0
        self.released: Counter[str] = Counter()
        for seq, size in store.footprints().items():
            if seq in self.open or seq in self.awaited:
                self.sizes[seq] = size
                self.used_bytes += size
            else:
                self.rescue_bytes += size


class HoldsChange:
    """What one transaction changes of ``Holds``; ``adopt`` it once the transaction is synced."""

    def __init__(self, holds: Holds, store: Store, txn: lmdb.Transaction[bytes]) -> None:
        self._holds = holds
        self._store = store
        self._txn = txn
        self._open: dict[int, int] = {}
        self._awaited: dict[int, int] = {}
        self._dropped_at: dict[int, float] = {}
        self._sizes: dict[int, int] = {}
        self._released: Counter[str] = Counter()
        self.used = 0
        self.rescue = 0
        self.deleted_through = 0

    def adopt(self) -> None:
        """Let memory know."""
        holds = self._holds
        holds.used_bytes += self.used
        holds.rescue_bytes += self.rescue
        holds.released.update(self._released)
        holds.dropped_at.update(self._dropped_at)
        holds.sizes.update(self._sizes)
        _merge(holds.open, self._open)
        _merge(holds.awaited, self._awaited)
        for seq in self._open.keys() | self._awaited.keys():
            if seq not in holds.open:
                holds.dropped_at.pop(seq, None)
                if seq not in holds.awaited:
                    holds.sizes.pop(seq, None)

    def appended(self, seq: int, value_bytes: int) -> None:
        """A new request: open for whoever indexes it."""
        self._open[seq] = 1
        self._sizes[seq] = footprint(value_bytes)
        self.used += self._sizes[seq]

    def dropped(self, seq: int, at: float) -> None:
        """A trace of an open request was dropped; a late error may ask for it until some time after ``at``."""
        self._dropped_at[seq] = at

    def count_open(self, seq: int, change: int) -> None:
        """So many more, or fewer, undecided traces have items in it."""
        before = self._open.get(seq, self._holds.open.get(seq, 0))
        self._open[seq] = before + change
        if before <= 0 < before + change:
            self._needed_again(seq, self._is_awaited(seq))
        elif before > 0 >= before + change:
            self._all_decided(seq)

    def count_awaited(self, seq: int, change: int) -> None:
        """So many more, or fewer, deliveries refer to it."""
        before = self._awaited.get(seq, self._holds.awaited.get(seq, 0))
        self._awaited[seq] = before + change
        if before <= 0 < before + change:
            self._needed_again(seq, self._is_open(seq))
        elif before > 0 >= before + change and not self._is_open(seq):
            self._let_go(seq, self._decided(seq))

    def release(self, before: float, room: int) -> None:
        """Let go of rescues held since before that time, then of the oldest that free ``room`` bytes."""
        expired: list[bytes] = []
        evicted: list[bytes] = []
        with self._txn.cursor(db=self._store.held) as cursor:
            for key in cursor.iternext(keys=True, values=False):
                if len(expired) + len(evicted) >= _AT_ONCE:
                    break
                if held_time(key) < before:
                    expired.append(key)
                elif room <= 0:
                    break
                elif not self._is_needed(int.from_bytes(key[8:], "big")):
                    evicted.append(key)
                    room -= self._decided(int.from_bytes(key[8:], "big")).size
        for keys, reason in ((expired, WINDOW), (evicted, ROOM)):
            for key in keys:
                self._release(key, reason)

    def _release(self, key: bytes, reason: str) -> None:
        seq = int.from_bytes(key[8:], "big")
        self._txn.delete(key, db=self._store.held)
        decided = self._decided(seq)._replace(held_at=0.0)
        self._txn.put(u64(seq), decided.pack(), db=self._store.decided)
        self._released[reason] += 1
        if not self._is_needed(seq):
            self.rescue -= decided.size
            self._delete(seq)

    def _needed_again(self, seq: int, elsewhere: bool) -> None:
        decided = self._decided(seq)
        if elsewhere or not decided.size:
            return
        self._sizes[seq] = decided.size
        self.rescue -= decided.size
        self.used += decided.size

    def _all_decided(self, seq: int) -> None:
        earlier = self._decided(seq)
        dropped_at = self._dropped_at.get(seq, self._holds.dropped_at.get(seq, 0.0))
        decided = Decided(max(earlier.held_at, dropped_at), self._size(seq))
        if earlier.held_at != decided.held_at:
            if earlier.held_at:
                self._txn.delete(held_key(earlier.held_at, seq), db=self._store.held)
            self._txn.put(held_key(decided.held_at, seq), b"", db=self._store.held)
        if self._is_awaited(seq) or decided.held_at:
            self._txn.put(u64(seq), decided.pack(), db=self._store.decided)
        if not self._is_awaited(seq):
            self._let_go(seq, decided)

    def _let_go(self, seq: int, decided: Decided) -> None:
        """Nothing that is undecided or waits needs it any more."""
        size = self._size(seq)
        self.used -= size
        if decided.held_at:
            self.rescue += size
        else:
            self._delete(seq)

    def _delete(self, seq: int) -> None:
        self._txn.delete(u64(seq), db=self._store.requests)
        self._txn.delete(u64(seq), db=self._store.decided)
        self.deleted_through = max(self.deleted_through, seq)

    def _decided(self, seq: int) -> Decided:
        data = self._txn.get(u64(seq), db=self._store.decided)
        return Decided(0.0, 0) if data is None else Decided.unpack(data)

    def _size(self, seq: int) -> int:
        return self._sizes.get(seq) or self._holds.sizes.get(seq, 0)

    def _is_open(self, seq: int) -> bool:
        return self._open.get(seq, self._holds.open.get(seq, 0)) > 0

    def _is_awaited(self, seq: int) -> bool:
        return self._awaited.get(seq, self._holds.awaited.get(seq, 0)) > 0

    def _is_needed(self, seq: int) -> bool:
        return self._is_open(seq) or self._is_awaited(seq)


def _merge(counts: dict[int, int], changed: Mapping[int, int]) -> None:
    for number, count in changed.items():
        if count > 0:
            counts[number] = count
        else:
            counts.pop(number, None)
