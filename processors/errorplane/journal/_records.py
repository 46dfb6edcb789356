"""The records that the journal stores, and their bytes."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from errorplane.otlp import Signal

_SIGNAL_CODE = {Signal.TRACES: 1, Signal.LOGS: 2, Signal.METRICS: 3}
_SIGNAL = {code: signal for signal, code in _SIGNAL_CODE.items()}
_VERDICT = struct.Struct(">BdQdI")
_REFS = struct.Struct(">Q?I")
_REQUEST = struct.Struct(">BdI")


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """One journalled Export request, redacted. ``received_at`` is Unix time in seconds.

    ``hints`` are those of whoever stored it, to index it by once more.
    """

    signal: Signal
    received_at: float
    body: bytes
    hints: bytes = b""

    def pack(self) -> bytes:
        """Bytes of the record, before compression."""
        head = _REQUEST.pack(_SIGNAL_CODE[self.signal], self.received_at, len(self.hints))
        return b"".join((head, self.hints, self.body))

    @classmethod
    def unpack(cls, data: bytes) -> StoredRequest:
        """The record that ``pack`` wrote."""
        code, received_at, length = _REQUEST.unpack_from(data)
        start = _REQUEST.size + length
        return cls(_SIGNAL[code], received_at, data[start:], data[_REQUEST.size : start])


class VerdictRecord(NamedTuple):
    """What was decided for one trace, kept so that late items follow it and a restart does not decide again.

    ``through`` is the last request that had been indexed when it was decided; ``decided_at`` is Unix time in seconds.
    ``errors`` counts the trace's errors, ``budget`` says in what state an error budget was ("" where none was asked).
    ``refs`` says where the items of a dropped trace lie (``pack_refs``), b"" of a kept one.
    """

    keep: bool
    rule: str
    probability: float
    retention_class: str
    decided_at: float
    through: int
    reason: str
    errors: int
    budget: str = ""
    refs: bytes = b""

    def pack(self) -> bytes:
        """Bytes of the record: fixed part, then the texts and the refs, each with its length in two bytes or four."""
        fixed = _VERDICT.pack(self.keep, self.decided_at, self.through, self.probability, self.errors)
        texts = _texts(self.rule, self.retention_class, self.reason, self.budget)
        return b"".join((fixed, texts, _u32(len(self.refs)), self.refs))

    @classmethod
    def unpack(cls, data: bytes) -> VerdictRecord:
        """The record that ``pack`` wrote."""
        read = _Reader(data)
        keep, decided_at, through, probability, errors = _VERDICT.unpack(read.take(_VERDICT.size))
        rule, retention, reason, budget = (read.short() for _ in range(4))
        return cls(bool(keep), rule, probability, retention, decided_at, through, reason, errors, budget, read.blob())

    @staticmethod
    def age(data: bytes) -> tuple[float, int]:
        """``decided_at`` and ``through`` of a record, without reading the rest."""
        _, decided_at, through, _, _ = _VERDICT.unpack_from(data)
        return decided_at, through


def pack_refs(seq: int, signal: Signal, numbers: Sequence[int]) -> bytes:
    """Spans or log records of request ``seq``: that number, whether they are logs, a count, the item numbers.

    What is packed of several requests is appended. Item numbers stand in this machine's order, as an array holds them:
    it is done for every trace of a request.
    """
    return _REFS.pack(seq, signal is Signal.LOGS, len(numbers)) + array("I", numbers).tobytes()


def unpack_refs(data: bytes) -> dict[int, tuple[Signal, array[int]]]:
    """What ``pack_refs`` packed, one after the other; of a request that stands there twice, all items."""
    read = _Reader(data)
    refs: dict[int, tuple[Signal, array[int]]] = {}
    while read.left:
        seq, are_logs, count = _REFS.unpack(read.take(_REFS.size))
        signal = Signal.LOGS if are_logs else Signal.TRACES
        _, numbers = refs.setdefault(seq, (signal, array("I")))
        numbers.frombytes(read.take(count * numbers.itemsize))
    return refs


@dataclass(slots=True)
class Refs:
    """Items of one journalled request: ``items[i]`` carries the appended attributes ``tags[tag[i]]`` of its delivery."""

    items: array[int] = field(default_factory=lambda: array("I"))
    tag: array[int] = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one retention class sends of one signal: references into the journal, or a payload of its own.

    ``tags`` are encoded attribute fields to append to items; ``refs`` maps a request's number to its kept items;
    ``payload`` (error facts) is a whole Export request that stands in no other record; a ``copied`` one holds items
    that were referred to until their requests had to make room. ``healthy``: without errors, so that it goes first.
    """

    signal: Signal
    retention_class: str
    destinations: tuple[str, ...]
    tags: tuple[bytes, ...] = ()
    refs: Mapping[int, Refs] = field(default_factory=dict)
    payload: bytes = b""
    payload_items: int = 0
    healthy: bool = False
    copied: bool = False

    @property
    def items(self) -> int:
        """How many spans, log records or metrics it carries."""
        return self.payload_items + sum(len(refs.items) for refs in self.refs.values())

    def pack(self) -> bytes:
        """Bytes of the record, before compression."""
        flags = self.healthy | self.copied << 1
        out = [bytes([flags, _SIGNAL_CODE[self.signal]]), _text(self.retention_class), _u32(len(self.destinations))]
        out += [_text(name) for name in self.destinations]
        out += [_u32(len(self.tags)), *(_blob(tag) for tag in self.tags), _u32(len(self.refs))]
        for seq, refs in self.refs.items():
            out += [struct.pack(">QI", seq, len(refs.items)), refs.items.tobytes(), refs.tag.tobytes()]
        out += [_u32(self.payload_items), _blob(self.payload)]
        return b"".join(out)

    @classmethod
    def unpack(cls, data: bytes) -> Delivery:
        """The record that ``pack`` wrote."""
        read = _Reader(data)
        flags, code = read.take(2)
        retention_class = read.blob().decode()
        destinations = tuple(read.blob().decode() for _ in range(read.u32()))
        tags = tuple(read.blob() for _ in range(read.u32()))
        refs = {}
        for _ in range(read.u32()):
            seq, count = struct.unpack(">QI", read.take(12))
            items, tag = array("I"), array("I")
            items.frombytes(read.take(count * items.itemsize))
            tag.frombytes(read.take(count * tag.itemsize))
            refs[seq] = Refs(items, tag)
        payload_items = read.u32()
        return cls(
            _SIGNAL[code],
            retention_class,
            destinations,
            tags,
            refs,
            read.blob(),
            payload_items,
            healthy=bool(flags & 1),
            copied=bool(flags & 2),
        )


class _Reader:
    """A cursor over a record's bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        start = self._at
        self._at += count
        if self._at > len(self._data):
            raise ValueError(f"record ends at byte {len(self._data)}, {self._at} wanted")
        return self._data[start : self._at]

    @property
    def left(self) -> bool:
        return self._at < len(self._data)

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def short(self) -> str:
        return self.take(int.from_bytes(self.take(2), "big")).decode()

    def blob(self) -> bytes:
        return self.take(self.u32())


@lru_cache(1024)
def _texts(*texts: str) -> bytes:
    """The texts of a verdict; most verdicts have the same ones."""
    return b"".join(_short(text) for text in texts)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _blob(data: bytes) -> bytes:
    return _u32(len(data)) + data


def _short(value: str) -> bytes:
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def _text(value: str) -> bytes:
    return _blob(value.encode())
