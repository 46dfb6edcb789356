"""The trail of a JavaScript stack trace: V8 (Node, Chrome, Deno), JavaScriptCore (Safari, Bun) and SpiderMonkey (Firefox).

Formats: V8's stack trace API (https://v8.dev/docs/stack-trace-api), `name@url:line:column` of the other two, and what
`util.inspect` prints around them for causes. An error in JavaScript names no package: a frame's place is the stem of its
file and the function's own name, without the receiver, which is the object's and not the code's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from errorplane.errors._script import is_library, stem
from errorplane.errors._stack import Frame, Frames, Link, lines, trail_of
from errorplane.errors._trail import Trail

FRAME: Final = re.compile(
    r"^[ \t]*at [^\n]*:\d+:\d+\)?$|^[ \t]*at [^\n(]* \((?:<anonymous>|native|index \d+)\)$"
    r"|^[^@:\n]*@[^\s/.]*[/.][^\n]*:\d+:\d+$",
    re.MULTILINE,
)
_AT: Final = re.compile(r"[ \t]*at (.+)")
_NATIVE: Final = "[native code]"
_BUILT_IN: Final = ("<anonymous>", "native", _NATIVE)
_DIGITS: Final = 9
_EVAL: Final = re.compile(r"\(([^()\s][^()]*):\d+:(\d{1,9})\)")
_EVAL_LINE: Final = re.compile(r" line \d+ > (?:eval|Function)\b.*")
_ASYNC_MARK: Final = re.compile(r"^(?:async\*|[\w ]+ (?:handler|callback)\*)")
_HEADER: Final = re.compile(r"(?:Uncaught )?((?:[^\W\d]|\$)[\w$.]*)(?: \[[\w.]+\])?(?=: |\Z)")
_CAUSE: Final = re.compile(r"[ \t]*(?:\[cause\]:|[Cc]aused by:) (?:((?:[^\W\d]|\$)[\w$.]*)(?: \[[\w.]+\])?(?=: |\Z))?")

_ALIAS: Final = re.compile(r" \[as ([^\]]*)\]$")
_PREFIX: Final = re.compile(r"^(?:async |new |get |set |static |bound )+")
_SEPARATORS: Final = re.compile(r"[./]")
_NAMELESS: Final = re.compile(r"^(?:|<.*>|\(?anonymous\)?|eval|(?:global|module|eval) code|_callee\d*\$?|\d+)$")
# What compilers to older JavaScript put around async functions and classes.
_HELPERS: Final = frozenset(
    ("__awaiter", "__generator", "__async", "asyncGeneratorStep", "_asyncToGenerator", "_wrapNativeSuper", "_construct")
)
_NEAR: Final = 10
"""Frames around one that are looked at: as many as V8 prints."""
_LONG_LINE: Final = 500
"""A column beyond this is that of a minified file."""
_MEANINGLESS: Final = 2
"""Names this short are a minifier's."""


class _Call(NamedTuple):
    """One frame as printed; `path` is "" for what has no file: built-in functions."""

    function: str
    path: str
    column: int


def javascript_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail, or None when the text holds no frame of a JavaScript engine."""
    links: list[tuple[str, list[_Call]]] = [("", [])]
    for number, line in enumerate(lines(text)):
        if cause := _CAUSE.match(line):
            links.append((cause[1] or "", []))
        elif call := _call(line):
            links[-1][1].append(call)
        elif len(links) == 1 and not links[0][1] and (name := _type(line, number == 0, links[0][0])):
            links[0] = (name, links[0][1])
    own = type_.rpartition(".")[2] or links[0][0]
    first, *causes = (
        Link(name, _frames(own if number == 0 else name, calls)) for number, (name, calls) in enumerate(links)
    )
    return trail_of(type_, message, (first, *causes))


def _type(line: str, is_first: bool, known: str) -> str:
    """The type that a line before the frames begins with; a logger may have put its own words into lines before it."""
    header = _HEADER.match(line)
    if header and (is_first or (header[1].endswith("Error") and not known.endswith("Error"))):
        return header[1]
    return ""


def _call(line: str) -> _Call | None:
    if found := _AT.match(line):
        return _v8_call(found[1])
    name, at, place = line.strip().partition("@")
    if not at:
        return None
    if place == _NATIVE:
        return _Call(name, "", 0)
    position = _position(_EVAL_LINE.sub(":0:0", place))
    return _Call(_ASYNC_MARK.sub("", name), *position) if position else None


def _v8_call(body: str) -> _Call | None:
    body = body.removeprefix("async ").removesuffix(" {")
    name, opened, place = body.partition(" (")
    if not opened or not place.endswith(")"):
        name, place = "", body
    place = place.removesuffix(")") if opened else place
    if place.startswith("eval at "):
        inside = _EVAL.search(place)
        return _Call(name, inside[1], int(inside[2])) if inside else _Call(name, "", 0)
    if position := _position(place):
        return _Call(name, *position)
    return _Call(name, "", 0) if place in _BUILT_IN or place.startswith("index ") else None


def _position(place: str) -> tuple[str, int] | None:
    """Path and column of `path:line:column`."""
    rest, _, column = place.rpartition(":")
    path, _, line = rest.rpartition(":")
    is_position = path and line.isdecimal() and column.isdecimal() and len(column) <= _DIGITS
    return (path, int(column)) if is_position else None


def _frames(type_: str, calls: Sequence[_Call]) -> Frames[_Call]:
    start = next((at for at, call in enumerate(calls) if _own_name(call) != type_ or not call.path), 0)
    return Frames(calls[start:], _frame)  # without the constructor of the error itself


def _frame(calls: Sequence[_Call], at: int) -> Frame:
    """The frame; a function without a name that a built-in one was given, as in `map`, counts as the one around it."""
    call = calls[at]
    name, is_bundle = stem(call.path)
    function = _own_name(call)
    in_app = bool(call.path) and function not in _HELPERS and not is_library(call.path)
    if in_app and not function:
        function = _around(calls, at)
    if len(function) <= _MEANINGLESS and (is_bundle or any(other.column > _LONG_LINE for other in calls[:_NEAR])):
        function = ""
    return Frame(in_app, f"{name}:{function or '<anonymous>'}", bool(function) and not is_bundle)


def _around(calls: Sequence[_Call], at: int) -> str:
    """The name of the function in the same file that gave this one to a built-in function, else ""."""
    through_builtin = False
    for call in calls[at + 1 : at + _NEAR]:
        if not call.path and call.function.endswith("Generator.next"):
            return ""  # a compiler to older JavaScript made the function: the one around it is the compiler's, too
        if not call.path:
            through_builtin = True
        elif not through_builtin or call.path != calls[at].path:
            return ""
        elif function := _own_name(call):
            return function
        else:
            through_builtin = False
    return ""


def _own_name(call: _Call) -> str:
    """The function's own name: no receiver, nothing that the engine adds; "" if it has none."""
    alias = _ALIAS.search(call.function)
    name = _PREFIX.sub("", call.function[: alias.start()] if alias else call.function)
    # SpiderMonkey puts `<` behind what it took a name from: the variable, or the function around and a slash.
    parts = [part for part in _SEPARATORS.split(name) if part.strip("<")]
    own = parts[-1] if parts else ""
    if not _NAMELESS.match(own):
        return own.strip("<#")
    return alias[1] if alias else ""
