"""Credentials that are sent along: Authorization and cookie headers, session tokens."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._keys import TOKEN_NAMES, KeyClass, one_of
from errorplane.detectors.text._escapes import ESCAPED, as_gate
from errorplane.detectors.text._values import is_placeholder

_TOKEN = KeyClass.TOKEN
_SCHEME_KEPT = lazy(r"\s*(?:bearer|basic|negotiate|digest|token|api-?key)\s+", re.IGNORECASE | re.ASCII)
_BEARER = lazy(r"bearer[ +]+(?=[a-z0-9._~+/-]*[0-9._~+/-]|[a-z]{20})(?P<token>[a-z0-9._~+/=-]{6,})")
_WORDS_OF_PROSE = lazy(r"[a-z]{0,15}(?:[-._/][a-z]{0,15}){0,6}\Z")  # token-based, authentication.
_BASIC = lazy(r"basic[ +]+(?P<token>[a-z0-9+/]{6,}={0,2})")


def _find(subject: Subject) -> Iterable[Finding]:
    text, low = subject.text, subject.low
    if subject.key is _TOKEN:
        return _find_whole(text)
    if subject.assignments() or "bearer" in low or "basic" in low:
        return _find_parts(subject)
    return ()


def _find_whole(text: str) -> Iterator[Finding]:
    scheme = _SCHEME_KEPT.match(text)
    start = 0 if scheme is None else scheme.end()
    if not is_placeholder(text[start:]):
        yield Finding("BEARER_TOKEN", start, len(text), 1.0, "the attribute's name says so")


def _find_parts(subject: Subject) -> Iterator[Finding]:
    text, low = subject.text, subject.low
    for start, end, token in subject.assignments():
        if token:
            yield Finding("BEARER_TOKEN", start, end, 0.9, "value of a name that says so")
    if "bearer" in low:
        for match in _BEARER.finditer(low):
            if _WORDS_OF_PROSE.match(match["token"]) is None:
                yield Finding("BEARER_TOKEN", *match.span("token"), 0.9, "after Bearer")
    if "basic" in low:
        for match in _BASIC.finditer(low):
            if _is_user_and_password(text[slice(*match.span("token"))]):
                yield Finding("BEARER_TOKEN", *match.span("token"), 1.0, "user and password after Basic")


def _is_user_and_password(token: str) -> bool:
    try:
        return b":" in base64.b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4), validate=True)
    except binascii.Error:
        return False


BEARER = Detector(
    "BEARER_TOKEN",
    (
        as_gate(one_of(TOKEN_NAMES)),
        rb"(?i)basic(?:[ +]|" + ESCAPED + rb"2[0b])",
    ),
    _find,
)
