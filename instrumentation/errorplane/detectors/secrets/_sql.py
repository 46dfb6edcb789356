"""Literals in statements of databases: in the attributes that hold statements, and where a text quotes one.

The attributes are those of OpenTelemetry's semantic conventions, old and new. In them every literal is hidden. In any
other text it is only quoted ones where values stand, but no dates and numbers: of statements that write, and, in the
texts of an exception, also of those that read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.secrets._sql_tokens import literals
from errorplane.detectors.text._escapes import ESCAPED
from errorplane.detectors.text._fold import fold, lower
from errorplane.detectors.text._spelling import any_spelling
from errorplane.detectors.text._values import is_placeholder

_STATEMENT_KEY = lazy(
    r"(?:^|[._-])(?:db[._-](?:query[._-]text|statement)|dbstatement|sql[._-](?:query|text|statement))\Z"
)
_PARAMETER_KEY = lazy(r"(?:^|[._-])db[._-](?:query|operation)[._-]parameter[._-]")
_JSON = lazy(r"\s*[\[{]")
_JSON_TOKEN = lazy(
    r'"(?P<name>(?:[^"\\]|\\.)*)"(?=\s{0,20}:)|"(?P<text>(?:[^"\\]|\\.)*)(?:"|\Z)|(?P<number>(?<![\w.$-])-?[0-9][0-9.eE+-]*)',
    re.DOTALL,
)
_COMMAND_NAMES = "find insert update delete aggregate distinct count findandmodify $db collection"
_COMMANDS = frozenset(_COMMAND_NAMES.split())
_HEAD = lazy(
    r"\b(?:(?:insert|replace)\s+(?:ignore\s+)?into\s+\S|update\s{1,8}\S{1,80}(?:\s{1,8}(?:as\s{1,8})?\w{1,40})?\s{1,8}set\s|delete\s+from\s+\S"
    r"|merge\s+into\s+\S)"
)
_WRITING = lazy(_HEAD.pattern.replace(r"|delete\s+from\s+\S", ""))
_TELLING = lazy(r"[^\W\d_](?![0-9]{2}:)")  # a letter, not that of 2026-11-24T10:00
_SELECT = lazy(r"\bselect\s")
_FROM = lazy(r"\sfrom\s")
_PLACE = lazy(r"\bwhere\s|\bvalues?\s{0,8}\(|\sset\s|\bhaving\s|\bon\s")
# SQLAlchemy: [parameters: ('bob', 3)]; PostgreSQL: parameters: $1 = 'bob'
_PARAMETERS = lazy(r"\bparameters: (?P<values>[^\r\n]{1,10000})")
_QUOTED = lazy(r"'(?P<text>(?:[^'\\]|''|\\.)+)(?:'|\Z)")
# Commands of Redis whose arguments are values: after the key, or all.
_REDIS = lazy(
    r"\s*(?:(?:set|setex|psetex|setnx|getset|append|h(?:m?set|setnx)|[lr]pushx?|sadd|zadd|publish|mset)\s+[^\s=]+|auth|hello\s+[0-9])\s+"
    r"(?!=|to\s|transaction|session)(?P<values>[^=]+)\Z",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def _kind(name: str) -> str:
    low = lower(fold(name))
    if _PARAMETER_KEY.search(low):
        return "parameter"
    return "statement" if _STATEMENT_KEY.search(low) else ""


def _find(subject: Subject) -> Iterable[Finding]:
    kind = _kind(subject.name) if subject.name else ""
    if kind == "statement":
        return _find_statement(subject.text)
    if kind == "parameter":
        return _found(subject.text, 0, len(subject.text), "parameter of a statement")
    low = subject.low
    if "'" not in low and '"' not in low:
        return ()
    if ("select" in low and "from" in low) or " into" in low or "delete" in low or ("update" in low and "set" in low):
        return _find_quoted(subject)
    return _find_parameters(subject.text, low) if "parameters: " in low else ()


def _find_statement(text: str) -> Iterator[Finding]:
    if _JSON.match(text) is not None:
        yield from _find_json(text)
        return
    redis = _REDIS.match(text)
    if redis is not None:
        yield from _found(text, *redis.span("values"), "value in a command")
        return
    for literal in literals(text):
        yield from _found(text, literal.start, literal.end, "literal in a statement")


def _find_json(text: str) -> Iterator[Finding]:
    """Of a document database's commands the values, but not the first: ``{"find": "users", "filter": {...}}``."""
    name = ""
    for token in _JSON_TOKEN.finditer(text):
        if token["name"] is not None:
            name = token["name"].lower()
        elif token["number"] is not None:
            yield from _found(text, *token.span(), "value in a command")
        elif name not in _COMMANDS:
            yield from _found(text, *token.span("text"), "value in a command")


def _find_quoted(subject: Subject) -> Iterator[Finding]:
    text, low = subject.text, subject.low
    start = _start(low, reading=subject.name.startswith("exception."))
    if start >= 0 and _PLACE.search(low, start) is not None:
        for literal in literals(text, start):
            if literal.quoted and literal.placed and _TELLING.search(text, literal.start, literal.end) is not None:
                yield from _found(text, literal.start, literal.end, "quoted value in a statement")
    yield from _find_parameters(text, low)


def _start(low: str, *, reading: bool) -> int:
    """Where the first statement begins; -1 if there is none."""
    head, select = (_HEAD if reading else _WRITING).search(low), _SELECT.search(low) if reading else None
    starts = [] if head is None else [head.start()]
    if select is not None and _FROM.search(low, select.end() - 1) is not None:
        starts.append(select.start())
    return min(starts, default=-1)


def _find_parameters(text: str, low: str) -> Iterator[Finding]:
    for values in _PARAMETERS.finditer(low):
        for quoted in _QUOTED.finditer(text, *values.span("values")):
            yield from _found(text, *quoted.span("text"), "parameter of a statement")


def _found(text: str, start: int, end: int, reason: str) -> Iterator[Finding]:
    if not is_placeholder(text[start:end]):
        yield Finding("SQL_LITERAL", start, end, 0.5, reason)


_GAP = rb"(?:[\s+]|%|\\)"
_NAMES = ("db.query.text", "db.statement")
SQL = Detector(
    "SQL_LITERAL",
    (
        *map(any_spelling, _NAMES),
        rb"(?i)db[._-](?:query|operation)[._-]parameter",
        rb"(?i)dbstatement",
        rb"(?i)sql[._-](?:query|text|statement)",
        rb"(?i)parameters(?::|" + ESCAPED + rb"3a)",
        rb"(?i)(?:insert|replace|ignore|merge)" + _GAP + rb".{0,20}into",
        rb"(?i)update" + _GAP + rb".{1,512}set" + _GAP,
        rb"exception\.",  # only in such attributes statements that read are looked for
    ),
    _find,
    names=_NAMES,
)
