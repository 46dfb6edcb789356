"""Long texts cut in the middle: their beginning and their end tell most."""

from __future__ import annotations

import re
from typing import Final

MESSAGE_LENGTH: Final = 4096
STACKTRACE_LENGTH: Final = 32_768
"""Characters that are written of a message and of a stack trace: receivers refuse whole requests that are too long."""
_SEARCHED: Final = 256
# Half of a value is no longer found by what looks for values: a cut goes where no digits stand around the space.
_BOUNDARY: Final = re.compile(r"(?<!\d)\s|\s(?!\d)")


def writable(text: str) -> str:
    """The text with `?` for what UTF-8 cannot say: half of a surrogate pair, of a file name perhaps, on one span would
    make the exporter fail with the whole batch."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def shorten(text: str, length: int) -> str:
    """The text, or its beginning and its end with how much is left out between; at most `length` characters.

    It is cut at white space, and only where there is none for 256 characters in the middle of a word.
    """
    if len(text) <= length:
        return writable(text)
    half = (length - 64) // 2
    first, last = _head(text[:half]), _tail(text[-half:])
    return writable(f"{first}\n[... {len(text) - len(first) - len(last)} characters left out ...]\n{last}")


def _head(text: str) -> str:
    window = text[-_SEARCHED:]
    found = [match.start() for match in _BOUNDARY.finditer(window)]
    return text[: len(text) - len(window) + found[-1]] if found else text


def _tail(text: str) -> str:
    found = _BOUNDARY.search(text, 0, _SEARCHED)
    return text[found.end() :] if found else text
