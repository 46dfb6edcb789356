"""What PCI DSS 3.3 forbids to keep after authorisation: card verification values and the tracks of magnetic stripes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.identifiers._checksums import luhn
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.text._escapes import ESCAPED

CVV = contextual("CVV", ("cvv",), bounded(r"[0-9]{3,4}(?![-:/][0-9])"), near=10, score=0.95)

# ISO/IEC 7813: start sentinel and format, number, name, expiry, service code, discretionary data, end sentinel.
# A caret is no sign that other detectors read without its escape, so its percent-encoding is a part of the expression.
_CARET = r"(?:\^|%(?:25){0,2}5e)"
_TRACK_1 = lazy(
    rf"%?(?:25)?b(?P<number>[0-9]{{12,19}}){_CARET}(?:(?!{_CARET})[^\r\n]){{2,50}}{_CARET}(?:[0-9]{{4}}|{_CARET})"
    r"(?:[0-9a-z .=/^+-]|%(?:25){0,2}(?:20|2f|3d|5e)){0,60}(?:\?|%(?:25){0,2}3f)?"
)
_TRACK_2 = lazy(r"(?<![0-9a-z]);?(?P<number>[0-9]{12,19})=[0-9]{2}(?:0[1-9]|1[0-2])[0-9]{3,30}\??")


def _find_tracks(subject: Subject) -> Iterator[Finding]:
    low = subject.low
    if "^" in low or "5e" in low:
        yield from _tracks(_TRACK_1, low)
    if b"=ddddddd" in subject.shape:
        yield from _tracks(_TRACK_2, low)


def _tracks(pattern: re.Pattern[str], low: str) -> Iterator[Finding]:
    for match in pattern.finditer(low):
        if luhn(match["number"]):
            start, end = match.span()
            yield Finding("TRACK_DATA", start, end, 1.0, "a track of a magnetic stripe")


TRACK = Detector(
    "TRACK_DATA",
    (
        rb"[bB][0-9]{12,19}(?:\^|%(?:25){0,8}5[eE])",
        rb"[0-9]{12}(?:=|" + ESCAPED + rb"3[dD])[0-9]{7}",
    ),
    _find_tracks,
)
