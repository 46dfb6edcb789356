"""A JSON text as a tree that knows where each value stands in it, so that one string can be replaced in place.

Grammar: RFC 8259; besides, NaN and the infinities that many writers leave bare are taken as literals.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner of json, which typeshed leaves out

MAX_DEPTH = 200
"""Arrays and objects in each other; a text beyond that is refused."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERAL = re.compile(r"true|false|null|NaN|-?Infinity")
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(Exception):
    """The text is no JSON document."""


class TooDeep(Exception):
    """The document has more than ``MAX_DEPTH`` arrays and objects in each other."""


@dataclass(slots=True)
class Text:
    """A string; ``start`` and ``end`` hold its quotes too."""

    start: int
    end: int
    value: str
    """Without escapes; half a surrogate pair is U+FFFD."""


@dataclass(slots=True)
class Number:
    """A number as it is written."""

    start: int
    end: int
    raw: str


@dataclass(slots=True)
class Literal:
    """true, false, null, or a number that is none."""


@dataclass(slots=True)
class Array:
    """An array; ``start`` and ``end`` hold its brackets too."""

    start: int
    end: int
    items: list[Node]


@dataclass(slots=True)
class Object:
    """An object, with every member in order, those with the same name too."""

    start: int
    end: int
    members: list[tuple[Text, Node]]


Node = Text | Number | Literal | Array | Object
_LITERAL_NODE = Literal()


def parse(text: str, start: int = 0) -> Node:
    """The document that ``text`` holds from ``start`` on; raises ``NotJson`` and ``TooDeep``."""
    try:
        node, end = _value(text, _after_space(text, start), 0)
    except (IndexError, JSONDecodeError) as error:
        raise NotJson from error
    if _after_space(text, end) != len(text):
        raise NotJson
    return node


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _value(text: str, at: int, depth: int) -> tuple[Node, int]:
    first = text[at]
    if first == '"':
        string = _text(text, at)
        return string, string.end
    if first == "{" or first == "[":
        if depth == MAX_DEPTH:
            raise TooDeep
        node = _object(text, at, depth + 1) if first == "{" else _array(text, at, depth + 1)
        return node, node.end
    number = _NUMBER.match(text, at)
    if number is not None:
        return Number(at, number.end(), number[0]), number.end()
    literal = _LITERAL.match(text, at)
    if literal is None:
        raise NotJson
    return _LITERAL_NODE, literal.end()


def _text(text: str, at: int) -> Text:
    value, end = scanstring(text, at + 1, True)
    if not value.isascii() and _LONE_SURROGATE.search(value):
        value = _LONE_SURROGATE.sub("\ufffd", value)
    return Text(at, end, value)


def _array(text: str, start: int, depth: int) -> Array:
    items: list[Node] = []
    at = _after_space(text, start + 1)
    if text[at] == "]":
        return Array(start, at + 1, items)
    while True:
        item, at = _value(text, at, depth)
        items.append(item)
        at = _after_space(text, at)
        if text[at] == "]":
            return Array(start, at + 1, items)
        at = _after_comma(text, at)


def _object(text: str, start: int, depth: int) -> Object:
    members: list[tuple[Text, Node]] = []
    at = _after_space(text, start + 1)
    if text[at] == "}":
        return Object(start, at + 1, members)
    while True:
        if text[at] != '"':
            raise NotJson
        key = _text(text, at)
        at = _after_space(text, key.end)
        if text[at] != ":":
            raise NotJson
        value, at = _value(text, _after_space(text, at + 1), depth)
        members.append((key, value))
        at = _after_space(text, at)
        if text[at] == "}":
            return Object(start, at + 1, members)
        at = _after_comma(text, at)


def _after_comma(text: str, at: int) -> int:
    if text[at] != ",":
        raise NotJson
    return _after_space(text, at + 1)


class Offsets:
    """From code points of a string's value to code points of the line in which it is written, perhaps with escapes.

    >>> at = Offsets('["\\\\u0040a"]', 1)
    >>> at.raw(0), at.raw(1), at.raw(2)
    (2, 8, 9)
    """

    def __init__(self, line: str, start: int, end: int | None = None) -> None:
        self._first = start + 1
        end = len(line) if end is None else end
        self._plain: list[int] = []  # code points of the value up to and with each escape
        self._extra: list[int] = []  # how many more there are in the line by then
        plain = extra = 0
        done = self._first
        for escape in _ESCAPE.finditer(line, self._first, end):
            plain += escape.start() - done + 1
            extra += escape.end() - escape.start() - 1
            done = escape.end()
            self._plain.append(plain)
            self._extra.append(extra)

    def raw(self, at: int) -> int:
        """Where the code point with this number begins in the line."""
        escapes = bisect_right(self._plain, at)
        return self._first + at + (self._extra[escapes - 1] if escapes else 0)
