"""``${env:NAME}`` and ``${file:PATH}`` in a text."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

MAX_FILE_BYTES = 1 << 16
SOURCES = ("env", "file")
_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BadReference(Exception):
    """A reference that cannot be replaced; the message holds nothing of what it refers to."""

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.allowed = allowed


def has_reference(text: str) -> bool:
    """Whether anything in ``text`` would be replaced."""
    return any(found[0] != "$${" for found in _REFERENCE.finditer(text))


def references(text: str) -> tuple[str, ...]:
    """The references in ``text`` as they are written."""
    return tuple(found[0] for found in _REFERENCE.finditer(text) if found[1] is not None)


def interpolate(text: str, folder: Path, environ: Mapping[str, str]) -> str:
    """``text`` with its references replaced; ``$${`` stands for ``${``. What was put in is not looked at again.

    A file loses the line breaks at its end. A relative path starts at ``folder``. Raises ``BadReference``.

    >>> interpolate("Bearer ${env:TOKEN}, $${env:TOKEN}", Path("/"), {"TOKEN": "t$${x}"})
    'Bearer t$${x}, ${env:TOKEN}'
    """
    return _REFERENCE.sub(lambda found: _replace(found, folder, environ), text)


def _replace(found: re.Match[str], folder: Path, environ: Mapping[str, str]) -> str:
    if found[0] == "$${":
        return "${"
    if found[1] is None:
        raise BadReference("${ is not closed: write ${env:NAME} or ${file:PATH}, or $${ for the characters ${")
    source, colon, name = found[1].partition(":")
    if source not in SOURCES or not colon:
        raise BadReference(_unknown(source, bool(colon)), ("${env:NAME}", "${file:PATH}"))
    return _environment(name, environ) if source == "env" else _file(name, folder)


def _unknown(source: str, colon: bool) -> str:
    if not colon and _NAME.fullmatch(source):
        return f"a reference says where to look: did you mean ${{env:{source}}}?"
    close = difflib.get_close_matches(source.lower(), SOURCES, 1)
    return "a reference is ${env:NAME} or ${file:PATH}" + (f": did you mean ${{{close[0]}:...}}?" if close else "")


def _environment(name: str, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise BadReference("${env:NAME} takes the name of an environment variable: letters, digits and underscores")
    if name not in environ:
        raise BadReference(f"the environment variable {name} is not set")
    return environ[name]


def _file(name: str, folder: Path) -> str:
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer.
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadReference(f"{name} is not a regular file")
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise BadReference(f"the file {name} cannot be read: {reason}") from None
    if len(data) > MAX_FILE_BYTES:
        raise BadReference(f"the file {name} is larger than 64 KiB")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadReference(f"the file {name} is not UTF-8 text") from None
