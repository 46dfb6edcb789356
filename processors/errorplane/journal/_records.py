"""The records that the journal stores, and their bytes."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from errorplane.otlp import Signal

_SIGNAL_CODE = {Signal.TRACES: 1, Signal.LOGS: 2, Signal.METRICS: 3}
_SIGNAL = {code: signal for signal, code in _SIGNAL_CODE.items()}
_VERDICT = struct.Struct(">BBdQd")
_VERDICT_VERSION = 1
_REQUEST = struct.Struct(">Bd")


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """One journalled Export request, redacted. ``received_at`` is Unix time in seconds."""

    signal: Signal
    received_at: float
    body: bytes

    def pack(self) -> bytes:
        """Bytes of the record, before compression."""
        return _REQUEST.pack(_SIGNAL_CODE[self.signal], self.received_at) + self.body

    @classmethod
    def unpack(cls, data: bytes) -> StoredRequest:
        """The record that ``pack`` wrote."""
        code, received_at = _REQUEST.unpack_from(data)
        return cls(_SIGNAL[code], received_at, data[_REQUEST.size :])


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """What was decided for one trace, kept so that late items follow it and a restart does not decide again.

    ``through`` is the last request that had been indexed when it was decided; ``decided_at`` is Unix time in seconds.
    """

    keep: bool
    rule: str
    probability: float
    retention_class: str
    decided_at: float
    through: int

    def pack(self) -> bytes:
        """Bytes of the record: fixed part, then the two names, each with a length byte."""
        rule, retention = self.rule.encode(), self.retention_class.encode()
        fixed = _VERDICT.pack(_VERDICT_VERSION, self.keep, self.decided_at, self.through, self.probability)
        return fixed + bytes([len(rule)]) + rule + bytes([len(retention)]) + retention

    @classmethod
    def unpack(cls, data: bytes) -> VerdictRecord:
        """The record that ``pack`` wrote."""
        _, keep, decided_at, through, probability = _VERDICT.unpack_from(data)
        at = _VERDICT.size
        rule_end = at + 1 + data[at]
        rule, retention = data[at + 1 : rule_end].decode(), data[rule_end + 1 :].decode()
        return cls(bool(keep), rule, probability, retention, decided_at, through)

    @staticmethod
    def age(data: bytes) -> tuple[float, int]:
        """``decided_at`` and ``through`` of a record, without reading the rest."""
        _, _, decided_at, through, _ = _VERDICT.unpack_from(data)
        return decided_at, through


@dataclass(slots=True)
class Refs:
    """Items of one journalled request: ``items[i]`` carries the appended attributes ``tags[tag[i]]`` of its delivery."""

    items: array[int] = field(default_factory=lambda: array("I"))
    tag: array[int] = field(default_factory=lambda: array("I"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one retention class sends of one signal: references into the journal, or a payload of its own.

    ``tags`` are encoded attribute fields to append to items; ``refs`` maps a request's number to its kept items;
    ``payload`` (error facts) is a whole Export request that stands in no other record.
    """

    signal: Signal
    retention_class: str
    destinations: tuple[str, ...]
    tags: tuple[bytes, ...] = ()
    refs: Mapping[int, Refs] = field(default_factory=dict)
    payload: bytes = b""
    payload_items: int = 0

    @property
    def items(self) -> int:
        """How many spans, log records or metrics it carries."""
        return self.payload_items + sum(len(refs.items) for refs in self.refs.values())

    def pack(self) -> bytes:
        """Bytes of the record, before compression."""
        out = [bytes([1, _SIGNAL_CODE[self.signal]]), _text(self.retention_class), _u32(len(self.destinations))]
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
        signal = _SIGNAL[read.take(2)[1]]
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
        return cls(signal, retention_class, destinations, tags, refs, read.blob(), payload_items)


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

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def blob(self) -> bytes:
        return self.take(self.u32())


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _blob(data: bytes) -> bytes:
    return _u32(len(data)) + data


def _text(value: str) -> bytes:
    return _blob(value.encode())
