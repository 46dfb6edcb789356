"""US social security numbers: area, group and serial rules of the SSA (areas 000, 666 and 9xx are never issued)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._keys import SSN_NAMES, one_of
from errorplane.detectors._model import Detector, Finding, KeyClass, Subject

_NUMBER = r"(?!000|666|9)[0-9]{3}(?P<sep>[ -])(?!00)[0-9]{2}(?P=sep)(?!0000)[0-9]{4}"
_GROUPED = re.compile(rf"(?<![0-9a-zA-Z])(?<![0-9][ .-]){_NUMBER}(?![0-9a-zA-Z]|[ .-][0-9])")
_BARE = re.compile(r"(?<![0-9a-zA-Z])(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}(?![0-9a-zA-Z])")
_NAME = re.compile(one_of(SSN_NAMES))
_NEAR = 40


def _find(subject: Subject) -> Iterable[Finding]:
    shape = subject.shape
    if b"ddd-dd-dddd" in shape or b"ddd dd dddd" in shape or b"ddddddddd" in shape:
        return _find_numbers(subject)
    return ()


def _find_numbers(subject: Subject) -> Iterator[Finding]:
    for match in _GROUPED.finditer(subject.text):
        yield Finding("US_SSN", match.start(), match.end(), 0.9, "area, group and serial, in groups")
    if subject.key is KeyClass.SSN or "ssn" in subject.low or "social" in subject.low:
        for match in _BARE.finditer(subject.text):
            if subject.key is KeyClass.SSN or _NAME.search(subject.low, max(0, match.start() - _NEAR), match.start()):
                yield Finding("US_SSN", match.start(), match.end(), 0.8, "nine digits after a name that says so")


SSN = Detector(
    "US_SSN",
    (rb"[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}", b"(?i)" + one_of(SSN_NAMES).encode()),
    _find,
)
