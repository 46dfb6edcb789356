"""The trail of stack traces that other languages print: which language it is, by the first line that is a frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from errorplane.errors import _dotnet, _go, _javascript, _jvm, _ruby
from errorplane.errors._trail import HEADER, Trail


class _Reader(NamedTuple):
    """One language: what any of its frames has in it, the pattern of a line that is a frame, and what reads the text."""

    signs: tuple[str, ...]
    frame: re.Pattern[str]
    read: Callable[[str, str, str], Trail | None]


# Of two that see a frame in the same line, the stricter one stands first.
_READERS: Final = (
    _Reader(("at ",), _jvm.FRAME, _jvm.jvm_trail),
    _Reader(("at ", "@"), _javascript.FRAME, _javascript.javascript_trail),
    _Reader(("(",), _dotnet.FRAME, _dotnet.dotnet_trail),
    _Reader((".go:", ".s:"), _go.FRAME, _go.go_trail),
    _Reader((":in `", ":in '", ".rb:"), _ruby.FRAME, _ruby.ruby_trail),
)
_ESCAPE: Final = "\x1b"
_COLOURS: Final = re.compile(r"\x1b\[[\d;]{0,20}m")


def foreign_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail of a stack trace of the JVM, JavaScript, .NET, Go or Ruby, or None.

    A frame's place carries no line number, no folder of the host and no number that a compiler gave. `message` is that
    of the outermost exception, "" if it is not known: its further lines are no frames, whatever they look like.
    """
    text = without_message(message, text)
    seen = [(_first_frame(reader, text), number) for number, reader in enumerate(_READERS)]
    at, number = min(seen)
    return _READERS[number].read(type_, message, text) if at <= len(text) else None


def _first_frame(reader: _Reader, text: str) -> int:
    """Where the first line of the language's frames begins; beyond the text if there is none."""
    found = reader.frame.search(text) if any(sign in text for sign in reader.signs) else None
    return found.start() if found else len(text) + 1


def looks_foreign(message: str, text: str) -> bool:
    """Whether the text is not one of Python, though its message or its first line may have words of Python in it."""
    text = without_message(message, text)
    return HEADER not in text or _ruby.REVERSED.search(text) is not None


def without_message(message: str, text: str) -> str:
    """The text without the further lines of the message, which stand in it word for word, and without colours."""
    text = _COLOURS.sub("", text) if _ESCAPE in text else text
    _, newline, more = message.partition("\n")
    return text.replace(newline + more, "", 1) if more.strip() else text
