"""Passwords and other secrets that are known by their name or place: assignments, attribute keys, URLs, hashes, codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._keys import SECRET_NAMES, KeyClass, one_of
from errorplane.detectors.secrets._codes import GATES as CODE_GATES
from errorplane.detectors.secrets._codes import find_codes, is_code
from errorplane.detectors.secrets._commands import GATES, find_on_command_lines
from errorplane.detectors.secrets._hashes import GATES as HASH_GATES
from errorplane.detectors.secrets._hashes import find_hashes, may_hold_hash
from errorplane.detectors.text._escapes import ESCAPED, as_gate
from errorplane.detectors.text._fold import fold, lower
from errorplane.detectors.text._values import is_placeholder

_SECRET = KeyClass.SECRET
_WEB = ("http", "https", "ws", "wss", "ftp")
_AUTHORITY = lazy(r"[^\s/?#\"'<>]*")
_LOOSE_AUTHORITY = lazy(r"[^\s\"'<>]*")
_SCHEME = lazy(r"[a-z][a-z0-9+.-]{0,30}\Z")
_PWD = lazy(r"(?:^|[^A-Za-z])(?:OLD)?(?:PWD|pwd)\Z")
_FOLDER = lazy(r"(?:/|(?:/[\w.@+ -]{1,255}){1,64}/?|~(?:/.*)?|[A-Za-z]:\\.*)\Z")
_HOST = lazy(r"@[\w\[%$]")
_ORACLE = lazy(r"jdbc:oracle:(?:thin|oci8?):[^\s/@]{1,128}/\"?(?P<password>[^\s@\"]{1,256})\"?@")


def _find(subject: Subject) -> Iterable[Finding]:
    text, low = subject.text, subject.low
    if subject.key is _SECRET and not is_placeholder(text) and not _is_folder(subject):
        return (Finding("PASSWORD", 0, len(text), 1.0, "the attribute's name says so"),)
    if subject.name and is_code(lower(fold(subject.name)), text):
        return (Finding("PASSWORD", 0, len(text), 0.9, "one-time code or PIN, the attribute's name says so"),)
    if (
        "code" in low
        or "otp" in low
        or "pin" in low
        or "@" in text
        or " -" in text
        or "identified " in low
        or may_hold_hash(text)
        or subject.assignments()
    ):
        return _find_secrets(subject)
    return ()


def _is_folder(subject: Subject) -> bool:
    """Whether this is the folder that a process works in: ``PWD=/home/app``."""
    return _PWD.search(subject.name) is not None and _FOLDER.match(subject.text) is not None


def _find_secrets(subject: Subject) -> Iterator[Finding]:
    text, low = subject.text, subject.low
    for start, end, token in subject.assignments():
        if not token:
            yield Finding("PASSWORD", start, end, 0.9, "value of a name that says so")
    if " -" in text or "identified " in low:
        for start, end in find_on_command_lines(text, low):
            if not is_placeholder(text[start:end]):
                yield Finding("PASSWORD", start, end, 0.8, "password on the command line of a known program or in SQL")
    if "@" in text and "://" in text:
        yield from _find_userinfo(text, low)
    if "@" in text and "jdbc:oracle:" in low:
        for match in _ORACLE.finditer(low):
            if not is_placeholder(text[slice(*match.span("password"))]):
                yield Finding("PASSWORD", *match.span("password"), 1.0, "password in a URL")
    if may_hold_hash(text):
        for start, end in find_hashes(text):
            yield Finding("PASSWORD", start, end, 1.0, "hash of a password")
    for start, end in find_codes(low):
        yield Finding("PASSWORD", start, end, 0.7, "one-time code or PIN after a name that says so")


def _find_userinfo(text: str, low: str) -> Iterator[Finding]:
    """The password of ``scheme://user:password@host``; in a database's URL it may hold a slash."""
    at = 0
    while (at := text.find("://", at)) >= 0:
        at += 3
        scheme = _SCHEME.search(low, max(0, at - 34), at - 3)
        authority = (_AUTHORITY if scheme is None or scheme[0] in _WEB else _LOOSE_AUTHORITY).match(text, at)
        stop = at if authority is None else authority.end()
        colon = text.find(":", at, stop)
        end = _last_host(text, colon + 1, stop) if colon >= 0 else -1
        if end > colon + 1 and not is_placeholder(text[colon + 1 : end]):
            yield Finding("PASSWORD", colon + 1, end, 1.0, "password in a URL")
        at = stop


def _last_host(text: str, start: int, end: int) -> int:
    at = text.rfind("@", start, end)
    while at >= 0 and _HOST.match(text, at) is None:
        at = text.rfind("@", start, at)
    return at


PASSWORD = Detector(
    "PASSWORD",
    (
        as_gate(one_of(SECRET_NAMES)),
        rb"(?i)p(?:ass|w)[^0-9a-z_]",
        rb"(?://|" + ESCAPED + rb"2[fF]|\\{1,4}/)[^\s\"'<>]*(?:@|(?:%(?:25){0,2}|u00)40)",
        *GATES,
        *HASH_GATES,
        *CODE_GATES,
        rb"(?i)jdbc(?::|" + ESCAPED + rb"3a)oracle",
    ),
    _find,
)
