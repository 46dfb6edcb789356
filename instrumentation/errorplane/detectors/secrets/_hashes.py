"""Hashes of passwords as crypt(3), htpasswd, LDAP, Django and Werkzeug write them."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors.text._escapes import ESCAPED

_HASH = lazy(
    r"\$2[abxy]?\$[0-9]{2}\$[./0-9A-Za-z]{53}"
    r"|\$(?:apr1|1|5|6|y|gy|7|md5|sha1)\$[^\s$:\"']{1,64}\$[./0-9A-Za-z$]{20,200}"
    r"|\$(?:argon2(?:id|i|d)|pbkdf2(?:-sha[0-9]{1,3})?|scrypt)\$[^\s:\"'<>]{20,300}"
    r"|\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT)\}[./0-9A-Za-z+=$]{12,200}"
    r"|(?:pbkdf2_sha(?:1|256)|pbkdf2:sha(?:1|256|512)(?::[0-9]{1,9})?|scrypt:[0-9:]{3,20}|argon2|bcrypt_sha256)\$[^\s\"'<>]{20,300}"
)
_DOLLAR = rb"(?:\$|" + ESCAPED + rb"24)"

GATES = (
    _DOLLAR + rb"(?:2[abxy]?|apr1|[1567y]|gy|md5|sha1)" + _DOLLAR,
    rb"(?:argon2(?:id|i|d)?|scrypt|pbkdf2[0-9a-z_:-]{0,8})",
    rb"\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT)(?:\}|" + ESCAPED + rb"7[dD])",
    rb"(?i)(?:%(?:25){0,2}|u00)7b(?:S?SHA|S?MD5|CRYPT)",
)
"""A dollar and a brace may be escaped."""


def may_hold_hash(text: str) -> bool:
    """Whether a text holds a part that every one of them has."""
    return ("$" in text and text.count("$") > 1) or "{S" in text or "{MD5}" in text or "{CRYPT}" in text


def find_hashes(text: str) -> Iterator[tuple[int, int]]:
    """Where the hashes stand, with their algorithm and salt."""
    for match in _HASH.finditer(text):
        yield match.span()
