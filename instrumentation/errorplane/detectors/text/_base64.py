"""Text in base64 (RFC 4648, both alphabets), wherever it begins and ends: read, so that detectors can look into it.

Five groups of four signs in a row that stand for printable ASCII are what makes a run worth a look. Each sign of such a
group comes from a part of the alphabet, so that one random group in fourteen has this form, and one identifier,
digest, class name or path in some hundred thousand has five in a row. That makes it a gate as well: it has letters and
digits only, which nothing escapes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from errorplane.detectors._lazy import lazy

_GROUP = "[I-Za-f][C-HS-Xi-nyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589][0-9A-Za-z]"
_GROUPS = 5
_WINDOW = lazy(f"(?:{_GROUP}){{{_GROUPS}}}")
_LEAST = 4 * _GROUPS
_RUN = lazy(rf"[0-9A-Za-z+/_-]{{{_LEAST},}}={{0,2}}")
_CONTROL = lazy(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_STANDARD = str.maketrans("-_", "+/")
_LETTERS = bytes.maketrans(b"d", b"a")
_LETTERS_IN_A_ROW = b"a" * _LEAST

BASE64_GATE = f"(?:{_GROUP}){{{_GROUPS}}}".encode()
"""A Hyperscan expression: matches wherever there is something that ``decoded_runs`` reads."""


class Decoded(NamedTuple):
    """What stands in ``raw[start:end]``."""

    text: str
    start: int
    end: int


def decoded_runs(text: str, shape: bytes) -> Iterator[Decoded]:
    """The texts that stand in a text in base64, from the first to the last sign of what is printable.

    ``shape`` is that of ``Subject``. Linear in the length.

    >>> [run.text for run in decoded_runs("q=Ym9iLnNtaXRoQGV4YW1wbGUuY29t", b"a=" + b"a" * 28)]
    ['bob.smith@example.com']
    """
    first = shape.translate(_LETTERS).find(_LETTERS_IN_A_ROW)
    if first < 0 or _WINDOW.search(text, first) is None:
        return
    run = _RUN.search(text, text.rfind(" ", 0, first) + 1)
    while run is not None:
        window = _WINDOW.search(text, *run.span())
        if window is not None:
            yield from _decoded(text, run, window)
        run = _RUN.search(text, run.end())


def _decoded(text: str, run: re.Match[str], window: re.Match[str]) -> Iterator[Decoded]:
    start = run.start() + (window.start() - run.start()) % 4
    signs = text[start : run.end()].rstrip("=").translate(_STANDARD)
    signs = signs[: len(signs) - (len(signs) % 4 == 1)]
    data = binascii.a2b_base64(signs + "=" * (-len(signs) % 4))
    done = 0
    for control in (*_CONTROL.finditer(data), None):
        until = len(data) if control is None else control.start()
        # Only whole groups: the one with the control sign in it belongs to neither side.
        low, high = -(-done // 3), until // 3
        at, end = start + 4 * low, run.end() if control is None else start + 4 * high
        if end - at >= _LEAST and _WINDOW.search(text, at, end) is not None:
            yield Decoded(data[3 * low : len(data) if control is None else 3 * high].decode(errors="replace"), at, end)
        done = until + 1
