"""YAML text to nodes that know their line and column: bounded, and as far as the text can be read.

A syntax error makes the rest of its section unreadable, not the rest of the file: the section is blanked and the
text is read again, so that one listing names the mistakes of all the other sections too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from yaml.reader import ReaderError

MAX_CHARACTERS = 1 << 19
MAX_DEPTH = 32
MAX_VALUES = 50_000
_MAX_SYNTAX_ERRORS = 10

_SECTION_START = re.compile(r"(?P<quote>[\"']?)(?P<key>[A-Za-z_][A-Za-z0-9_-]*)(?P=quote)[ \t]*:(?:[ \t]|$)")
_NEEDS_QUOTES = re.compile(r"\$\{(?:env|file)\b")
_OWN_WORDS = {
    "found character '\\t'": "a tab stands where YAML wants spaces",
    "found undefined alias": "* starts an alias that is not defined: write a text that starts with * in quotes",
    "found duplicate anchor": "the anchor after & is used twice: write a text that starts with & in quotes",
    "found undefined tag handle": "! starts a tag that is not defined: write a text that starts with ! in quotes",
    "but found another document": "there is a second document after ---: a policy is one document",
    "mapping values are not allowed here": "a colon stands where no key can be: put a text with a colon in quotes, "
    "and line up the keys of a mapping",
    "expected ',' or '}'": "{ is never closed, or a comma or a quote is missing",
    "expected ',' or ']'": "[ is never closed, or a comma or a quote is missing",
    "expected <block end>": "this line does not line up with the ones above, or a text before it needs quotes",
    "found unexpected end of stream": "a quote is never closed",
    "could not find expected ':'": "a key without its colon",
}


class TooMuch(Exception):
    """The text goes beyond a bound at ``mark``."""

    def __init__(self, mark: yaml.Mark) -> None:
        super().__init__(f"at most {MAX_VALUES} values, {MAX_DEPTH} levels deep, aliases written out")
        self.mark = mark


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """One place where the text is not YAML; line and column count from 1."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Composed:
    """``root`` is None for an empty text. ``cut`` names the sections that could not be read; None in it: no idea
    which, so nothing is known of the policy."""

    root: yaml.Node | None
    problems: tuple[SyntaxProblem, ...]
    cut: frozenset[str | None]


def compose(text: str) -> Composed:
    """Read ``text``. Raises ``TooMuch``."""
    lines = text.split("\n")
    problems: list[SyntaxProblem] = []
    cut: set[str | None] = set()
    while len(problems) < _MAX_SYNTAX_ERRORS:
        try:
            return Composed(_Composer("\n".join(lines)).get_single_node(), tuple(problems), frozenset(cut))
        except yaml.YAMLError as error:
            problem, start = _describe(error, "\n".join(lines))
            problems.append(problem)
            section = _section_at(lines, start)
            if section is None:
                break
            first, after, key = section
            lines[first:after] = [""] * (after - first)
            cut.add(key)
    return Composed(None, tuple(problems), frozenset({None}))


class _Composer(yaml.SafeLoader):
    """Composes nodes within the bounds; the parser hands over events one by one, so it stops early."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        self._values += 1
        if self._depth > MAX_DEPTH or self._values > MAX_VALUES:
            raise TooMuch(self.peek_event().start_mark)  # type: ignore[no-untyped-call]  # the stubs have no types
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _describe(error: yaml.YAMLError, text: str) -> tuple[SyntaxProblem, int]:
    """The problem in our words, and the line (from 0) in which what is broken starts.

    Only our own words are used: what PyYAML says may repeat a part of the text, which may be a secret.
    """
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position)
        column = error.position - (text.rfind("\n", 0, error.position) + 1)
        return SyntaxProblem(line + 1, column + 1, "a character that YAML does not allow"), line
    assert isinstance(error, yaml.MarkedYAMLError)
    mark = error.problem_mark or error.context_mark
    assert mark is not None  # the scanner, parser and composer always give one
    context, problem = error.context or "", error.problem or ""
    begun = error.context_mark or mark
    if "found unexpected end of stream" in problem:
        mark = begun  # the quote that is not closed, not the end of the file
    elif context.startswith("while parsing a block"):
        begun = mark  # a block begins where its first key does, maybe far above
    message = next((words for start, words in _OWN_WORDS.items() if start in problem), "this is not YAML")
    if _NEEDS_QUOTES.match(text.split("\n")[mark.line][max(0, mark.column - 1) :]):
        message = 'a reference within { } or [ ] needs quotes, such as "${env:NAME}"'
    elif begun.line != mark.line and context.startswith("while parsing a flow"):
        message += f", in what starts in line {begun.line + 1}"
    return SyntaxProblem(mark.line + 1, mark.column + 1, message), begun.line


def _section_at(lines: list[str], line: int) -> tuple[int, int, str] | None:
    """First line, line after the last, and key of the section that holds ``line`` (from 0)."""
    starts = dict(_section_starts(lines))
    first = max((n for n in starts if n <= line), default=None)
    if first is None:
        return None
    after = min((n for n in starts if n > first), default=len(lines))
    return first, after, starts[first]


def _section_starts(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        if found := _SECTION_START.match(line.rstrip("\r")):
            yield number, found["key"]
