"""The trail of stack traces that other languages print: best effort, by the rules that hold for Python.

A frame's name carries no line number, no folder of the host and no number that a compiler gave.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from errorplane.errors._trail import CAUSES, Step, Trail

_DIGITS: Final = re.compile(r"\d+")
_SPLIT: Final = re.compile(r"[/\\]")
_CAUSED_BY: Final = re.compile(r"^Caused by: ([\w.$]+)", re.MULTILINE)
_LINES: Final = 5_000
_LINE_LENGTH: Final = 1_000
_INNER_END: Final = "--- End of inner exception stack trace ---"

_JAVA: Final = re.compile(
    r"^\s+at (?:[^\s(]*/)?([\w.$<>-]+)\((?:[\w.$-]+\.\w+(?::\d+)?|Native Method|Unknown Source|<[^)\n]*>)\)"
)
_V8: Final = re.compile(r"^\s+at (?:async )?(?:new )?(?:([^\n()]+(?: \[as [^\]\n]*\])?) \()?([^\n()]+?):\d+:\d+\)?$")
_DOTNET: Final = re.compile(r"^\s+at ([\w.`<>+\[\],|]+)\([^\n]*\)(?: in ([^\n]+):line \d+)?$")
_GO: Final = re.compile(r"^(\S[^\n]*)\n\t(\S+\.go):\d+", re.MULTILINE)
_RUBY: Final = re.compile(r"^\s*(?:from )?([^\s:][^\n:]*):\d+:in [`']([^\n']+)'")

_JAVA_LIBRARIES: Final = ("java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "kotlinx.", "scala.",
    "org.springframework.", "org.apache.", "org.eclipse.jetty.", "io.netty.", "reactor.", "org.hibernate.",
    "io.opentelemetry.", "org.junit.")  # fmt: skip
_DOTNET_LIBRARIES: Final = ("System.", "Microsoft.", "Npgsql.", "OpenTelemetry.", "lambda_method")
_GO_LIBRARIES: Final = ("/pkg/mod/", "/vendor/", "/usr/local/go/", "/go/src/", "/libexec/src/")
_RUBY_LIBRARIES: Final = ("/gems/", "/lib/ruby/", "<internal:")


class _Frame(NamedTuple):
    in_app: bool
    name: str


def foreign_trail(type_: str, text: str) -> Trail | None:
    """The trail of the first kind of stack trace that the text turns out to hold, or None."""
    own, *inner = _CAUSED_BY.split(text, maxsplit=CAUSES)
    own = own.rpartition(_INNER_END)[2]
    for read in (_at_frames, _go_frames, _ruby_frames):
        place = _innermost(read(own))
        if place:
            causes = zip(inner[::2], inner[1::2], strict=True)
            return Trail(Step(type_, place), tuple(Step(name, _innermost(read(part))) for name, part in causes))
    return None


def _innermost(frames: Iterable[_Frame]) -> str | None:
    """In these languages the innermost frame stands first."""
    first: str | None = None
    for frame in frames:
        if frame.in_app:
            return frame.name
        first = first or frame.name
    return first


def _at_frames(text: str) -> Iterator[_Frame]:
    readers: tuple[Callable[[str], _Frame | None], ...] = (_v8_frame, _java_frame, _dotnet_frame)
    for line in _lines(text):
        if line[:1].isspace() and " at " in f" {line.lstrip()[:3]}":
            frames = (read(line) for read in readers)
            yield from (frame for frame in frames if frame)


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n", _LINES)[:_LINES] if len(line) <= _LINE_LENGTH]


def _java_frame(line: str) -> _Frame | None:
    if found := _JAVA.match(line):
        owner, _, method = found[1].rpartition(".")
        return _Frame(not found[1].startswith(_JAVA_LIBRARIES), _DIGITS.sub("#", f"{owner}:{method}"))
    return None


def _v8_frame(line: str) -> _Frame | None:
    if found := _V8.match(line):
        path = found[2].partition("?")[0]
        name = _SPLIT.split(path)[-1]
        stem = _DIGITS.sub("#", name.split(".", 1)[0])
        in_app = "node_modules" not in path and not path.startswith(("node:", "internal/", "<anonymous>"))
        return _Frame(in_app, f"{stem}:{found[1] or '<anonymous>'}")
    return None


def _dotnet_frame(line: str) -> _Frame | None:
    if found := _DOTNET.match(line):
        return _Frame(not found[1].startswith(_DOTNET_LIBRARIES), _DIGITS.sub("#", found[1]))
    return None


def _go_frames(text: str) -> Iterator[_Frame]:
    for found in _GO.finditer(text):
        function, path = found[1], found[2]
        if function.startswith("created by "):
            continue
        if function.endswith(")"):
            function = function.rpartition("(")[0]
        library = function.startswith(("runtime.", "panic", "testing.")) or any(part in path for part in _GO_LIBRARIES)
        yield _Frame(not library, _DIGITS.sub("#", function))


def _ruby_frames(text: str) -> Iterator[_Frame]:
    for line in _lines(text):
        if found := _RUBY.match(line):
            path = found[1]
            stem = _SPLIT.split(path)[-1].removesuffix(".rb")
            yield _Frame(not any(part in path for part in _RUBY_LIBRARIES), f"{stem}:{found[2].rpartition(' in ')[2]}")
