"""The trail of a Go stack: a panic's, as the runtime or `debug.Stack` prints it, or the `%+v` of an error that has one.

Formats: `runtime.Stack` (goroutine header, then function and file by turns), GOTRACEBACK's crash output, pkg/errors.
Errors of Go have no stack of their own: one that was taken where an error was recorded, without a panic in it, tells where
that was, not where the error came from, so that it has no frame and the error's message counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from errorplane.errors._libraries import GO
from errorplane.errors._stack import Frame, Frames, Link, lines, trail_of
from errorplane.errors._trail import Step, Trail

FRAME: Final = re.compile(r"^[^\s][^\n]*\n(?:\t| {4})[^\s\n][^\n]*\.(?:go|s):\d+", re.MULTILINE)
_GOROUTINE: Final = re.compile(r"^goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[[^\]\n]*\]:$", re.MULTILINE)
_CRASH: Final = re.compile(
    r"^(?:\[?panic: |fatal error: |\[signal |http: panic serving )|goroutine stack exceeds", re.MULTILINE
)
_PLACE: Final = re.compile(r"(?:\t| {4})([^\s].*?\.(?:go|s)):\d+")
_RECORDERS: Final = ("runtime/debug.Stack", "runtime/debug.PrintStack", "go.opentelemetry.io/otel/sdk/")
_PANIC: Final = re.compile(r"(?:runtime\.go)?panic(?:\(|$)")

_TYPE_ARGUMENTS: Final = re.compile(r"\[[^\[\]]*\]")
_NUMBERED: Final = re.compile(r"(?:\.(?:func|gowrap|deferwrap)?\d+|-fm|-range\d+|·\d+)+$")
_SPLIT: Final = re.compile(r"[/\\]")
_TOP: Final = re.compile(r"\.(?:main|init|glob\.)$")
_LIBRARY: Final = re.compile(r"@v\d|/pkg/mod/|/vendor/|(?:^|/)external/")


class _Call(NamedTuple):
    """One frame as printed: the function with its arguments, and the file."""

    function: str
    path: str


def go_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail, or None when the text holds no frame of Go."""
    header = _GOROUTINE.search(text)
    head, body = (text[: header.start()], text[header.end() + 1 :]) if header else ("", text)
    calls = _calls(body.partition("\n\n")[0] if header else body)
    if not calls:
        return None
    panics = [at for at, call in enumerate(calls) if _PANIC.match(call.function)]
    if panics:
        calls = calls[panics[-1] + 1 :]
    is_of_error = bool(panics) or not header or _CRASH.search(head) is not None
    if not is_of_error and calls[0].function.startswith(_RECORDERS):
        return Trail(Step(type_, None))
    # A stack with no panic in it may be that of the error, taken where it was made, or that of whoever recorded it.
    return trail_of(type_, message or head, [Link("", Frames(calls, _frame if is_of_error else _doubtful_frame))])


def _calls(text: str) -> list[_Call]:
    calls: list[_Call] = []
    before = ""
    for line in lines(text):
        place = _PLACE.match(line)
        if place and before and not before.startswith("created by "):
            calls.append(_Call(before, place[1]))
        before = "" if place else line
    return calls


def _doubtful_frame(calls: Sequence[_Call], at: int) -> Frame:
    return _frame(calls, at)._replace(named=False)


def _frame(calls: Sequence[_Call], at: int) -> Frame:
    printed, path = calls[at]
    name = printed.rpartition("(")[0] if printed.endswith(")") else printed
    name = _TYPE_ARGUMENTS.sub("", _TYPE_ARGUMENTS.sub("", name))
    plain = _NUMBERED.sub("", name)
    plain = plain if "." in plain.rpartition("/")[2] else name  # a function that is called `func1`
    in_app = not _is_library(name, path)
    if plain == name or name.endswith("-fm"):
        return Frame(in_app, plain)
    # A closure's function may have been inlined into another one, whose package and name the closure then bears.
    stem = _SPLIT.split(path)[-1].rpartition(".")[0]
    return Frame(in_app, f"{stem}:{plain.rpartition('.')[2]}", not _TOP.search(plain))


def _is_library(name: str, path: str) -> bool:
    """Whether a module or the standard library holds it; a trimmed path (`-trimpath`) begins with the package."""
    folders, _, last = name.rpartition("/")
    package = f"{folders}/{last.partition('.')[0]}" if folders else last.partition(".")[0]
    path = path.replace("\\", "/")
    if _LIBRARY.search(path):
        return True
    is_standard = package.partition("/")[0] in GO
    return is_standard and (f"/src/{package}/" in path or path.startswith(f"{package}/"))
