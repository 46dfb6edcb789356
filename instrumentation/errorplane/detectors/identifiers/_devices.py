"""Numbers of devices and vehicles: network interfaces, telephones, vehicles and their plates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Subject
from errorplane.detectors.identifiers._checksums import luhn, plain
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.text._escapes import ESCAPED, ESCAPED_SEPARATOR
from errorplane.detectors.text._words import words

_PAIRS = lazy(r"(?<![0-9a-z])[0-9a-f]{2}(?:(?::[0-9a-f]{2})+|(?:-[0-9a-f]{2})+)")
_HEX_BEFORE = lazy(r"(?<![0-9a-z])[0-9a-f]{1,4}[:-]\Z")
_CISCO = lazy(r"(?<![0-9a-z.:-])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-z:-]|\.[0-9a-z])")
_BARE = bounded(r"[0-9a-f]{12}|[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}")
_PAIRS_IN_MAC = 6
_SIGNS = str.maketrans(dict.fromkeys(":-."))


def _is_someones(address: str) -> bool:
    """No broadcast, no address of nothing."""
    return len(set(address.translate(_SIGNS))) > 1


def _macs_alone(subject: Subject) -> Iterable[tuple[int, int]]:
    low = subject.low
    pairs = low.count(":") >= 5 or low.count("-") >= 5
    dot = low.find(".")
    while dot >= 0 and low[dot + 5 : dot + 6] != ".":
        dot = low.find(".", dot + 1)
    return _macs(low, pairs, dot >= 0) if pairs or dot >= 0 else ()


def _macs(low: str, pairs: bool, dotted: bool) -> Iterator[tuple[int, int]]:
    for match in _PAIRS.finditer(low) if pairs else ():
        start, end = match.span()
        after = low[end : end + 2]
        if (
            end - start != 3 * _PAIRS_IN_MAC - 1
            or after[:1].isalnum()
            or (after[:1] in (":", "-") and after[1:].isalnum())
        ):
            continue  # a fingerprint, an IPv6 address, a part of a UUID
        if not _HEX_BEFORE.search(low, max(0, start - 6), start) and _is_someones(match[0]):
            yield start, end
    for match in _CISCO.finditer(low) if dotted else ():
        if _is_someones(match[0]) and not match[0].replace(".", "").isdigit():
            yield match.span()


_IMEI = bounded(r"[0-9]{2}(?P<gap>[ +/-]?)[0-9]{6}(?P=gap)[0-9]{6}(?P=gap)[0-9]{1,2}")
_IMEI_ALONE = bounded(r"[0-9]{2}(?P<gap>[ +-])[0-9]{6}(?P=gap)[0-9]{6}(?P=gap)[0-9](?![ +-][0-9])")


def is_imei(number: str) -> bool:
    """3GPP TS 23.003, 6.2: fifteen digits with a Luhn digit; sixteen with a software version have none."""
    digits = plain(number)
    return len(digits) == 16 or luhn(digits)


def _imeis_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    if b"-dddddd-dddddd-d" in subject.shape or b" dddddd dddddd d" in subject.shape:
        for match in _IMEI_ALONE.finditer(subject.low):
            if subject.low[match.start() - 1 : match.start()] != "-" and luhn(plain(match[0])):
                yield match.span()


_VIN = bounded(r"(?=[0-9]*[a-hj-npr-z])(?=[a-z]*[0-9])[0-9a-hj-npr-z]{17}")
_VIN_SHAPE = lazy(rb"(?<![ad])[ad]{13}dddd(?![ad])")
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(
    zip("abcdefghjklmnprstuvwxyz", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)


def is_north_american_vin(vin: str) -> bool:
    """49 CFR 565.15: letters have values, weights, remainder of 11 in the ninth place; the last four are digits.

    >>> is_north_american_vin("1m8gdm9axkp042788"), is_north_american_vin("1m8gdm9a1kp042788")
    (True, False)
    """
    total = sum(
        (int(char) if char.isdigit() else _VIN_VALUES[char]) * weight
        for char, weight in zip(vin, _VIN_WEIGHTS, strict=True)
    )
    return vin[8] == "0123456789x"[total % 11] and vin[13:].isdigit() and vin[:2].isalnum() and not vin[:2].isdigit()


def _vins_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    for shape in _VIN_SHAPE.finditer(subject.shape):
        match = _VIN.match(subject.low, shape.start())
        if match is not None and subject.text[slice(*match.span())].isupper() and is_north_american_vin(match[0]):
            yield match.span()


_PLATE = bounded(
    r"[a-z]{2}[0-9]{2} [a-z]{3}|(?=[a-z -]*[0-9])(?=[0-9 -]*[a-z])(?:[0-9a-z]{1,5}(?:[ -][0-9a-z]{1,4}){0,2}|[0-9a-z]{6,8})(?![ -]?[0-9])"
)
_BRITISH = lazy(r"[a-z]{2}[0-9]{2} [a-z]{3}")


def _is_plate(plate: str) -> bool:
    if _BRITISH.fullmatch(plate) is not None:
        return True
    return 4 <= len(plain(plate)) <= 9 and any(map(str.isdigit, plate)) and not plate.split()[-1].isalpha()


MAC = contextual(
    "MAC_ADDRESS",
    ("mac",),
    _BARE,
    _is_someones,
    score=0.9,
    alone=_macs_alone,
    alone_score=0.9,
    gate=(
        rb"(?i)[0-9a-f]{2}(?::[0-9a-f]{2}){5}",
        rb"(?i)[0-9a-f]{2}(?:-[0-9a-f]{2}){5}",
        rb"(?i)[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}",
        rb"(?i)[0-9a-f]{2}" + ESCAPED + rb"3a",
    ),
)
IMEI = contextual(
    "IMEI",
    ("imei",),
    _IMEI,
    is_imei,
    score=1.0,
    alone=_imeis_alone,
    words=words(b"dddddd"),
    gate=(rb"[0-9]{2}[ +-][0-9]{6}[ +-][0-9]{6}[ +-][0-9]", ESCAPED_SEPARATOR),
)
VIN = contextual(
    "VIN_CODE",
    ("vin",),
    _VIN,
    score=0.95,
    alone=_vins_alone,
    words=words(17),
    gate=(rb"(?:[A-HJ-NPR-Z][0-9A-HJ-NPR-Z]|[0-9][A-HJ-NPR-Z])[0-9A-HJ-NPR-Z]{6}[0-9X][0-9A-HJ-NPR-Z]{4}[0-9]{4}",),
)
PLATE: Detector = contextual("LICENSE_PLATE", ("plate",), _PLATE, _is_plate, near=16, score=0.7)
