"""Any Python value as JSON of a bounded size: what cannot be written is described, never raised."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from errorplane.errors import ask

LINE_LENGTH: Final = 131_072
"""The longest line, in bytes. Most collectors take no longer ones in the default of some part of theirs."""
TEXT_LENGTH: Final = 32_768
"""The longest single text, in characters."""
_KEY_LENGTH: Final = 256
_FEW: Final = 32
ITEMS: Final = 128
"""So many entries of a mapping or a list are looked at."""
_VALUES: Final = 1024
_DEPTH: Final = 8
_LEFT_OUT: Final = "…"
_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


def to_json(plain_fields: Mapping[str, Any]) -> str:
    """One line of ASCII JSON, so that it survives any encoding of the stream, of at most `LINE_LENGTH` characters.

    What makes it too long is cut: texts at first, then everything but the first fields.
    """
    line = _encode(plain_fields)
    room = LINE_LENGTH // 4
    while len(line) > LINE_LENGTH and room > _KEY_LENGTH:
        line = _encode(_shortened(plain_fields, room))
        room //= 2
    fields = list(plain_fields.items())
    while len(line) > LINE_LENGTH:
        fields = fields[: len(fields) // 2]
        line = _encode(_shortened(dict(fields), room))
    return line


def plain(value: object, cut_text: Callable[[str], str] | None = None) -> Any:
    """The value in terms of JSON; long texts, long lists, deep nesting and what comes after 1,024 values are cut.

    All texts in it have at most `2 * TEXT_LENGTH` characters together, so that looking through them takes a bounded
    time. `cut_text` says what is left of one that is longer than `TEXT_LENGTH`, and by default is `cut`.
    """
    if type(value) is dict and _is_plain(value):
        return value
    return _Walk(cut if cut_text is None else cut_text).value(value, 0)


def text_of(value: object) -> str:
    """`str(value)`, or a description where that fails."""
    return value if type(value) is str else _safe(value)


def cut(text: str, length: int = TEXT_LENGTH) -> str:
    """The beginning and the end of a long text: a stack trace has its cause at the end."""
    if len(text) > length:
        half = length // 2
        text = f"{text[:half]} … {text[-half:]}"
    return whole(text)


def whole(text: str) -> str:
    """Without halves of surrogate pairs, which strict parsers refuse: they are written as Python would print them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_plain(entries: dict[Any, Any]) -> bool:
    """Whether there is nothing to do, as with most of what is logged: few short texts, numbers and flags."""
    if len(entries) > _FEW:
        return False
    for key, item in entries.items():
        kind = type(item)
        if kind is str:
            if len(item) > _KEY_LENGTH or not item.isascii():
                return False
        elif kind is int:
            if not -(2**63) <= item < 2**63:
                return False
        elif kind is not bool and item is not None:
            return False
        if type(key) is not str or len(key) > _KEY_LENGTH or not key.isascii():
            return False
    return True


class _Walk:
    """One value on its way into JSON, with the room that is left for what is in it."""

    def __init__(self, cut_text: Callable[[str], str]) -> None:
        self._cut = cut_text
        self._values = _VALUES
        self._characters = 2 * TEXT_LENGTH

    def value(self, value: Any, depth: int) -> Any:
        self._values -= 1
        kind = type(value)  # proxies and mocks say that they are of a class which they only stand for
        if value is None or kind is bool:
            return value
        if issubclass(kind, int):
            return int(value) if -(2**63) <= value < 2**63 else self._text(_safe(value))
        if issubclass(kind, float):
            return float(value) if math.isfinite(value) else str(float(value))
        if issubclass(kind, str):
            return self._text(str.__str__(value))
        if issubclass(kind, bytes | bytearray):
            return self._text(bytes(value[: TEXT_LENGTH + 1]).decode("utf-8", "backslashreplace"))
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._container(value, depth + 1) if depth < _DEPTH else _LEFT_OUT
        return self._text(_safe(value))

    def _container(self, value: Any, depth: int) -> Any:
        # Mappings and sequences may be the application's own, and run its code.
        if isinstance(value, Mapping) or hasattr(type(value), "_asdict"):  # a named tuple: names tell what to hide
            pairs = ask(lambda: list(islice(_entries(value).items(), ITEMS)), [(_unprintable(value), None)])
            return {self._key(key): self.value(item, depth) for key, item in pairs if self._values > 0}
        items = ask(lambda: list(islice(value, ITEMS)), [_unprintable(value)])
        return [self.value(item, depth) for item in items if self._values > 0]

    def _key(self, key: object) -> str:
        text = self._text(key if type(key) is str else _safe(key))
        return text if len(text) <= _KEY_LENGTH else _LEFT_OUT

    def _text(self, text: str) -> str:
        if len(text) > TEXT_LENGTH or not text.isascii():
            text = self._cut(text)
        self._characters -= len(text)
        return text if self._characters >= 0 else _LEFT_OUT


def _entries(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else value._asdict()


def _shortened(value: Any, room: int) -> Any:
    """The plain value with every text cut to so many characters of JSON, and every key."""
    if isinstance(value, str):
        length = min(len(value), room)
        while len(_encode(text := cut(value, length))) > room + 2:
            length = length * 3 // 4
        return text
    if isinstance(value, dict):
        return {_shortened(key, min(room, _KEY_LENGTH)): _shortened(item, room) for key, item in value.items()}
    return [_shortened(item, room) for item in value] if isinstance(value, list) else value


def _safe(value: object) -> str:
    return ask(lambda: str.__str__(str(value)), _unprintable(value))


def _unprintable(value: object) -> str:
    return f"<unprintable {type(value).__name__}>"
