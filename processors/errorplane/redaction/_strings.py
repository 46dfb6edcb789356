"""Every string and number of one value, looked at in its place and changed there.

A string that cannot be looked at is withheld alone. One in which the gate has no hit needs no look: it passes whatever
its length and however late it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

from errorplane.detectors import TOP, Place
from errorplane.redaction._engine import Engine
from errorplane.redaction._quarantine import DEADLINE, DEPTH, ENCODING, ERROR, SIZE, Seal, withheld
from errorplane.redaction._result import Limits

WIDE_TEXT = re.compile(rb"(?:[ -~]\0){6}|(?:[ -~]\0{3}){4}")  # UTF-16 or UTF-32, in either order of bytes
_LARGEST_EXACT = 1e19  # no card has more digits


class Strings:
    """Looks at texts and counts what it found and what it had to withhold; for one value and one thread."""

    def __init__(
        self, engine: Engine, limits: Limits, clock: Callable[[], float], deadline: float, seal: Seal | None
    ) -> None:
        self.found: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._deadline = deadline
        self._seal = seal

    def pair(self, pair: KeyValue, outer: Place, depth: int) -> None:
        """An attribute, or an entry of a map that stands at ``outer``."""
        inner = outer.inside(pair.key, self._engine.keys)
        key = self.text(pair.key, TOP)
        if key != pair.key:
            pair.key = key
        self.value(pair.value, inner, depth)

    def value(self, value: AnyValue, place: Place, depth: int) -> None:
        """A value of any type, with all that is in it."""
        held = value.WhichOneof("value")
        if depth >= self._limits.depth and held in ("array_value", "kvlist_value"):
            value.string_value = self._withheld(DEPTH, value.SerializeToString())
            return
        match held:
            case "string_value":
                self._replace(value, value.string_value, place)
            case "int_value":
                self._replace(value, str(value.int_value), place)
            case "double_value":
                self._replace(value, whole_digits(value.double_value) or repr(value.double_value), place)
            case "bytes_value":
                new = self.raw(value.bytes_value, place)
                if new != value.bytes_value:
                    value.bytes_value = new
            case "array_value":
                before = ""
                for each in value.array_value.values:
                    text = each.string_value
                    self.value(each, place.after(before, text), depth + 1)
                    before = text
            case "kvlist_value":
                named = _named(value.kvlist_value)
                for pair in value.kvlist_value.values:
                    is_value = named and pair.key.lower() == "value"
                    self.pair(pair, place.inside(named, self._engine.keys) if is_value else place, depth + 1)

    def raw(self, data: bytes, place: Place) -> bytes:
        """Bytes that may hold text."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data if self._is_mere_data(data, place) else self._withheld(ENCODING, data).encode()
        new = self.text(text, place)
        return data if new == text else new.encode()

    def _is_mere_data(self, data: bytes, place: Place) -> bool:
        """Whether bytes that are no UTF-8 hold nothing, as far as they can be read."""
        try:
            if WIDE_TEXT.search(data) is not None or not self._engine.is_quiet(data):
                return False
            if len(data) > self._limits.text or self._clock() > self._deadline:
                return self._engine.is_quiet(data, place.key, place.kind)
            return not self._engine.find(data.decode("utf-8", "surrogateescape"), place.key, kind=place.kind)
        except Exception:  # noqa: BLE001  # the boundary: a fault of a detector must not let the bytes pass
            return False

    def text(self, text: str, place: Place) -> str:
        """The text, with what is found in it replaced, or what stands in its place."""
        try:
            reason = self._hindrance(text)
            if reason is None:
                new, findings = self._engine.redact(text, place.key, kind=place.kind)
                self.found.update(finding.entity for finding in findings)
                return new
            if reason is not ENCODING and self._engine.is_quiet(text.encode(), place.key, place.kind):
                return text
        except Exception:  # noqa: BLE001  # the boundary: a fault of a detector must not let the text pass
            reason = ERROR
        return self._withheld(reason, text.encode("utf-8", "surrogatepass"))

    def _hindrance(self, text: str) -> str | None:
        if len(text) > self._limits.text:
            return SIZE
        if "\0" in text and WIDE_TEXT.search(text.encode()) is not None:
            return ENCODING
        return DEADLINE if self._clock() > self._deadline else None

    def _replace(self, value: AnyValue, text: str, place: Place) -> None:
        new = self.text(text, place)
        if new != text:
            value.string_value = new

    def _withheld(self, reason: str, original: bytes) -> str:
        self.quarantined[reason] += 1
        return withheld(reason, original, self._seal)


def _named(entries: KeyValueList) -> str:
    """The name in ``{"name": "password", "value": "x"}``, of headers, cookies and variables of an environment."""
    for pair in entries.values:
        if pair.key.lower() in ("name", "key"):
            return pair.value.string_value
    return ""


def whole_digits(number: float) -> str | None:
    """A whole number as a card would be written, 4111111111111111.0 without its fraction; None of another."""
    return str(int(number)) if abs(number) < _LARGEST_EXACT and number.is_integer() else None
