"""US social security numbers: area, group and serial rules of the SSA (areas 000, 666 and 9xx are never issued)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._escapes import ESCAPED_SEPARATOR, as_gate
from errorplane.detectors._keys import SSN_NAMES, KeyClass, one_of
from errorplane.detectors._model import Detector, Finding, Subject

_AREA, _GROUP, _SERIAL = r"(?!000|666|9)[0-9]{3}", r"(?!00)[0-9]{2}", r"(?!0000)[0-9]{4}"
# Not a part of a longer row of groups with the same separator.
_DASHED = re.compile(rf"(?<![0-9a-zA-Z])(?<![0-9][.-]){_AREA}-{_GROUP}-{_SERIAL}(?![0-9a-zA-Z]|[.-][0-9])")
_SPACED = re.compile(rf"(?<![0-9a-zA-Z])(?<![0-9][ .-]){_AREA} {_GROUP} {_SERIAL}(?![0-9a-zA-Z]|[ .-][0-9])")
_FORM = re.compile(rf"(?<![0-9a-zA-Z])(?<![0-9][+.-]){_AREA}\+{_GROUP}\+{_SERIAL}(?![0-9a-zA-Z]|[+.-][0-9])")
_PATTERNS = ((b"ddd-dd-dddd", _DASHED), (b"ddd dd dddd", _SPACED), (b"ddd+dd+dddd", _FORM))
_SAID = re.compile(rf"(?<![0-9a-zA-Z]){_AREA}[ ./-]?{_GROUP}[ ./-]?{_SERIAL}(?![0-9a-zA-Z])")
_NAME = re.compile(one_of(SSN_NAMES))
_NEAR = 40
_SSN = KeyClass.SSN


def _find(subject: Subject) -> Iterable[Finding]:
    low, shape = subject.low, subject.shape
    if b"-dd-dddd" in shape or b" dd dddd" in shape or b"+dd+dddd" in shape:
        return _find_numbers(subject)
    return _find_numbers(subject) if subject.key is _SSN or "ssn" in low or "social" in low else ()


def _find_numbers(subject: Subject) -> Iterator[Finding]:
    for groups, pattern in _PATTERNS:
        at = subject.shape.find(groups)
        while at >= 0:
            if pattern.match(subject.text, at) is not None:
                yield Finding("US_SSN", at, at + len(groups), 0.9, "area, group and serial, in groups")
            at = subject.shape.find(groups, at + 1)
    if subject.key is _SSN or "ssn" in subject.low or "social" in subject.low:
        for match in _SAID.finditer(subject.text):
            if subject.key is _SSN or _NAME.search(subject.low, max(0, match.start() - _NEAR), match.start()):
                yield Finding("US_SSN", match.start(), match.end(), 0.8, "nine digits after a name that says so")


SSN = Detector(
    "US_SSN",
    (rb"[0-9][ +-][0-9]{2}[ +-][0-9]{4}", ESCAPED_SEPARATOR, as_gate(one_of(SSN_NAMES))),
    _find,
)
