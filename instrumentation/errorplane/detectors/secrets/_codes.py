"""One-time codes and PINs: four to eight digits after a name that says so."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors.text._escapes import as_gate

_KINDS = (
    "(?:one[-._ ]?time|verification|verify|security|authentication|login|confirmation|activation|2fa|mfa|sms"
    "|two[-._ ]factor|access)"
)
_KEYED = rf"(?:t?otp(?:[-._ ]?(?:code|token))?|pin[-._ ]?(?:code|number)|{_KINDS}[-._ ]?(?:code|pin|passcode))"
_OWNED = "(?:user|card|account|customer|sim)[-._ ]?pin"
_NAMED = lazy(
    rf"(?<![a-z0-9])(?:{_KEYED}|(?P<pin>pin))"
    r"(?:\\{0,7}[\"'`])?(?:[ ]{0,4}(?:=>|[:=])[ ]{0,4}| (?:is|was|est|ist|es)[: ]{1,2}|(?P<space> ))(?:\\{0,7}[\"'`])?#?"
    r"(?P<code>[0-9]{4,8}|[0-9]{3}[ -][0-9]{3})(?![0-9a-z_-]|[.,:][0-9])"
)
_SENT = lazy(
    r"(?<![0-9a-z.,:-])(?P<code>[0-9]{4,8}|[0-9]{3}[ -][0-9]{3}) (?:is|as) (?:your|the) [a-z0-9 -]{0,40}?(?:code|otp|pin|passcode)(?![a-z])"
)
_KEY = lazy(rf"(?:^|[^a-z])(?:{_KEYED}|{_OWNED})\Z")
_CODE = lazy(r"\s*[0-9]{3,4}[ -]?[0-9]{1,4}\s*\Z")

GATES = (
    as_gate(_KEYED),
    as_gate(_OWNED),
    rb"(?i)pin[^0-9a-z].{0,60}[0-9]{3}",
    as_gate("[0-9] (?:is|as) (?:your|the) "),
)
"""Sixty bytes have room for all that may stand between a name and its code, escaped twice."""


def is_code(low_key: str, text: str) -> bool:
    """Whether an attribute's name, in lower case, says that its value is such a code, and it has the form of one."""
    return _CODE.match(text) is not None and _KEY.search(low_key) is not None


def find_codes(low: str) -> Iterator[tuple[int, int]]:
    """Where the codes stand in a text."""
    if "code" in low or "otp" in low or "pin" in low:
        for match in _NAMED.finditer(low):
            if match["pin"] is None or match["space"] is None:
                yield match.span("code")
        for match in _SENT.finditer(low):
            yield match.span("code")
