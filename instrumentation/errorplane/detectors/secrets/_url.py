"""What in a URL tells of a person or opens something: names before the host, and values of telling parameters.

The rest stays readable: scheme, host, path and the other parameters. Parameters whose names are those of secrets and
tokens (``errorplane.detectors.context``) are found by the detectors of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.text._escapes import ESCAPED
from errorplane.detectors.text._values import is_placeholder, is_random

PERSONAL = (
    r"e?mail(?:[-_.]?address)?",
    r"user(?:[-_.]?name|[-_.]?id)?",
    r"login(?:[-_.]?hint)?",
    r"(?:first|last|full|given|family|middle|maiden|sur|nick)[-_.]?name",
    r"(?:birth[-_.]?(?:date|day)|date[-_.]?of[-_.]?birth|dob)",
    r"(?:street|postal|home|billing|shipping)[-_.]?address",
    r"(?:tele)?phone(?:[-_.]?(?:no|number))?|mobile|msisdn",
    r"(?:passport|iban|tax[-_.]?id|patient[-_.]?id|mrn)",
)
"""Parameters whose value tells of a person."""
OPENING = (
    r"code|key|auth|sid|state|ticket|assertion|otp|hmac|session(?:[-_.]?id)?",
    r"saml(?:response|request|art)|relaystate|id[-_.]?token[-_.]?hint|code[-_.]?(?:challenge|verifier)|device[-_.]?code",
    r"x-(?:amz|goog)-(?:credential|security-token)|(?:aws|google)access(?:key)?id",
)
"""Parameters whose value opens something, if it is no plain word and no count."""
_NAMES = rf"(?:(?P<personal>{'|'.join(PERSONAL)})|(?:{'|'.join(OPENING)}))"
_PARAMETER = lazy(rf"(?<=[?&;]){_NAMES}=(?P<value>[^\s&;\"'`<>#)\]}},|\\]+)")
_FIRST = lazy(rf"{_NAMES}=(?P<value>[^\s&;\"'`<>#)\]}},|\\]+)&(?=[\w.%\[\]-]{{1,64}}=)")
_SCHEME = lazy(
    r"(?<![a-z0-9])(?:https?|wss?|ftp)://(?P<user>[^\s/?#@:\"'<>]{1,64})(?::[^\s/?#@\"'<>]{0,256})?@(?=[\w\[%$])"
)
_SERVICES = frozenset(("git", "oauth2", "x-access-token", "x-token-auth", "anonymous", "user", "username"))


def _find(subject: Subject) -> Iterable[Finding]:
    low = subject.low
    if ("=" in low and ("?" in low or "&" in low)) or ("@" in low and "://" in low):
        return _find_parts(subject)
    return ()


def _find_parts(subject: Subject) -> Iterator[Finding]:
    text, low = subject.text, subject.low
    if "@" in low and "://" in low:
        for match in _SCHEME.finditer(low):
            if match["user"] not in _SERVICES and not is_placeholder(text[slice(*match.span("user"))]):
                yield Finding("URL", *match.span("user"), 0.7, "name before the host of a URL")
    if "=" in low:
        for match in _PARAMETER.finditer(low):
            yield from _value(text, match)
        first = _FIRST.match(low)
        if first is not None:
            yield from _value(text, first)


def _value(text: str, match: re.Match[str]) -> Iterator[Finding]:
    value = text[slice(*match.span("value"))]
    if is_placeholder(value):
        return
    if match["personal"] is not None:
        if not value.isdigit() or match["personal"].startswith(("tele", "phone", "mobile", "msisdn")):
            yield Finding("URL", *match.span("value"), 0.6, "value of a parameter that tells of a person")
    elif len(value) >= 8 and is_random(value):
        yield Finding("URL", *match.span("value"), 0.6, "value of a parameter that opens something")


_GATED = "(?:" + "|".join((*PERSONAL, *OPENING)) + ")"
_EQUALS = f"(?:=|{ESCAPED.decode()}3d)"
URL = Detector(
    "URL",
    (
        f"(?i)[?&;6f]{_GATED}{_EQUALS}".encode(),
        f'(?i){_GATED}{_EQUALS}[^\\s"]+(?:&|(?:%(?:25){{0,2}}|u00)26)'.encode(),
        rb"(?i)(?:https?|wss?|ftp)(?::|" + ESCAPED + rb"3a)(?:/|%|\\)[^\s\"']+(?:@|(?:%(?:25){0,2}|u00)40)",
    ),
    _find,
)
