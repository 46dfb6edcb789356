"""Any Python value as JSON of a bounded size: what cannot be written is described, never raised."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from errorplane.errors import ask

TEXT_LENGTH: Final = 32_768
_ITEMS: Final = 128
_DEPTH: Final = 8


def to_json(fields: Mapping[str, object]) -> str:
    """One line of ASCII JSON, so that it survives any encoding of the stream."""
    return json.dumps(plain(fields), separators=(",", ":"), allow_nan=False)


def plain(value: object, depth: int = 0) -> Any:
    """The value in terms of JSON; long texts, long lists and deep nesting are cut."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _cut(_safe(value, str))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, str):
        return _cut(str.__str__(value))
    if isinstance(value, bytes | bytearray):
        return _cut(bytes(value[:TEXT_LENGTH]).decode("utf-8", "backslashreplace"))
    if depth >= _DEPTH:
        return _cut(_safe(value, repr))
    return _container(value, depth + 1)


def text_of(value: object) -> str:
    """`str(value)`, or a description where that fails."""
    return _cut(_safe(value, str))


def _container(value: object, depth: int) -> Any:
    # Mappings and sequences may be the application's own, and run its code.
    unprintable = _unprintable(value)
    if isinstance(value, Mapping):
        pairs = ask(lambda: list(islice(value.items(), _ITEMS)), [(unprintable, None)])
        return {text_of(key): plain(item, depth) for key, item in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth) for item in ask(lambda: list(islice(value, _ITEMS)), [unprintable])]
    return _cut(_safe(value, str))


def _safe(value: object, printer: Callable[[object], str]) -> str:
    return ask(lambda: str(printer(value)), _unprintable(value))


def _unprintable(value: object) -> str:
    return f"<unprintable {type(value).__name__}>"


def _cut(text: str) -> str:
    """The beginning and the end of a long text: a stack trace has its cause at the end."""
    if len(text) <= TEXT_LENGTH:
        return text
    half = TEXT_LENGTH // 2
    return f"{text[:half]} … {text[-half:]}"
