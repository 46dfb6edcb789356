"""Text inside of text: percent-encoding, JSON and HTML escapes, also doubled ones, read as what they stand for.

Only what encoders really escape is read: no letter, no digit, no dash and no dot. So names and numbers stand in the
raw bytes as they are, and a gate needs to know escapes only where it has a space or another sign within it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

_CODE = "0[9aAdD]|2[0-9abcfABCF]|3[a-fA-F]|40|5[bdBD]|7[b-dB-D]"
_DECIMAL = "9|10|13|3[2-9]|4[0-4]|47|5[89]|6[0-4]|9[13]|12[3-5]"  # the same in decimal
_ESCAPE = re.compile(
    rf"%(?:25){{0,2}}(?P<percent>{_CODE})"
    rf"|\\{{1,4}}(?:(?:u00|x)(?P<json>{_CODE})|(?P<short>[nrt/]))"
    rf"|&(?:amp;)?(?:(?P<entity>quot|amp|apos|lt|gt|nbsp|commat);|#[xX]0{{0,4}}(?P<hex>{_CODE});|#0{{0,4}}(?P<decimal>{_DECIMAL});)"
)
_PLUS = re.compile(r"(?<=[^\s=&?:,;(\[])\+")  # not one at the start of a value: that of a telephone number
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "/": "/"}
_ENTITIES = {"quot": '"', "amp": "&", "apos": "'", "lt": "<", "gt": ">", "nbsp": " ", "commat": "@"}

_SPACE = r"(?:[ +]|(?:%(?:25){0,2}|\\{1,4}u00)20)"  # also a plus, as forms encode it
_GATE_GAPS = {" ": _SPACE, "[-._ ]": f"(?:[-._]|{_SPACE})", "[?&]": "[?&;6f]"}  # &amp; %26 %3f
_GAPS = re.compile(r"\[-\._ \]|\[\?&\]| ")
ESCAPED_SEPARATOR = rb"[0-9][ +.\-/()]{0,4}(?:(?:%(?:25){0,2}|\\{1,4}u00)2[089bfBF]|\\{1,4}/)"
"""A gate: within a number the first separator that is escaped."""

ESCAPE_GATES = (
    rb"\\x(?:0[9aAdD]|2[0134589abcfABCF]|3[abdfABDF]|40|5[bdBD]|7[b-dB-D])",
    rb"&(?:amp;)?#[xX]0{0,4}(?:0?[9aAdD]|2[0134589abcfABCF]|3[abdfABDF]|40|5[bdBD]|7[b-dB-D]);",
    rb"&(?:amp;)?#0{0,4}(?:9|10|13|3[23567]|4[0-4]|47|5[89]|61|6[34]|9[13]|12[3-5]);",
    rb"(?:nbsp|commat);",
)
"""For every detector: escapes that its own gates do not have. Quotes and angles are in no gate."""


class Unescaped(NamedTuple):
    """A text without its escapes, and where its characters stood."""

    text: str
    stops: list[int]
    """Where in ``text`` each character ends that was an escape."""
    shifts: list[int]
    """How many characters the raw text is longer before the first escape, and after each."""

    def raw(self, place: int) -> int:
        """Where a place, or an end, is in the raw text."""
        return place + self.shifts[bisect_right(self.stops, place)]


def unescape(text: str) -> Unescaped:
    """The text as it was before it was escaped.

    >>> unescape("q=bob%40example.com").text
    'q=bob@example.com'
    """
    out: list[str] = []
    stops: list[int] = []
    shifts = [0]
    done = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        out += (text[done:start], _meaning(match))
        shifts.append(shifts[-1] + end - start - 1)
        stops.append(end - shifts[-1])
        done = end
    out.append(text[done:])
    return Unescaped("".join(out), stops, shifts)


def _meaning(match: re.Match[str]) -> str:
    code = match["percent"] or match["json"] or match["hex"]
    if code is not None:
        return chr(int(code, 16))
    if match["decimal"] is not None:
        return chr(int(match["decimal"]))
    short = match["short"]
    return _ENTITIES[match["entity"]] if short is None else _SHORT[short]


def readings(text: str) -> Iterator[Unescaped]:
    """The text without its escapes, if it has any; and with pluses for spaces, if it may be in a form's encoding."""
    if "%" in text or "\\" in text or "&" in text:
        plain = unescape(text)
        if plain.stops:
            yield plain
    if "+" in text and ("%" in text or " " not in text):
        yield unescape(_PLUS.sub(" ", text))


def as_gate(words: str) -> bytes:
    """Words of an expression as a gate for raw bytes: in either case, and with gaps that may be escaped."""
    return b"(?i)" + _GAPS.sub(_with_escapes, words).encode()


def _with_escapes(gap: re.Match[str]) -> str:
    return _GATE_GAPS[gap[0]]
