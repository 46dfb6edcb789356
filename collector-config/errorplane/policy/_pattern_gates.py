"""A pattern in RE2's syntax as an expression of Hyperscan over raw bytes that matches wherever the pattern does.

Anchors and word boundaries are left out, since in raw bytes other fields stand around a text. Characters beyond ASCII
are any sequence of UTF-8. Signs that encoders escape (percent-encoding, JSON, HTML, forms) may stand escaped. Large
counts are cut short.
"""

from __future__ import annotations

import re
import string
from typing import NamedTuple

_MOST = 24  # longer counts only make the expression slower, not rarer
_WIDE = rb"[\xc2-\xf4][\x80-\xbf]{1,3}"
_ESCAPED = rb"\+|%[0-9A-Fa-f]{2,6}|\\{1,4}(?:u00[0-9A-Fa-f]{2}|[nrt/])|&[a-z0-9#]{2,4};"
_UNESCAPED = frozenset((string.ascii_letters + string.digits + "-._~").encode())  # by any encoder
_ASCII = frozenset(range(128))
_DIGITS = frozenset(string.digits.encode())
_LETTERS = frozenset(string.ascii_letters.encode())
_CLASSES = {
    "d": _DIGITS,
    "w": _LETTERS | _DIGITS | frozenset(b"_"),
    "s": frozenset(b"\t\n\f\r "),
}
_POSIX = {
    "alnum": _LETTERS | _DIGITS,
    "alpha": _LETTERS,
    "ascii": _ASCII,
    "blank": frozenset(b"\t "),
    "cntrl": frozenset((*range(32), 127)),
    "digit": _DIGITS,
    "graph": frozenset(range(33, 127)),
    "lower": frozenset(string.ascii_lowercase.encode()),
    "print": frozenset(range(32, 127)),
    "punct": frozenset(string.punctuation.encode()),
    "space": frozenset(b"\t\n\v\f\r "),
    "upper": frozenset(string.ascii_uppercase.encode()),
    "word": _CLASSES["w"],
    "xdigit": frozenset(string.hexdigits.encode()),
}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_FOLD_TO_ASCII = frozenset(b"kKsS")  # the Kelvin sign and the long s are k and s in another case
_FLAGS = re.compile(r"\?(?P<on>[imsU]*)(?:-(?P<off>[imsU]+))?(?P<end>[:)])")
_NAME = re.compile(r"\?P?<\w+>")
_COUNT = re.compile(r"\{(?P<least>[0-9]{1,4})(?P<comma>,(?P<most>[0-9]{0,4}))?\}")
_POSIX_CLASS = re.compile(r"\[:(?P<not>\^?)(?P<name>[a-z]+):\]")
_PROPERTY = re.compile(r"[pP](?:\{[^}]*\}|.)", re.DOTALL)
_CODE = re.compile(r"x\{(?P<braces>[0-9A-Fa-f]{1,6})\}|x(?P<two>[0-9A-Fa-f]{2})|(?P<octal>[0-7]{1,3})")


class _Chars(NamedTuple):
    """A set of characters: those of ASCII, and whether there are any beyond."""

    plain: frozenset[int]
    wide: bool

    def without(self) -> _Chars:
        """All others."""
        return _Chars(_ASCII - self.plain, wide=True)


_ANY = _Chars(_ASCII, wide=True)


def gate_of(pattern: str) -> bytes:
    """The expression, for HS_FLAG_DOTALL; ``pattern`` is one that RE2 takes. Raises ValueError for what is too odd.

    >>> gate_of(r"\\bAB-[0-9]{2}$")
    b'AB-(?:[\\\\x30-\\\\x39]){2}'
    """
    return _Translation(pattern).whole()


