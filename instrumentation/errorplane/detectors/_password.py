"""Passwords and other secrets that are known by their name or place: assignments, attribute keys, URLs, PEM blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._assignments import find_assignments, is_placeholder, may_assign
from errorplane.detectors._keys import SECRET_NAMES, one_of
from errorplane.detectors._model import Detector, Finding, KeyClass, Subject

_WEB = ("http", "https", "ws", "wss", "ftp")
_AUTHORITY = re.compile(r"[^\s/?#\"'<>]*")
_LOOSE_AUTHORITY = re.compile(r"[^\s\"'<>]*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}\Z")
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?P<key>.*?)(?:-----END|\Z)", re.DOTALL)
_HOST = re.compile(r"@[\w\[%$]", re.ASCII)


def _find(subject: Subject) -> Iterable[Finding]:
    text = subject.text
    if subject.key is KeyClass.SECRET and not is_placeholder(text):
        return (Finding("PASSWORD", 0, len(text), 1.0, "the attribute's name says so"),)
    named = may_assign(subject.low)
    return _find_secrets(text, subject.low, named) if named or "@" in text or "PRIVATE KEY" in text else ()


def _find_secrets(text: str, low: str, named: bool) -> Iterator[Finding]:
    for start, end, token in find_assignments(text, low) if named else ():
        if not token:
            yield Finding("PASSWORD", start, end, 0.9, "value of a name that says so")
    if "@" in text and "://" in text:
        yield from _find_userinfo(text, low)
    if "PRIVATE KEY" in text:
        for match in _PEM.finditer(text):
            if not is_placeholder(match["key"].strip()):
                yield Finding("PASSWORD", *match.span("key"), 1.0, "private key in PEM")


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
        b"(?i)" + one_of(SECRET_NAMES).encode(),
        rb"(?i)pass[^0-9a-z_]",
        rb"@[0-9A-Za-z_\[%$]",
        rb"PRIVATE KEY",
    ),
    _find,
)
