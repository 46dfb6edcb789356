"""Text inside of text: percent-encoding, JSON and HTML escapes, also doubled ones, read as what they stand for.

Also read over is what nobody sees: colours of terminals, soft hyphens, characters without a width. Encoders seldom
escape letters, digits, dashes and dots. So names and numbers mostly stand in the raw bytes as they are, a gate needs to
know escapes only where it has a space or another sign within it, and whatever is escaped besides is a gate by itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from errorplane.detectors._lazy import lazy

_CODE = "0[9aAdD]|[2-6][0-9a-fA-F]|7[0-9a-eA-E]"
_DECIMAL = "9|10|13|3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]"  # the same in decimal
_INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
# The same, spaces, dashes and full-width forms, in UTF-16, in decimal, and in UTF-8. What is folded comes out folded later.
_WIDE = (
    "00[aA][0dD]|20(?:0[0-9a-fA-F]|1[0-5]|2[a-fA-F]|5[fF]|6[0-46-9])|2212|3000|[fF][eE](?:58|63|[fF][fF])"
    "|[fF][fF](?:0[1-9a-fA-F]|[1-4][0-9a-fA-F]|5[0-9a-eA-E])"
)
_WIDE_HEX = rf"{_WIDE}|[aA][0dD]"
_WIDE_DECIMAL = "1(?:60|73)|8(?:19[2-9]|20[0-9]|21[0-3]|23[4-9]|28[7-9]|29[0-24-7]|722)|12288|65(?:112|123|2(?:79|[89][0-9])|3[0-6][0-9]|37[0-4])"
_PERCENT = "%(?:25){0,2}"
_WIDE_UTF8 = (
    f"[cC]2{_PERCENT}[aA][0dD]|[eE]2{_PERCENT}(?:80{_PERCENT}(?:[89][0-9a-fA-F]|[aA][a-fA-F])|81{_PERCENT}(?:9[fF]|[aA][0-9])"
    f"|88{_PERCENT}92)|[eE]3{_PERCENT}80{_PERCENT}80|[eE][fF]{_PERCENT}[bB](?:9{_PERCENT}(?:98|[aA]3)|[bB]{_PERCENT}[bB][fF]"
    f"|[cC]{_PERCENT}[89abAB][0-9a-fA-F]|[dD]{_PERCENT}[89][0-9a-fA-F])"
)
_NAMES = {
    "quot": '"', "amp": "&", "apos": "'", "lt": "<", "gt": ">", "nbsp": " ", "commat": "@", "period": ".",
    "plus": "+", "colon": ":", "sol": "/", "lowbar": "_", "hyphen": "-", "ndash": "-", "mdash": "-", "minus": "-",
    "ensp": " ", "emsp": " ", "thinsp": " ", "shy": "", "zwnj": "", "zwj": "", "lrm": "", "rlm": "",
}  # fmt: skip
_COLOUR = r"\[[0-9;:?]{0,32}[A-Za-z]"  # what follows ESC (ECMA-48, control sequences)
_ESCAPE = lazy(
    rf"%(?:25){{0,2}}(?:(?P<percent>{_CODE})|(?P<utf8>{_WIDE_UTF8}))"
    rf"|\\{{1,4}}(?:(?:u00|x)(?P<json>{_CODE})|u(?P<wide>{_WIDE})|(?P<short>[nrt/])|(?P<escaped>u001[bB]|x1[bB]|033|e){_COLOUR})"
    rf"|&(?:amp;)?(?:(?P<entity>{'|'.join(_NAMES)});|#[xX]0{{0,4}}(?P<hex>{_CODE}|{_WIDE_HEX});|#0{{0,4}}(?P<decimal>{_DECIMAL}|{_WIDE_DECIMAL});)"
    rf"|{_INVISIBLE}|(?:\x1b|#033){_COLOUR}"
)
_IS_INVISIBLE = lazy(_INVISIBLE)
_PLUS = lazy(r"(?<=[^\s=&?:,;(\[])\+")  # not one at the start of a value: that of a telephone number
_PERCENT_SIGNS = lazy(_PERCENT)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "/": "/"}

ESCAPED = rb"(?:%(?:25){0,2}|\\{1,4}u00)"
"""For gates: what stands before the hexadecimal code of a sign that is escaped, in percent-encoding or in JSON."""
_SPACE = f"(?:[ +]|{ESCAPED.decode()}20)"  # also a plus, as forms encode it
_GATE_GAPS = {" ": _SPACE, "[-._ ]": f"(?:[-._]|{_SPACE})", "[?&]": "[?&;6f]"}  # &amp; %26 %3f
_GAPS = lazy(r"\[-\._ \]|\[\?&\]| ")
ESCAPED_SEPARATOR = rb"[0-9][ +.\-/()]{0,4}(?:" + ESCAPED + rb"2[089bfBF]|\\{1,4}/)"
"""A gate: within a number the first separator that is escaped."""

_RARE = "2[dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCeEfF]|6[0-9a-fA-F]|7[0-9aAeE]"
"""Codes of letters, digits and of signs that hardly anybody escapes."""
_NAMES_IN_NO_GATE = ("quot", "amp", "apos", "lt", "gt")

ESCAPE_GATES = (
    rb"\\x(?:0[9aAdD]|2[0134589abcfABCF]|3[abdfABDF]|40|5[bdBD]|7[b-dB-D])",
    rb"&(?:amp;)?#[xX]0{0,4}(?:0?[9aAdD]|2[0134589abcfABCF]|3[abdfABDF]|40|5[bdBD]|7[b-dB-D]);",
    rb"&(?:amp;)?#0{0,4}(?:9|10|13|3[23567]|4[0-4]|47|5[89]|61|6[34]|9[13]|12[3-5]);",
    *(
        gate.encode()
        for gate in (
            rf"(?:%(?:25){{0,2}}|\\u00|\\x)(?:{_RARE})",
            rf"&(?:amp;)?#(?:[xX]0{{0,4}}(?:{_RARE}|{_WIDE_HEX})|0{{0,4}}(?:4[5-9]|[5-9][0-9]|1[01][0-9]|12[0-2]|126|{_WIDE_DECIMAL}));",
            rf"&(?:amp;)?(?:{'|'.join(name for name in _NAMES if name not in _NAMES_IN_NO_GATE)});",
            rf"\\u(?:{_WIDE})",
            rf"{_PERCENT}(?:{_WIDE_UTF8})",
            r"(?:\x1b|[xX0]1[bB]|033|\\e)\[",
        )
    ),
    *(rb"\xc2\xad", rb"\xe2\x80[\x8b-\x8f\xaa-\xae]", rb"\xe2\x81[\xa0-\xa4\xa6-\xa9]", rb"\xef\xbb\xbf"),
)
"""For every detector: escapes that its own gates do not have. Quotes and angles are in no gate."""


class Unescaped(NamedTuple):
    """A text without its escapes, and where its characters stood."""

    text: str
    stops: list[float]
    """Where in ``text`` each character ends that was an escape; half a character further for what stands for none."""
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
    stops: list[float] = []
    shifts = [0]
    done = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        meaning = _meaning(match)
        out += (text[done:start], meaning)
        shifts.append(shifts[-1] + end - start - len(meaning))
        stops.append(end - shifts[-1] + (0 if meaning else 0.5))
        done = end
    out.append(text[done:])
    return Unescaped("".join(out), stops, shifts)


def _meaning(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind is None or kind == "escaped":
        return ""
    value = found[kind]
    match kind:
        case "entity":
            return _NAMES[value]
        case "short":
            return _SHORT[value]
        case "utf8":
            char = bytes.fromhex(_PERCENT_SIGNS.sub("", value)).decode()
        case "decimal":
            char = chr(int(value))
        case _:
            char = chr(int(value, 16))
    return "" if _IS_INVISIBLE.match(char) else char


def readings(text: str) -> Iterator[Unescaped]:
    """The text without its escapes, if it has any; and with pluses for spaces, if it may be in a form's encoding."""
    if "%" in text or "\\" in text or "&" in text or _may_hide(text):
        plain = unescape(text)
        if plain.stops:
            yield plain
    if "+" in text and ("%" in text or " " not in text):
        yield unescape(_PLUS.sub(" ", text))


def _may_hide(text: str) -> bool:
    return "\x1b" in text or "#033" in text or (not text.isascii() and _IS_INVISIBLE.search(text) is not None)


def as_gate(words: str) -> bytes:
    """Words of an expression as a gate for raw bytes: in either case, and with gaps that may be escaped."""
    return b"(?i)" + _GAPS.sub(_with_escapes, words).encode()


def _with_escapes(gap: re.Match[str]) -> str:
    return _GATE_GAPS[gap[0]]
