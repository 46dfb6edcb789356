"""A payload on its way to one destination: its action in place of every token of the journal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.detectors import Finding, Transform, replacement
from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, MalformedWire, splice, walk
from errorplane.redaction._locate import targets
from errorplane.redaction._shapes import SHAPES, Kind
from errorplane.redaction.actions._keyed import TokenKey

NOTHING = "\x00"
"""What a token of the journal stands for whose value no destination needs."""
_NAME = re.compile(r"[a-z0-9_]*\Z")
_ENTITY = re.compile(r"[a-z][a-z0-9_]{1,63}")
_UNKNOWN_ENTITY = "TOKEN"
_LONGEST_NAME = 68
_REASON = "a token of the journal"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A payload that may leave. ``lost`` counts by entity the tokens that could not be opened."""

    payload: bytes
    lost: Mapping[str, int]


class Rewriter:
    """Replaces the tokens of one key; what cannot be opened becomes ``<ENTITY>``, none leaves as it is.

    Those of ``retired`` keys too, each by a rewriter of its own.
    """

    def __init__(self, key: TokenKey, transform: Transform, retired: Sequence[TokenKey] = ()) -> None:
        self._retired = tuple(Rewriter(each, transform) for each in retired)
        self._key = key
        self._transform = transform
        self._mark = f"_{key.id}_"
        self._mark_bytes = self._mark.encode()

    def payload(self, signal: Signal, payload: bytes) -> Rewritten:
        """An Export request, serialised; the same bytes where there is no token in it.

        Raises ``DecodeError`` for what is no request of this signal.
        """
        lost: Counter[str] = Counter()
        for each in (*self._retired, self):
            rewritten = each._own(signal, payload)
            payload = rewritten.payload
            lost.update(rewritten.lost)
        return Rewritten(payload, lost)

    def _own(self, signal: Signal, payload: bytes) -> Rewritten:
        if self._mark_bytes not in payload:
            return Rewritten(payload, {})
        try:
            rewritten = self._spliced(signal, payload)
        except (MalformedWire, IndexError):  # valid for upb, but too odd to be followed
            return self._parsed(signal, payload)
        return rewritten if self._mark_bytes not in rewritten.payload else self._parsed(signal, payload)

    def _spliced(self, signal: Signal, payload: bytes) -> Rewritten:
        """Only the fields that hold a token are parsed and written anew."""
        lost: Counter[str] = Counter()
        edits: list[Edit] = []
        for _, found in targets(payload, walk(signal, payload), SHAPES[signal], list(self._places(payload))):
            for target in found:
                if target.frame is None or target.kind is Kind.UNKNOWN:
                    edits.append(Edit(target.head, target.end, b"", target.outer))
                    continue
                start, end = target.frame.start, target.frame.end
                new = self._field(target.kind, payload[start:end], lost)
                edits.append(Edit(start, end, new, (*target.outer, target.frame)))
        return Rewritten(splice(payload, edits), lost)

    def _places(self, payload: bytes) -> Iterator[int]:
        at = payload.find(self._mark_bytes)
        while at >= 0:
            yield at
            at = payload.find(self._mark_bytes, at + 1)

    def _field(self, kind: Kind, body: bytes, lost: MutableMapping[str, int]) -> bytes:
        if kind is Kind.KEY_VALUE or kind is Kind.ANY_VALUE:
            message = (KeyValue if kind is Kind.KEY_VALUE else AnyValue).FromString(body)
            self._message(message, lost)
            return message.SerializeToString()
        return self.text(body.decode("utf-8", "surrogateescape"), lost).encode("utf-8", "surrogateescape")

    def _parsed(self, signal: Signal, payload: bytes) -> Rewritten:
        """The whole request parsed; fields that the schema does not know are left out."""
        message = signal.request_type.FromString(payload)
        message.DiscardUnknownFields()
        lost: Counter[str] = Counter()
        self._message(message, lost)
        return Rewritten(message.SerializeToString(), lost)

    def text(self, text: str, lost: MutableMapping[str, int]) -> str:
        """A text with the destination's actions in place of the tokens in it; ``lost`` is counted up."""
        at = text.find(self._mark)
        if at < 0:
            return text
        out: list[str] = []
        done = 0
        while at >= 0:
            start, end, new = self._replaced(text, done, at, lost)
            out += (text[done:start], new)
            done = end
            at = text.find(self._mark, done)
        out.append(text[done:])
        return "".join(out)

    def _replaced(self, text: str, floor: int, at: int, lost: MutableMapping[str, int]) -> tuple[int, int, str]:
        opened = self._key.find(text, floor, at)
        if opened is not None:
            finding = Finding(opened.entity, 0, len(opened.value), 1.0, _REASON)
            return opened.start, opened.end, self._transform(finding, opened.value)
        start, end, entity = self._damaged(text, floor, at)
        lost[entity] = lost.get(entity, 0) + 1
        return start, end, replacement(entity)

    def _damaged(self, text: str, floor: int, at: int) -> tuple[int, int, str]:
        """What is left of a token that does not open: all that may belong to it."""
        floor = max(floor, at - _LONGEST_NAME)
        name = _NAME.search(text[floor:at])
        assert name is not None  # it matches the empty end
        head = text.rfind("tok_", floor + name.start(), at)
        start = head if head >= 0 else floor + name.start()
        said = text[start + 4 : at] if head >= 0 else ""
        end = self._key.payload_end(text, at)
        return start, end, said.upper() if _ENTITY.fullmatch(said) else _UNKNOWN_ENTITY

    def _message(self, message: Message, lost: MutableMapping[str, int]) -> None:
        for field, value in message.ListFields():
            repeated = field.is_repeated
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                for each in value if repeated else (value,):
                    self._message(each, lost)
            elif field.type in _TEXTS:
                for place, old in _values(value, repeated):
                    new = self._value(old, lost)
                    if new == old:
                        continue
                    if place is None:
                        setattr(message, field.name, new)
                    else:
                        value[place] = new

    def _value(self, value: str | bytes, lost: MutableMapping[str, int]) -> str | bytes:
        if isinstance(value, str):
            return self.text(value, lost)
        if self._mark_bytes not in value:
            return value
        return self.text(value.decode("utf-8", "surrogateescape"), lost).encode("utf-8", "surrogateescape")


_TEXTS = frozenset((FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES))


def _values(value: Any, repeated: bool) -> Iterator[tuple[int | None, str | bytes]]:
    if repeated:
        yield from enumerate(value)
    else:
        yield None, value
