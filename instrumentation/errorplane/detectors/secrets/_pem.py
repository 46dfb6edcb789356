"""Private keys: PEM blocks (RFC 7468, RFC 4716, OpenPGP), PuTTY's files, JSON Web Keys (RFC 7518), bare DER in base64.

A block may be cut off at either end, on one line, or in escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.text._values import is_placeholder

_BLOCK = lazy(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?P<key>.*?)(?:-{4,5} ?END|\Z)", re.DOTALL)
# Reversed text, so that the look for its start is anchored at its end.
_TAIL = lazy(r"[0-9A-Za-z+/=\\\r\n]+")
_END = lazy(r"-{4,5} ?END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_LEAST_TAIL = 16
_PUTTY = lazy(r"Private-Lines: ?[0-9]{1,3}(?P<key>.*?)(?:Private-MAC|\Z)", re.DOTALL)
# What DER has in base64 at the start of RSA keys (PKCS #8, PKCS #1) and of EC keys of three curves (SEC 1).
_DER = lazy(
    r"(?<![0-9A-Za-z+/])(?:MII[0-9A-Za-z]{1,3}[0-9A-Za-z+/]{0,4}ADANBgkqhkiG9w0BAQEFAASC|MII[BCEJ][0-9A-Za-z+/]{2}IBAAKC"
    r"|M(?:HcCAQEEI|IGkAgEBBD|IHcAgEBBE))[0-9A-Za-z+/]{16}[0-9A-Za-z+/=\s\\]*"
)
_JWK = lazy(r"\\{0,7}\"(?:d|p|q|dp|dq|qi|k)\\{0,7}\"\s{0,4}:\s{0,4}\\{0,7}\"(?P<key>[0-9A-Za-z_=-]{16,})")


def _find(subject: Subject) -> Iterable[Finding]:
    text = subject.text
    if "PRIVATE KEY" in text or "kty" in text or "Private-Lines" in text:
        return _find_keys(text)
    return _find_keys(text) if "MI" in text or "MHcCAQ" in text else ()


def _find_keys(text: str) -> Iterator[Finding]:
    if "PRIVATE KEY" in text:
        yield from _find_blocks(text)
    for match in _PUTTY.finditer(text) if "Private-Lines" in text else ():
        if not is_placeholder(match["key"].strip(" \r\n\\nr")):
            yield Finding("PRIVATE_KEY", *match.span("key"), 1.0, "private part of a PuTTY file")
    for match in _DER.finditer(text):
        yield Finding("PRIVATE_KEY", *match.span(), 1.0, "private key in DER, in base64")
    if "kty" in text:
        for match in _JWK.finditer(text):
            yield Finding("PRIVATE_KEY", *match.span("key"), 1.0, "private part of a JSON Web Key")


def _find_blocks(text: str) -> Iterator[Finding]:
    done = 0
    for match in _BLOCK.finditer(text):
        done = max(done, match.end())
        if not is_placeholder(match["key"].strip(" \r\n\\nr")):
            yield Finding("PRIVATE_KEY", *match.span("key"), 1.0, "private key in PEM")
    floor = 0
    for match in _END.finditer(text):
        tail = _TAIL.match(text[floor : match.start()][::-1])
        if tail is not None and tail.end() >= _LEAST_TAIL and "BEGIN" not in text[floor : match.start()]:
            yield Finding("PRIVATE_KEY", match.start() - tail.end(), match.start(), 0.9, "end of a private key in PEM")
        floor = match.end()


PRIVATE_KEY = Detector(
    "PRIVATE_KEY",
    (
        rb"PRIVATE(?:[ +]|%(?:25){0,2}20|\\{1,4}u0020)KEY",
        rb"Private-Lines",
        rb"ADANBgkqhkiG9w0BAQEFAASC",
        rb"IBAAKC",
        rb"M(?:HcCAQEEI|IGkAgEBBD|IHcAgEBBE)",
        rb"kty",
    ),
    _find,
)
