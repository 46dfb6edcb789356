"""Numbers that authorities of the United States issue, except for social security numbers."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.detectors._model import Subject
from errorplane.detectors.identifiers._checksums import luhn, plain, weighted
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.text._escapes import ESCAPED_SEPARATOR
from errorplane.detectors.text._words import words

# IRS, "Individual taxpayer identification number": area 9xx, groups 50 to 65, 70 to 88, 90 to 92, 94 to 99.
_ITIN = bounded(r"9[0-9]{2}[ +-]?(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[ +-]?[0-9]{4}")
_NPI = bounded(r"[12][0-9]{9}")
# CMS, "Understanding the Medicare Beneficiary Identifier format": eleven positions, no S L O I B Z.
_A, _AN = "[ac-hjkmnp-rt-y]", "[0-9ac-hjkmnp-rt-y]"
_MBI = bounded(rf"[1-9]{_A}{_AN}[0-9](?P<gap>-?){_A}{_AN}[0-9](?P=gap){_A}{{2}}[0-9]{{2}}")
_DEA = bounded(r"[abcdefghjklmprstux][a-z9]-?[0-9]{7}")
_PASSPORT = bounded(r"(?:[a-z]{0,2}[0-9]{6,9}|(?=(?:[a-z]*[0-9]){4})(?=[0-9]*[a-z])[a-z0-9]{9})(?![./:-][0-9])")
_LICENSE = bounded(r"(?=[a-z]{0,6}[0-9])[a-z0-9]{1,18}(?:[ -][0-9]{2,6}(?![0-9a-z])){0,4}(?![./:][0-9])")
_ACCOUNT = bounded(r"[0-9](?:[ -]?[0-9]){5,16}(?![./:-][0-9])")
_ROUTING = bounded(r"(?:0[0-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)[0-9]{2}-?[0-9]{4}-?[0-9]")


def _is_license(number: str) -> bool:
    """Every state has a form of its own; all have five digits or more."""
    return sum(map(str.isdigit, number)) >= 5


def _is_npi(number: str) -> bool:
    """CMS, "NPI check digit": Luhn over the number with 80840 before it."""
    return luhn("80840" + number)


def _is_dea(number: str) -> bool:
    """DEA, registration number: the sum of digits 1, 3, 5 and twice that of 2, 4, 6 ends in digit 7."""
    digits = number[-7:]
    return weighted(digits, (1, 2, 1, 2, 1, 2)) % 10 == int(digits[6])


def _is_routing_number(number: str) -> bool:
    """ABA, routing number policy: weights 3, 7, 1."""
    return weighted(plain(number), (3, 7, 1) * 3) % 10 == 0


def _itins_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    shape = subject.shape
    at = shape.find(b"ddd-dd-dddd") if b"-dd-dddd" in shape else -1
    while at >= 0:
        match = _ITIN.match(subject.low, at)
        if match is not None and not subject.low.startswith("-", at - 1):
            yield match.span()
        at = shape.find(b"ddd-dd-dddd", at + 1)


def _mbis_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    shape = subject.shape
    if b"-aadd" in shape or b"daadd" in shape:
        for match in _MBI.finditer(subject.low):
            if match["gap"] or subject.text[slice(*match.span())].isupper():
                yield match.span()


ITIN = contextual(
    "US_ITIN",
    ("itin", "tax"),
    _ITIN,
    alone=_itins_alone,
    words=words(b"ddd"),
    alone_score=0.8,
    gate=(rb"9[0-9]{2}-[5-9][0-9]-[0-9]{4}", ESCAPED_SEPARATOR),
)
NPI = contextual("US_NPI", ("npi",), _NPI, _is_npi)
MBI = contextual(
    "US_MBI",
    ("mbi",),
    _MBI,
    alone=_mbis_alone,
    words=words(11, b"aadd"),
    alone_score=0.8,
    gate=(
        rb"[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9][AC-HJKMNP-RT-Y]{2}[0-9]{2}",
        rb"[0-9A-Za-z][0-9]-[A-Za-z][0-9A-Za-z][0-9]-[A-Za-z]{2}[0-9]{2}",
    ),
)
DEA = contextual("MEDICAL_LICENSE", ("dea",), _DEA, _is_dea, score=0.9)
PASSPORT = contextual("US_PASSPORT", ("passport",), _PASSPORT, near=28, score=0.7)
DRIVER_LICENSE = contextual("US_DRIVER_LICENSE", ("driver",), _LICENSE, _is_license, near=28, score=0.75)
BANK_NUMBER = contextual("US_BANK_NUMBER", ("bank",), _ACCOUNT, near=28, score=0.75)
ROUTING_NUMBER = contextual("ABA_ROUTING_NUMBER", ("routing",), _ROUTING, _is_routing_number, score=0.9)
