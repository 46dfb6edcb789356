"""E-mail addresses (RFC 5321 mailboxes, RFC 6531 international ones), also with the ``@`` URL-encoded as ``%40``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._model import Detector, Finding, Subject

# Read backwards from the @. Of RFC 5321's atext, =/?{|}`&^ are left out: in telemetry they end the text before.
_LOCAL = re.compile(r"[\w.!#$%'*+~-]+")
_QUOTED = re.compile(r'"[^"@\r\n]{1,64}"')
_DOMAIN = re.compile(r"(?:[^\W_][\w-]*\.)+(?P<top>xn--[\w-]+|[^\W\d_]{2,63})(?![\w@])")
_OUTSIDE = re.compile(r"[\s\"'<>]")
_PATH = re.compile("[/?#]")
_WEB = ("http", "https", "ws", "wss", "ftp")
_SIGN = re.compile("@|%40")

# Endings that are file names and no top-level domains: image@2x.png, handler@main.js of stack traces.
_FILES = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "css",
        "scss",
        "map",
        "js",
        "mjs",
        "cjs",
        "jsx",
        "ts",
        "tsx",
        "vue",
        "svelte",
        "html",
        "java",
        "class",
        "jar",
        "dll",
        "exe",
        "json",
        "yaml",
        "yml",
        "whl",
        "tgz",
        "deb",
        "rpm",
    ]
)


def _find(subject: Subject) -> Iterable[Finding]:
    text = subject.text
    return _find_signs(text) if "@" in text or "%40" in text else ()


def _find_signs(text: str) -> Iterator[Finding]:
    before = 0
    for sign in _SIGN.finditer(text):
        at, after = sign.span()
        start = _local_start(text, before, at)
        before = after
        if start == at:
            continue
        domain = _DOMAIN.match(text, after)
        if domain is None or domain["top"] in _FILES or _is_service(text, start, at):
            continue
        yield Finding("EMAIL_ADDRESS", start, domain.end(), 1.0, "mailbox and domain")


def _local_start(text: str, floor: int, at: int) -> int:
    if text[at - 1 : at] == '"':
        opening = text.rfind('"', max(floor, at - 66), at - 1)
        return opening if opening >= 0 and _QUOTED.fullmatch(text, opening, at) else at
    local = _LOCAL.match(text[floor:at][::-1])
    if local is None:
        return at
    start = at - local.end()
    while start < at and text[start] in ".'%":
        start += 1
    return start


def _is_service(text: str, start: int, at: int) -> bool:
    """git@github.com:..., or the end of the password in ``scheme://user:password@host``, another detector's."""
    if text[start:at] == "git":
        return True
    before = text[max(0, start - 256) : at]
    scheme, sign, authority = before.rpartition("://")
    if not sign or ":" not in authority or _OUTSIDE.search(authority):
        return False
    return not scheme.lower().endswith(_WEB) or _PATH.search(authority) is None


EMAIL = Detector(
    "EMAIL_ADDRESS",
    (rb"@[0-9A-Za-z\x80-\xff]", rb"%40[0-9A-Za-z\x80-\xff]"),
    _find,
)
