"""One value looked at: parsed, its strings and numbers checked one by one, written anew where something is masked."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.detectors import KeyClass, key_class
from errorplane.errors import POLICY_VERSION, RETENTION_CLASS, SAMPLING_PROBABILITY, SAMPLING_RULE
from errorplane.redaction._engine import Engine
from errorplane.redaction._marks import Mark, is_mark_key, read_mark
from errorplane.redaction._result import CannotScan, Limits
from errorplane.redaction._shapes import Kind

# What only the pipeline may say; senders' own are taken out.
_RESERVED = frozenset((RETENTION_CLASS, POLICY_VERSION, SAMPLING_RULE, SAMPLING_PROBABILITY))
_WHOLE = (KeyClass.SECRET, KeyClass.TOKEN)
_ID_LENGTHS = (0, 8, 16)
_CACHED_VALUES, _CACHED_BYTES = 8192, 512
_LARGEST_EXACT = 1e19  # no card has more digits


class Looked(NamedTuple):
    """What to put in place of a field's body, and what was found in it."""

    new: bytes | None
    """None: as it is; b"" with ``remove``: the whole field goes."""
    found: tuple[tuple[str, int], ...] = ()
    stripped: int = 0
    remove: bool = False
    mark: Mark | None = None
    """What an earlier errorplane says; stands there unchanged."""


_AS_IT_IS = Looked(None)
_RESERVED_GOES = Looked(b"", remove=True)
_UNKNOWN_GOES = Looked(b"", stripped=1, remove=True)


class Looker:
    """Looks at the bodies of fields in which the gate has a hit; safe to use from several threads.

    Small ones are remembered, since the same resources, user agents and addresses come again and again.
    """

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._remembered = functools.lru_cache(_CACHED_VALUES)(self._look)

    def look(self, kind: Kind, body: bytes) -> Looked:
        """Raises ``CannotScan``, whatever goes wrong."""
        try:
            return (self._remembered if len(body) <= _CACHED_BYTES else self._look)(kind, body)
        except CannotScan:
            raise
        except Exception as error:  # the boundary: a fault of a detector must not let the value pass
            raise CannotScan(f"error:{type(error).__name__}") from error

    def _look(self, kind: Kind, body: bytes) -> Looked:
        if kind is Kind.UNKNOWN:
            return _UNKNOWN_GOES
        if kind is Kind.ID and len(body) in _ID_LENGTHS:
            return _AS_IT_IS
        walk = _Walk(self._engine, self._limits)
        if kind is Kind.KEY_VALUE:
            return self._look_at_pair(walk, body)
        if kind is Kind.ANY_VALUE:
            value = AnyValue.FromString(body)
            stripped = _strip_unknown(value)
            walk.value(value, KeyClass.NONE, 0)
            return walk.result(value.SerializeToString, stripped)
        text = walk.text(body.decode("utf-8", "surrogateescape"), KeyClass.NONE)
        return walk.result(functools.partial(text.encode, "utf-8", "surrogateescape"), 0)

    def _look_at_pair(self, walk: _Walk, body: bytes) -> Looked:
        pair = KeyValue.FromString(body)
        if pair.key in _RESERVED:
            return _RESERVED_GOES
        stripped = _strip_unknown(pair)
        if is_mark_key(pair.key):
            mark = None if stripped else read_mark(pair)
            return _RESERVED_GOES if mark is None else Looked(None, mark=mark)
        walk.pair(pair, KeyClass.NONE, 0)
        return walk.result(pair.SerializeToString, stripped)


def _strip_unknown(message: AnyValue | KeyValue) -> int:
    """Take out what the schema does not know; there is a hit somewhere in this value, perhaps in that."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return int(message.ByteSize() != size)


class _Walk:
    """Looks at every string and number of one value and changes it in place."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._found: Counter[str] = Counter()

    def result(self, serialise: Callable[[], bytes], stripped: int) -> Looked:
        if not self._found and not stripped:
            return _AS_IT_IS
        return Looked(serialise(), tuple(self._found.items()), stripped)

    def pair(self, pair: KeyValue, outer: KeyClass, depth: int) -> None:
        own = key_class(pair.key)
        inherits = outer in _WHOLE or own is KeyClass.NONE  # what is inside of a secret is one, whatever its own key
        key = self.text(pair.key, KeyClass.NONE)
        if key != pair.key:
            pair.key = key
        self.value(pair.value, outer if inherits else own, depth)

    def value(self, value: AnyValue, kind: KeyClass, depth: int) -> None:
        if depth > self._limits.depth:
            raise CannotScan("depth")
        match value.WhichOneof("value"):
            case "string_value":
                self._replace(value, value.string_value, kind)
            case "int_value":
                self._replace(value, str(value.int_value), kind)
            case "double_value":
                self._replace(value, _digits(value.double_value), kind)
            case "bytes_value":
                self._replace_bytes(value, kind)
            case "array_value":
                for each in value.array_value.values:
                    self.value(each, kind, depth + 1)
            case "kvlist_value":
                for pair in value.kvlist_value.values:
                    self.pair(pair, kind, depth + 1)

    def text(self, text: str, kind: KeyClass) -> str:
        if len(text) > self._limits.text:
            raise CannotScan("size")
        new, findings = self._engine.redact(text, kind=kind)
        self._found.update(finding.entity for finding in findings)
        return new

    def _replace(self, value: AnyValue, text: str, kind: KeyClass) -> None:
        new = self.text(text, kind)
        if new != text:
            value.string_value = new

    def _replace_bytes(self, value: AnyValue, kind: KeyClass) -> None:
        text = value.bytes_value.decode("utf-8", "surrogateescape")
        new = self.text(text, kind)
        if new != text:
            value.bytes_value = new.encode("utf-8", "surrogateescape")


def _digits(number: float) -> str:
    """A number as a card would be written: 4111111111111111.0 without its fraction."""
    return str(int(number)) if abs(number) < _LARGEST_EXACT and number.is_integer() else repr(number)
