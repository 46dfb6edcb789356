"""From a Python regular expression to a Hyperscan expression over raw bytes that matches wherever it does, and more.

Boundaries and look-around are left out, since the byte before a string is none of its own; upper and lower case are one;
what may match a character beyond ASCII matches any. A match of the expression somewhere within a text's UTF-8 bytes
is thus necessary for a match of the regular expression in the text, which is what ``Detector.gate`` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from re import _constants as op  # type: ignore[attr-defined]  # the parser of re, which has no public name
from re import _parser  # type: ignore[attr-defined]  # the parser of re, which has no public name
from typing import Any

_FLAGS = re.IGNORECASE | re.DOTALL | re.MULTILINE
_INLINE_FLAGS = re.compile(r"\(\?[ims]+\)")  # on anyway; the parser wants them in front
_MANY = 64  # beyond it a number of repetitions only makes the database large
_BEYOND_ASCII = b"[\\xc2-\\xf4][\\x80-\\xbf]{1,3}"
_ASCII = frozenset(range(128))
_CATEGORIES = {
    category: frozenset(code for code in _ASCII if re.match(written, chr(code)))
    for category, written in (
        (op.CATEGORY_DIGIT, r"\d"),
        (op.CATEGORY_NOT_DIGIT, r"\D"),
        (op.CATEGORY_SPACE, r"\s"),
        (op.CATEGORY_NOT_SPACE, r"\S"),
        (op.CATEGORY_WORD, r"\w"),
        (op.CATEGORY_NOT_WORD, r"\W"),
    )
}
# Characters beyond ASCII that are a case of an ASCII letter: Unicode's CaseFolding.txt, and the dotless i of Turkish.
_OTHER_CASES = {"k": "\u212a", "s": "\u017f", "i": "\u0130\u0131"}
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


class NoSuperset(ValueError):
    """The expression is not understood, or matches nothing at all, which would be everywhere."""


def superset(pattern: str) -> bytes:
    """The expression for a pattern that is used with IGNORECASE, DOTALL and MULTILINE; raises ``NoSuperset``.

    >>> superset(r"\\b[A-Z]{2}-?\\d{6,}\\b")
    b'(?:(?:[\\\\x41-\\\\x5a\\\\x61-\\\\x7a]|[\\\\xc2-\\\\xf4][\\\\x80-\\\\xbf]{1,3})){2}(?:\\\\x2d){0,1}(?:[\\\\x30-\\\\x39]){6}'
    """
    try:
        parsed = _parser.parse(_INLINE_FLAGS.sub("", pattern), _FLAGS)
    except (re.error, RecursionError, OverflowError) as error:
        raise NoSuperset(f"is not understood: {error}") from error
    if not _least(parsed):
        raise NoSuperset("matches the empty text")
    return _sequence(_trimmed(list(parsed)))


def _least(parsed: Any) -> int:
    return int(parsed.getwidth()[0])


def _trimmed(items: list[Any]) -> list[Any]:
    """Without what may be missing at either end, so that one place in a text is one hit and not many."""
    items = [item for item in items if item[0] not in (op.AT, op.ASSERT, op.ASSERT_NOT)]
    while len(items) > 1 and _may_be_missing(items[-1]):
        items.pop()
    while len(items) > 1 and _may_be_missing(items[0]):
        items.pop(0)
    for end in {0, len(items) - 1}:
        kind, argument = items[end]
        if kind in _REPEATS:
            items[end] = (kind, (argument[0], argument[0], argument[2]))
    return items


def _may_be_missing(item: Any) -> bool:
    kind, argument = item
    return kind in _REPEATS and argument[0] == 0


def _sequence(items: Iterable[Any]) -> bytes:
    return b"".join(_item(kind, argument) for kind, argument in items)


def _item(kind: Any, argument: Any) -> bytes:
    if kind is op.LITERAL:
        return _character(argument)
    if kind is op.IN:
        return _class(argument)
    if kind is op.NOT_LITERAL:
        return _class([(op.NEGATE, None), (op.LITERAL, argument)])
    if kind is op.ANY:
        return _one_of(_ASCII, [_BEYOND_ASCII])
    if kind is op.BRANCH:
        return b"(?:" + b"|".join(_sequence(branch) for branch in argument[1]) + b")"
    if kind is op.SUBPATTERN:
        return b"(?:" + _sequence(argument[3]) + b")"
    if kind is op.ATOMIC_GROUP:
        return b"(?:" + _sequence(argument) + b")"
    if kind in _REPEATS:
        return b"(?:" + _sequence(argument[2]) + b")" + _times(argument[0], argument[1])
    if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
        return b""
    if kind is op.GROUPREF:
        return b".*"
    raise NoSuperset(f"holds {kind}, which is not understood")


def _times(least: int, most: Any) -> bytes:
    if most is op.MAXREPEAT or most > _MANY:
        return b"{%d,}" % min(least, _MANY)
    return b"{%d}" % least if least == most else b"{%d,%d}" % (least, most)


def _character(code: int) -> bytes:
    character = chr(code)
    cases = {code, *map(ord, character.lower() + character.upper())}
    others = _OTHER_CASES.get(character.lower(), "") if character.isascii() else ""
    beyond = sorted({chr(case) for case in cases - _ASCII}.union(others))
    return _one_of(cases & _ASCII, [_literal(each) for each in beyond])


def _class(items: Sequence[Any]) -> bytes:
    """A class; one that is negated, or has something beyond ASCII in it, matches all that is beyond."""
    negated = items[0][0] is op.NEGATE
    members = items[1:] if negated else items
    codes = frozenset().union(*(_codes(kind, argument) for kind, argument in members))
    beyond = negated or any(_is_beyond(kind, argument) for kind, argument in members)
    return _one_of(_ASCII - codes if negated else codes, [_BEYOND_ASCII] if beyond else [])


def _codes(kind: Any, argument: Any) -> frozenset[int]:
    """The ASCII characters of a member of a class, in both cases."""
    if kind is op.CATEGORY:
        return _CATEGORIES[argument]
    first, last = (argument, argument) if kind is op.LITERAL else argument
    written = map(chr, range(first, min(last, 127) + 1))
    return frozenset(code for each in written for code in (ord(each.lower()), ord(each.upper())))


def _is_beyond(kind: Any, argument: Any) -> bool:
    """Whether a member may match beyond ASCII; digits there have been folded into ASCII before."""
    if kind is op.CATEGORY:
        return argument is not op.CATEGORY_DIGIT
    last = argument if kind is op.LITERAL else argument[1]
    return bool(last > 127 or not _codes(kind, argument).isdisjoint(map(ord, _OTHER_CASES)))


def _one_of(codes: frozenset[int] | set[int], others: Sequence[bytes]) -> bytes:
    parts = [_set(sorted(codes)), *others] if codes else list(others)
    return parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")"


def _set(codes: Sequence[int]) -> bytes:
    """ASCII characters as a class with ranges."""
    if len(codes) == 1:
        return _literal(chr(codes[0]))
    runs = [(code, code) for code in codes[:1]]
    for code in codes[1:]:
        first, last = runs[-1]
        if code == last + 1:
            runs[-1] = (first, code)
        else:
            runs.append((code, code))
    return b"[" + b"".join(b"\\x%02x" % run[0] if run[0] == run[1] else b"\\x%02x-\\x%02x" % run for run in runs) + b"]"


def _literal(text: str) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in text.encode())
