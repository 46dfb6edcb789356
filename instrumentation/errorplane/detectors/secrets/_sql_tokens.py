"""A tokenizer for statements of SQL, of any dialect, that finds the literals.

What dialects disagree on is read in both ways, where it can be (a backslash before a quote), or as a literal: a reading
that hides too much costs a name, one that hides too little costs a password. Everything is linear in the length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from errorplane.detectors._lazy import lazy

_TOKEN = lazy(
    r"""
      (?P<space> \s+ )
    | (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<quoted> (?: [uU]&|_[a-z][a-z0-9]{1,15}\s?|[nNeEbBxXqQ] )? ' )
    | (?P<double> " )
    | (?P<name> `[^`]*(?:`|\Z) | \[[A-Za-z_][^\]\[\n'"]{0,127}\] )
    | (?P<dollar> \$(?:[A-Za-z_][A-Za-z_0-9]{0,63})?\$ )
    | (?P<placeholder> \$[0-9]+ | [:@][A-Za-z_0-9]+ | @@[\w.]+ | \?[0-9]* | %s | %\([^()\s]{1,64}\)s | \{[0-9A-Za-z_]{0,64}\} )
    | (?P<number> 0[xX][0-9a-fA-F]+ | 0[bB][01]+ | (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w$]) )
    | (?P<word> [^\W\d][\w$#]* | [0-9][\w$]* )
    | (?P<sign> <=>|[<>!=]=|<>|\|\||::|. )
    """,
    re.VERBOSE | re.DOTALL,
)
# Something in every literal: a quote, or a digit that goes on no word and no placeholder. Most statements have neither.
_SOME = lazy(r"""['"]|\$[A-Za-z_0-9]*\$|(?:%|\))s[.0-9]|(?<![A-Za-z0-9_$])[0-9]""")
_PLAIN = lazy(r"(?:[^']|'')*")
_ESCAPING = lazy(r"(?:[^'\\]|''|\\.)*", re.DOTALL)
_DOUBLE = lazy(r'(?:[^"\\]|""|\\.)*', re.DOTALL)
_COMMENT_QUOTED = lazy(
    r"(?P<known>(?:traceparent|tracestate|route|controller|action|framework|application|db_driver)=)?'(?P<text>[^']*)'?"
)
_NAME = lazy(r"[^\W\d][\w $.#-]{0,62}\Z")
_COMPARISONS = "= <> != < > <= >= <=> == || like ilike rlike regexp similar glob match between escape"
_COMPARES = frozenset(_COMPARISONS.split())
_LISTS = frozenset(("values", "value", "in", "any", "all", "some", "array"))


class Literal(NamedTuple):
    """A place in the statement, without the quotes around it."""

    start: int
    end: int
    quoted: bool
    placed: bool
    """After a comparison, or within the list of ``VALUES`` or ``IN``."""
    closed: bool = True
    """Whether the quote that opens it is closed."""


class _State:
    """Where in a statement the tokenizer is."""

    def __init__(self) -> None:
        self.before = ""
        self.name = ""
        self.lists: list[bool] = []

    def placed(self) -> bool:
        return self.before in _COMPARES or (bool(self.lists) and self.lists[-1])

    def sign(self, sign: str) -> None:
        if sign == "(":
            rows = self.before == "," and self.name == "values"
            self.lists.append(self.before in _LISTS or rows or (bool(self.lists) and self.lists[-1]))
        elif sign == ")":
            if self.lists:
                self.lists.pop()
        elif sign == ";":
            self.lists.clear()
            self.name = ""
        self.before = sign

    def word(self, word: str) -> None:
        if word == "select" and self.lists:
            self.lists[-1] = False
        if word in ("values", "value", "select", "set", "where", "on"):
            self.name = "values" if word == "value" else word
        self.before = word


def literals(text: str, start: int = 0, end: int | None = None) -> list[Literal]:
    """The literals of a statement, in order.

    Where a backslash before a quote makes two readings, both count, unless one leaves a quote open.
    """
    end = len(text) if end is None else end
    if not start and _SOME.search(text, 0, end) is None:
        return []
    if "\\'" not in text[start:end]:
        return list(_read(text, start, end, _PLAIN))
    plain = list(_read(text, start, end, _PLAIN))
    escaping = list(_read(text, start, end, _ESCAPING))
    closed = [reading for reading in (plain, escaping) if not reading or reading[-1].closed]
    return escaping if closed == [escaping] else plain if closed == [plain] else _union(plain, escaping)


def _union(one: list[Literal], other: list[Literal]) -> list[Literal]:
    out: list[Literal] = []
    for each in sorted({*one, *other}):
        if out and each.start < out[-1].end:
            last = out[-1]
            out[-1] = last._replace(end=max(last.end, each.end), placed=last.placed or each.placed)
        else:
            out.append(each)
    return out


def _read(text: str, at: int, end: int, inside: re.Pattern[str]) -> Iterator[Literal]:
    state, ticks = _State(), "`" in text
    while at < end and (token := _TOKEN.match(text, at, end)) is not None:
        kind, start, at = token.lastgroup, token.start(), token.end()
        if kind == "word":
            state.word(token[0].lower())
        elif kind == "sign":
            state.sign(token[0])
        elif kind == "comment":
            for quoted in _COMMENT_QUOTED.finditer(text, start, at):
                if quoted["known"] is None:
                    yield Literal(*quoted.span("text"), quoted=True, placed=False)
        elif kind == "number":
            if state.before != ".":
                yield Literal(start, at, quoted=False, placed=state.placed())
            state.before = "0"
        elif kind in ("quoted", "double", "dollar"):
            close, after = _closing(text, token, end, _ESCAPING if text[start] in "eE" else inside)
            if kind != "double" or _is_text(text, at, close, state, ticks=ticks):
                yield Literal(at, close, quoted=True, placed=state.placed(), closed=after > close)
            at = after
            state.before = "'"
        elif kind != "space":
            state.before = "?"


def _closing(text: str, opening: re.Match[str], end: int, inside: re.Pattern[str]) -> tuple[int, int]:
    """Where what is quoted ends, and where its closing quote does; the same if there is none."""
    at = opening.end()
    if opening.lastgroup == "dollar":
        close = text.find(opening[0], at, end)
        return (end, end) if close < 0 else (close, close + len(opening[0]))
    body = (_DOUBLE if opening.lastgroup == "double" else inside).match(text, at, end)
    close = at if body is None else body.end()
    # A backslash that is the last sign has nothing to escape.
    return (end, end) if close >= end or text[close] == "\\" else (close, close + 1)


def _is_text(text: str, start: int, end: int, state: _State, *, ticks: bool) -> bool:
    """Whether a text in double quotes is a literal, as MySQL has them, and not a name."""
    if state.before == "." or text.startswith('".', end):
        return False
    return ticks or state.placed() or _NAME.match(text[start:end]) is None
