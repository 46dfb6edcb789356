"""One value looked at: parsed, its strings and numbers checked one by one, written anew where something is masked."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.detectors import TOP
from errorplane.errors import (
    POLICY_VERSION,
    RETENTION_CLASS,
    SAMPLING_PROBABILITY,
    SAMPLING_RULE,
    SUPPRESSED_COUNT,
    TRACE_CUT,
    TRACE_CUT_SPANS,
)
from errorplane.redaction._engine import Engine
from errorplane.redaction._marks import Mark, is_mark_key, read_mark
from errorplane.redaction._plain import plain, written
from errorplane.redaction._quarantine import ERROR, Seal, withheld
from errorplane.redaction._result import Limits
from errorplane.redaction._shapes import Kind
from errorplane.redaction._strings import Strings

# What only the pipeline may say; senders' own are taken out.
_RESERVED = frozenset(
    (RETENTION_CLASS, POLICY_VERSION, SAMPLING_RULE, SAMPLING_PROBABILITY, SUPPRESSED_COUNT, TRACE_CUT, TRACE_CUT_SPANS)
)
_CACHED_VALUES, _CACHED_BYTES = 8192, 512


class Looked(NamedTuple):
    """What to put in place of a field's body, and what was found in it."""

    new: bytes | None
    """None: as it is; b"" with ``remove``: the whole field goes."""
    found: tuple[tuple[str, int], ...] = ()
    stripped: int = 0
    remove: bool = False
    mark: Mark | None = None
    """What an earlier errorplane says; stands there unchanged."""
    quarantined: tuple[tuple[str, int], ...] = ()
    """How many texts were withheld, by reason."""


_AS_IT_IS = Looked(None)
_RESERVED_GOES = Looked(b"", remove=True)
_UNKNOWN_GOES = Looked(b"", stripped=1, remove=True)


class Looker:
    """Looks at the bodies of fields in which the gate has a hit; safe to use from several threads.

    Small ones are remembered, since the same resources, user agents and addresses come again and again.
    """

    def __init__(self, engine: Engine, limits: Limits, clock: Callable[[], float], seal: Seal | None) -> None:
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._seal = seal
        self._remembered = functools.lru_cache(_CACHED_VALUES)(self._look_at_small)

    def look(self, kind: Kind, body: bytes, deadline: float) -> Looked:
        """What has to become of a field, which is not quiet; never raises, since what cannot be looked at is withheld."""
        try:
            if len(body) <= _CACHED_BYTES and self._clock() <= deadline:
                return self._remembered(kind, body)
            return self._look(kind, body, deadline)
        except _WithheldError as withheld_for_now:
            return withheld_for_now.looked
        except Exception:  # noqa: BLE001  # the boundary: no fault may let the value pass
            return self._withheld(kind, body)

    def is_clean(self, pair: bytes, deadline: float) -> bool:
        """Whether a whole small KeyValue is to stay as it is; a large one is not remembered, and not looked at here."""
        return len(pair) <= _CACHED_BYTES and self.look(Kind.KEY_VALUE, pair, deadline) is _AS_IT_IS

    def _look_at_small(self, kind: Kind, body: bytes) -> Looked:
        """Without a deadline, as its time is bounded; raises what is not to be remembered."""
        looked = self._look(kind, body, math.inf)
        if looked.quarantined:
            raise _WithheldError(looked)
        return looked

    def _look(self, kind: Kind, body: bytes, deadline: float) -> Looked:
        looked = self._look_at_plain(kind, body) if deadline == math.inf else None
        return self._look_into(kind, body, deadline) if looked is None else looked

    def _look_at_plain(self, kind: Kind, body: bytes) -> Looked | None:
        """The same as ``_look_into`` in a third of its time; None where that one is needed."""
        read = plain(kind, body)
        if read is None or len(body) > self._limits.text or b"\0" in body:
            return None
        key, text = read
        try:
            if key is not None and (key in _RESERVED or is_mark_key(key) or self._engine.redact(key)[1]):
                return None
            new, findings = self._engine.redact(text, key)
        except Exception:  # noqa: BLE001  # the boundary: the full look withholds what it happens in
            return None
        if not findings:
            return _AS_IT_IS
        found = Counter(finding.entity for finding in findings)
        return Looked(written(kind, key, new), tuple(found.items()))

    def _look_into(self, kind: Kind, body: bytes, deadline: float) -> Looked:
        if kind is Kind.UNKNOWN:
            return _UNKNOWN_GOES
        strings = Strings(self._engine, self._limits, self._clock, deadline, self._seal)
        if kind is Kind.KEY_VALUE:
            return _look_at_pair(strings, body)
        if kind is Kind.ANY_VALUE:
            value = AnyValue.FromString(body)
            stripped = _strip(value, len(body))
            strings.value(value, TOP, 0)
            return _looked(strings, value.SerializeToString, stripped)
        new = strings.raw(body, TOP)
        return _looked(strings, lambda: new, 0)

    def _withheld(self, kind: Kind, body: bytes) -> Looked:
        text = withheld(ERROR, body, self._seal)
        match kind:
            case Kind.KEY_VALUE:
                key = withheld(ERROR, b"", None)
                new = KeyValue(key=key, value=AnyValue(string_value=text)).SerializeToString()
            case Kind.ANY_VALUE:
                new = AnyValue(string_value=text).SerializeToString()
            case _:
                new = text.encode()
        return Looked(new, quarantined=((ERROR, 1),))


class _WithheldError(Exception):
    def __init__(self, looked: Looked) -> None:
        super().__init__()
        self.looked = looked


def _look_at_pair(strings: Strings, body: bytes) -> Looked:
    pair = KeyValue.FromString(body)
    if pair.key in _RESERVED:
        return _RESERVED_GOES
    stripped = _strip(pair, len(body))
    if is_mark_key(pair.key):
        mark = None if stripped else read_mark(pair)
        return _RESERVED_GOES if mark is None else Looked(None, mark=mark)
    strings.pair(pair, TOP, 0)
    return _looked(strings, pair.SerializeToString, stripped)


def _looked(strings: Strings, serialise: Callable[[], bytes], stripped: int) -> Looked:
    found, quarantined = tuple(strings.found.items()), tuple(strings.quarantined.items())
    if not (found or quarantined or stripped):
        return _AS_IT_IS
    return Looked(serialise(), found, stripped, quarantined=quarantined)


def _strip(message: AnyValue | KeyValue, size: int) -> int:
    """Take out what the schema does not know; there is a hit somewhere in this value of ``size`` bytes, perhaps in that.

    A field that a later one overrides (both may stand there, the last one counts) is gone once the message is written
    anew. Only then is it shorter.
    """
    message.DiscardUnknownFields()
    return int(message.ByteSize() != size)
