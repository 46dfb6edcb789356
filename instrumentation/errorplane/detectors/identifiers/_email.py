"""E-mail addresses: RFC 5321 mailboxes, RFC 6531 international ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject

# Read backwards from the @. Of RFC 5321's atext, =/?{|}`&^ are left out: in telemetry they end the text before. The
# escapes are those of letters beyond ASCII.
_ATEXT = r"[\w.!#$%'*+~-]"
_LOCAL = lazy(rf"{_ATEXT}+(?:(?<=[0-9A-Fa-f]{{4}}u)(?<![0-9A-Fa-f][0-7]00u)\\{{1,4}}{_ATEXT}*)*")
_QUOTED = lazy(r'"[^"@\r\n]{1,64}"')
_ESCAPED = r"%[89A-Fa-f][0-9A-Fa-f]|\\{1,4}u(?!00[0-7])[0-9A-Fa-f]{4}"
_ENCODED = lazy(r"%[89A-Fa-f][0-9A-Fa-f]")
_DOMAIN = lazy(
    rf"(?:(?:[^\W_]|{_ESCAPED})(?:[\w-]|{_ESCAPED})*\.)+"
    rf"(?P<top>xn--[\w-]+|(?:[^\W\d_]|{_ESCAPED}){{2,63}})(?![^\W\d_])"
)
_VERSION = lazy(r"v?[0-9]+\.[0-9]")  # toolchain@v0.0.1-go1.21.0.linux
_OUTSIDE = lazy(r"[\s\"'<>]")
_PATH = lazy("[/?#]")
_WEB = ("http", "https", "ws", "wss", "ftp")

# Endings of file names, and of systemd's units, that are no top-level domains: image@2x.png, handler@main.js.
_ENDINGS = (
    "png jpg jpeg gif svg webp ico css scss map js mjs cjs jsx ts tsx vue svelte html java class jar dll exe "
    "json yaml yml whl tar tgz deb rpm gz csv log txt xml pdf wasm jsm go rb php kt cpp bak service socket timer "
    "mount slice scope target device"
)
_FILES = frozenset(_ENDINGS.split())
# Before such an ending: alice@example.com.json is a file named after an address, vendor@main.chunk.js is not.
_ADDRESS_TOP = lazy(r"\.(?:com|net|org|edu|gov|mil|info|io|co|dev|app|ai|[a-z]{2})\Z")


def _find(subject: Subject) -> Iterable[Finding]:
    text = subject.text
    return _find_signs(text) if "@" in text else ()


def _find_signs(text: str) -> Iterator[Finding]:
    before = 0
    at = text.find("@")
    while at >= 0:
        start = _local_start(text, before, at)
        before = at + 1
        end = _domain_end(text, before) if start < at else 0
        if end and not _is_service(text, start, at):
            yield Finding("EMAIL_ADDRESS", start, end, 1.0, "mailbox and domain")
        at = text.find("@", before)


def _domain_end(text: str, start: int) -> int:
    """Where the domain that begins at ``start`` ends; 0 if none does."""
    domain = _DOMAIN.match(text, start)
    if domain is None or _VERSION.match(text, start):
        return 0
    top, end = domain["top"].lower(), domain.end()
    if top not in _FILES:
        return end
    while top in _FILES:
        end -= len(top) + 1
        top = text[text.rfind(".", start, end) + 1 : end].lower()
    return end if _ADDRESS_TOP.search(text[max(start, end - 6) : end].lower()) else 0


def _local_start(text: str, floor: int, at: int) -> int:
    if text[at - 1 : at] == '"':
        opening = text.rfind('"', max(floor, at - 66), at - 1)
        return opening if opening >= 0 and _QUOTED.fullmatch(text, opening, at) else at
    local = _LOCAL.match(text[floor:at][::-1])
    if local is None:
        return at
    start = at - local.end()
    while start < at and text[start] in ".'%" and _ENCODED.match(text, start) is None:
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
    tuple(
        sign + first
        for sign in (b"@", rb"(?:%(?:25){0,2}|u00)40")
        for first in (
            rb"[0-9A-Za-z][0-9A-Za-z_.%\\\x80-\xff-]",
            rb"[\xc2-\xf4][\x80-\xbf]",
            rb"(?:%(?:25){0,2}[89A-Fa-f]|\\{1,4}u)[0-9A-Fa-f]",
        )
    ),
    _find,
)
