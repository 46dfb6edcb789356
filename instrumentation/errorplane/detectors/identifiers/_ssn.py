"""US social security numbers: area, group and serial rules of the SSA (areas 000, 666 and 9xx are never issued)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._keys import SSN_NAMES, KeyClass, one_of
from errorplane.detectors.context._labels import is_labelled
from errorplane.detectors.text._escapes import ESCAPED_SEPARATOR, as_gate

_AREA, _GROUP, _SERIAL = r"(?!000|666|9)[0-9]{3}", r"(?!00)[0-9]{2}", r"(?!0000)[0-9]{4}"
# Not a part of a longer row of groups with the same separator.
_DASHED = lazy(rf"(?<![0-9a-zA-Z])(?<![0-9][.-]){_AREA}-{_GROUP}-{_SERIAL}(?![0-9a-zA-Z]|[.-][0-9])")
_SPACED = lazy(rf"(?<![0-9a-zA-Z])(?<![0-9][ .-]){_AREA} {_GROUP} {_SERIAL}(?![0-9a-zA-Z]|[ .-][0-9])")
_FORM = lazy(rf"(?<![0-9a-zA-Z])(?<![0-9][+.-]){_AREA}\+{_GROUP}\+{_SERIAL}(?![0-9a-zA-Z]|[+.-][0-9])")
_DOTTED = lazy(rf"(?<![0-9a-zA-Z])(?<![0-9][.-]){_AREA}\.{_GROUP}\.{_SERIAL}(?![0-9a-zA-Z]|[.-][0-9])")
_PATTERNS = (
    (b"ddd-dd-dddd", _DASHED),
    (b"ddd dd dddd", _SPACED),
    (b"ddd+dd+dddd", _FORM),
    (b"ddd.dd.dddd", _DOTTED),
)
# What else has three groups of 3, 2 and 4 digits.
_OTHER = lazy(
    r"(?:^|[^a-z])(?:order|part|sku|model|isbn|product|item|invoice|ticket|case|serial|lot|batch|tracking)s?"
    r"(?:[ _.-]?(?:ids?|no|nr|num|number))?[\s\"'`:=#]{1,4}\Z"
)
_STATUS = lazy(r"http/[0-9.]+\"? \Z")  # then come status, bytes and time of an access log
_SAID = lazy(rf"(?<![0-9a-zA-Z]){_AREA}[ ./-]?{_GROUP}[ ./-]?{_SERIAL}(?![0-9a-zA-Z])")
_NAME = lazy(one_of(SSN_NAMES))
_NEAR = 64  # a field and its value may stand on two lines of a report of errors
_SSN = KeyClass.SSN


def _find(subject: Subject) -> Iterable[Finding]:
    low, shape = subject.low, subject.shape
    if b"-dd-dddd" in shape or b" dd dddd" in shape or b"+dd+dddd" in shape or b"d.dd.dddd" in shape:
        return _find_numbers(subject)
    return _find_numbers(subject) if subject.key is _SSN or "ssn" in low or "social" in low else ()


def _find_numbers(subject: Subject) -> Iterator[Finding]:
    for groups, pattern in _PATTERNS:
        at = subject.shape.find(groups)
        while at >= 0:
            if pattern.match(subject.text, at) is not None and not _is_other(subject, at, at + len(groups)):
                yield Finding("US_SSN", at, at + len(groups), 0.9, "area, group and serial, in groups")
            at = subject.shape.find(groups, at + 1)
    if subject.key is _SSN or "ssn" in subject.low or "social" in subject.low:
        for match in _SAID.finditer(subject.text):
            if subject.key is _SSN or _NAME.search(subject.low, max(0, match.start() - _NEAR), match.start()):
                yield Finding("US_SSN", match.start(), match.end(), 0.95, "nine digits after a name that says so")


def _is_other(subject: Subject, start: int, end: int) -> bool:
    """A part of a code with letters (``ABC-123-45-6789``), a number called something else, or columns of a log."""
    low = subject.low
    if subject.key is _SSN or _NAME.search(low, max(0, start - _NEAR), start) is not None:
        return False
    before = low[max(0, start - 24) : start]
    return (
        (low.startswith("-", start - 1) and low[start - 2 : start - 1].isalpha())
        or (low.startswith("-", end) and low[end + 1 : end + 2].isalpha())
        or _OTHER.search(before) is not None
        or _STATUS.search(before) is not None
        or (low.startswith(" ", start + 3) and is_labelled(low, start, end, personal=True))
    )


SSN = Detector(
    "US_SSN",
    (
        rb"[0-9][ +-][0-9]{2}[ +-][0-9]{4}",
        rb"[0-9]{3}\.[0-9]{2}\.[0-9]{4}",
        ESCAPED_SEPARATOR,
        as_gate(one_of(SSN_NAMES)),
    ),
    _find,
)
