"""Which errors are one and the same: the fingerprint, from a live exception or from what was printed of it."""

from __future__ import annotations

from typing import Final

from errorplane.errors._live import live_trail, message_of
from errorplane.errors._trail import Step, Trail, common_type, digest

_OTHER: Final = "_OTHER"
"""What the semantic conventions give for a type that is not known."""
_MESSAGE: Final = 65_536
"""Of a longer message no more is looked for in the text."""


def fingerprint(error: BaseException) -> str:
    """`v1:` and 16 hex digits over type, innermost in-app frame and explicit causes of an exception.

    Line numbers, folders of the host, values in the message and the depth at which it was caught do not matter.
    """
    trail = live_trail(error)
    return digest(trail, message_of(error) if trail.error.place is None else "")


def fingerprint_of_text(type_: str, message: str, stacktrace: str | None) -> str:
    """The same from `exception.type`, `exception.message` and `exception.stacktrace`; "" for what is not known.

    Equal to `fingerprint` for Python. Stack traces of the JVM, JavaScript, Go, .NET and Ruby are read by the same rules;
    where no frame says in which piece of code it happened, the message without its values counts. A message of several
    lines is read for a stack trace where none is given, as in the body of a log record. Takes a bounded time.
    """
    # An application, which has live exceptions, is not to wait at its start for the expressions that read printed ones.
    from errorplane.errors._text import bounded

    text, words = (stacktrace, message) if stacktrace else (message if "\n" in message else "", "")
    text = bounded(text.replace("\r\n", "\n"))
    trail = (_trail_of_text(type_, words, text) if text else None) or Trail(Step(common_type(type_), None))
    if trail.worded and not message:
        message = text.partition("\n")[0].partition(": ")[2]  # `Type: message`, in every language
    return digest(trail, message)


def _trail_of_text(type_: str, message: str, text: str) -> Trail | None:
    from errorplane.errors._foreign import foreign_trail, looks_foreign  # as above
    from errorplane.errors._text import python_trail

    type_ = "" if type_ == _OTHER else type_
    words = message[:_MESSAGE].replace("\r\n", "\n")
    if looks_foreign(words, text):
        return foreign_trail(type_, words, text) or python_trail(type_, message, text)
    return python_trail(type_, message, text)
