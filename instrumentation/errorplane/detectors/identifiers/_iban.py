"""International bank account numbers (ISO 13616): country, its length, check digits modulo 97."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.text._escapes import ESCAPED, ESCAPED_SEPARATOR

# Lengths of the SWIFT IBAN registry, release 99, and of the partial users (AO to WF, French territories included).
_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 "
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 "
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "
    "AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 SN28 TD27 TG28 "
    "GF27 GP27 MQ27 RE27 PF27 TF27 YT27 NC27 BL27 MF27 PM27 WF27"
)
_LENGTHS = {entry[:2].lower(): int(entry[2:]) for entry in _COUNTRIES.split()}
# Countries whose letters are hexadecimal digits: after the fourth character (the sixth of BF) come eight digits or more.
# Without this rule many a UUID and hash would have to be looked at.
_HEXADECIMAL = {"ad": 4, "ae": 4, "ba": 4, "be": 4, "bf": 6, "cf": 4, "de": 4, "ee": 4}
_ALPHABET = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
_WITHOUT_SEPARATORS = str.maketrans(dict.fromkeys(" +-"))


def _find(subject: Subject) -> Iterable[Finding]:
    start = subject.shape.find(b"aadd")
    return _find_from(start, subject) if start >= 0 else ()


def _find_from(start: int, subject: Subject) -> Iterator[Finding]:
    low, shape = subject.low, subject.shape
    while start >= 0:
        length = _LENGTHS.get(low[start : start + 2])
        if length is not None and (not start or shape[start - 1] not in b"ad"):
            end = _end(low, start, length)
            if end is not None and _checks(low[start:end]):
                yield Finding("IBAN_CODE", start, end, 1.0, "country, length and check digits")
        start = shape.find(b"aadd", start + 1)


def _end(low: str, start: int, length: int) -> int | None:
    """Where ``length`` letters and digits end, single spaces anywhere between them, or a dash after every fourth.

    None if there are fewer, or if a word goes on there.
    """
    dashed = low.startswith("-", start + 4)
    at, left = start, length
    while True:
        if low[at : at + 1] not in _ALPHABET:
            return None
        at, left = at + 1, left - 1
        if not left:
            break
        if dashed and (length - left) % 4 == 0:
            if low[at : at + 1] != "-":
                return None
            at += 1
        elif not dashed and low[at : at + 1] in (" ", "+"):
            at += 1
    return None if low[at : at + 1] in _ALPHABET else at


def _checks(code: str) -> bool:
    plain = code.translate(_WITHOUT_SEPARATORS)
    digits = _HEXADECIMAL.get(plain[:2])
    if digits is not None and not plain[digits : digits + 8].isdigit():
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


_GAP = rb"(?:[ +]|" + ESCAPED + rb"2[0bB])?"  # also an escaped space or plus
# Hyperscan is three times as fast on these as on a list of the countries.
_WORD = rb"(?:[A-Za-z][g-zG-Z]|[g-zG-Z][A-Za-z])[0-9]{2}"
_HEX = rb"[a-fA-F]{2}[0-9]{2}"
IBAN = Detector(
    "IBAN_CODE",
    (
        _WORD + rb"(?:" + _GAP + rb"[0-9A-Za-z]){11}",
        _WORD + rb"-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{3}",
        _HEX + rb"(?:[ +]?[0-9]){8}",
        ESCAPED_SEPARATOR,
        _HEX + rb"-[0-9]{4}-[0-9]{4}",
        rb"[bB][fF][0-9]{2}(?:" + _GAP + rb"[0-9A-Za-z]){2}(?:" + _GAP + rb"[0-9]){8}",
        rb"[bB][fF][0-9]{2}-[0-9A-Za-z]{2}[0-9]{2}-[0-9]{4}-[0-9]{2}",
    ),
    _find,
)
