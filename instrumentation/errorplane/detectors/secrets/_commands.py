"""Passwords that stand without a name beside them: on command lines of well-known programs, and in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors.text._escapes import as_gate

_VALUE = r"""(?:"[^"]+|'[^']+|[^\s"'`;|&)]+)"""
_SSHPASS = lazy(rf"sshpass -p ?(?P<password>{_VALUE})")
_DATABASE = lazy(
    rf"(?:mysql|mariadb)[a-z_-]{{0,16}} (?:[^|;&\n]{{0,200}}? )?-p(?P<password>{_VALUE})"  # -p and a space: it asks
)
_HTTP = lazy(
    rf"(?:curl|wget) (?:[^|;&\n]{{0,200}}? )?(?:-u ?|--(?:proxy-)?user[ =])[\"']?[^\s:\"']{{1,64}}:(?P<password>{_VALUE})"
)
_SQL = lazy(
    rf"(?:create|alter|grant)\s[^;]{{1,256}}?\sidentified (?:with [^\s;]{{1,64}} )?(?:by|as) (?:password )?"
    rf"(?P<password>{_VALUE})"
)

GATES = (
    rb"(?:[ +]|20)-p[!-,.-~\x80-\xff]",
    rb"(?i)(?:[ +]|20)(?:-u|--user|--proxy-user)[ -~\x80-\xff]",
    as_gate("identified "),
)
"""``sshpass`` has that of ``pass`` and another sign. ``20`` is the end of an escaped space, ``+`` one of a form."""


def find_on_command_lines(text: str, low: str) -> Iterator[tuple[int, int]]:
    """The passwords of ``mysql -pX``, ``sshpass -p X``, ``curl -u user:X`` and ``CREATE USER x IDENTIFIED BY X``.

    They come without the quotes around them.
    """
    if " -p" in text:
        if "sshpass" in low:
            yield from _spans(_SSHPASS, text, low)
        if "mysql" in low or "mariadb" in low:
            yield from _spans(_DATABASE, text, low)
    if (" -u" in text or "user" in low) and ("curl" in low or "wget" in low):
        yield from _spans(_HTTP, text, low)
    if "identified " in low:
        yield from _spans(_SQL, text, low)


def _spans(pattern: re.Pattern[str], text: str, low: str) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(low):
        start, end = match.span("password")
        yield start + (text[start] in "\"'"), end