class _Translation:
    """Reads the pattern from left to right, once."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._any_case = False

    def whole(self) -> bytes:
        out = self._alternatives()
        if self._at < len(self._pattern):
            raise self._odd()
        return out

    def _alternatives(self) -> bytes:
        outside = self._any_case
        branches = [self._sequence()]
        while self._takes("|"):
            branches.append(self._sequence())
        self._any_case = outside
        return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"

    def _sequence(self) -> bytes:
        out: list[bytes] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            if self._takes(r"\Q"):
                out += self._quoted()
            else:
                out.append(self._repeated(self._atom()))
        return b"".join(out)

    def _quoted(self) -> list[bytes]:
        end = self._pattern.find(r"\E", self._at)
        literal = self._pattern[self._at :] if end < 0 else self._pattern[self._at : end]
        self._at = len(self._pattern) if end < 0 else end + 2
        chars = [self._written(_one(char)) for char in literal]
        return [*chars[:-1], self._repeated(chars[-1])] if chars else []

    def _repeated(self, atom: bytes) -> bytes:
        while True:
            if self._takes("*"):
                count = b"*"
            elif self._takes("+"):
                count = b"+"
            elif self._takes("?"):
                count = b"?"
            elif (match := _COUNT.match(self._pattern, self._at)) is not None:
                self._at = match.end()
                count = _count(int(match["least"]), match["comma"] is not None, match["most"])
            else:
                return atom
            self._takes("?")  # reluctant: the same matches
            atom = _grouped(atom) + count if atom else atom

    def _atom(self) -> bytes:
        char = self._next()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._written(self._class())
            case ".":
                return self._written(_ANY)
            case "^" | "$":
                return b""
            case "\\":
                return self._escape()
            case _:
                return self._written(_one(char))

    def _group(self) -> bytes:
        flags = _FLAGS.match(self._pattern, self._at)
        name = _NAME.match(self._pattern, self._at)
        outside = self._any_case
        if flags is not None:
            self._at = flags.end()
            self._any_case = "i" in flags["on"] or (outside and "i" not in (flags["off"] or ""))
            if flags["end"] == ")":
                return b""
        elif name is not None:
            self._at = name.end()
        inside = self._alternatives()
        if not self._takes(")"):
            raise self._odd()
        self._any_case = outside
        return _grouped(inside) if inside else b""

    def _escape(self) -> bytes:
        char = self._pattern[self._at]
        if char in "AzbB":
            self._at += 1
            return b""
        if char == "C":
            self._at += 1
            return b"."
        return self._written(self._escaped_chars())

    def _escaped_chars(self) -> _Chars:
        """After a backslash, in a class or outside of one."""
        code = _CODE.match(self._pattern, self._at)
        if code is not None:
            self._at = code.end()
            value = int(code["octal"], 8) if code["octal"] else int(code["braces"] or code["two"], 16)
            return _one(chr(value))
        kind = _PROPERTY.match(self._pattern, self._at)
        if kind is not None:
            self._at = kind.end()
            return _ANY
        char = self._next()
        if char.lower() in _CLASSES:
            chars = _Chars(_CLASSES[char.lower()], wide=False)
            return chars if char.islower() else chars.without()
        if char in _CONTROLS:
            return _one(_CONTROLS[char])
        if char.isalnum():
            raise self._odd()
        return _one(char)

    def _class(self) -> _Chars:
        negated = self._takes("^")
        plain: set[int] = set()
        wide = False
        first = True
        while first or not self._takes("]"):
            first = False
            chars = self._range()
            plain |= chars.plain
            wide = wide or chars.wide
        if self._any_case:
            plain = {code for each in plain for code in (ord(chr(each).lower()), ord(chr(each).upper()))}
        found = _Chars(frozenset(plain), wide)
        return found.without() if negated else found

    def _range(self) -> _Chars:
        posix = _POSIX_CLASS.match(self._pattern, self._at)
        if posix is not None:
            self._at = posix.end()
            chars = _Chars(_POSIX[posix["name"]], wide=False)
            return chars.without() if posix["not"] else chars
        low = self._class_char()
        ends = self._pattern.startswith("-", self._at) and not self._pattern.startswith("-]", self._at)
        if not ends or not isinstance(low, str):
            return _one(low) if isinstance(low, str) else low
        self._at += 1
        high = self._class_char()
        if not isinstance(high, str):
            raise self._odd()
        return _Chars(frozenset(range(ord(low), min(ord(high), 127) + 1)), wide=ord(high) > 127)

    def _class_char(self) -> str | _Chars:
        char = self._next()
        if char != "\\":
            return char
        chars = self._escaped_chars()
        return chr(next(iter(chars.plain))) if len(chars.plain) == 1 and not chars.wide else chars

    def _written(self, chars: _Chars) -> bytes:
        plain, wide = chars
        if self._any_case:
            plain |= _FOLD_TO_ASCII if wide else frozenset()
            wide = wide or bool(plain & _FOLD_TO_ASCII)
            plain |= {code for each in plain for code in (ord(chr(each).lower()), ord(chr(each).upper()))}
        ways = [_class_of(plain)] if plain else []
        ways += [_WIDE] if wide else []
        ways += [_ESCAPED] if not plain <= _UNESCAPED else []
        return ways[0] if len(ways) == 1 else b"(?:" + b"|".join(ways) + b")"

    def _takes(self, sign: str) -> bool:
        if not self._pattern.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise self._odd()
        self._at += 1
        return self._pattern[self._at - 1]

    def _odd(self) -> ValueError:
        return ValueError(f"cannot be looked for in raw bytes, because of what stands at character {self._at}")


def _one(char: str) -> _Chars:
    code = ord(char)
    return _Chars(frozenset((code,)), wide=False) if code < 128 else _Chars(frozenset(), wide=True)


def _count(least: int, comma: bool, most: str | None) -> bytes:
    low = min(least, _MOST)
    if not comma and least == low:
        return b"{%d}" % low
    if not comma or not most or int(most) > _MOST:
        return b"{%d,}" % low
    return b"{%d,%d}" % (low, int(most))


def _grouped(part: bytes) -> bytes:
    return b"(?:" + part + b")" if len(part) > 1 else part


def _class_of(codes: frozenset[int]) -> bytes:
    """A class as Hyperscan reads it, or the one character that it is."""
    if len(codes) == 1:
        (code,) = codes
        return bytes((code,)) if code in _UNESCAPED and chr(code) != "." else b"\\x%02x" % code
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return b"[" + b"".join(_written_range(low, high) for low, high in ranges) + b"]"


def _written_range(low: int, high: int) -> bytes:
    return b"\\x%02x" % low if low == high else b"\\x%02x-\\x%02x" % (low, high)
