"""International bank account numbers (ISO 13616): country, its length, check digits modulo 97."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._model import Detector, Finding, Subject

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
# From the check digits, since texts hold more letters than digits; then back to the two letters before.
_START = re.compile(r"[0-9]{2}(?<=[a-z]{2}[0-9]{2})(?<![0-9a-z][a-z]{2}[0-9]{2})(?=[ -]?[0-9a-z]{3})")


def _find(subject: Subject) -> Iterable[Finding]:
    return _find_starts(subject.low) if b"aadd" in subject.shape else ()


def _find_starts(low: str) -> Iterator[Finding]:
    for match in _START.finditer(low):
        start = match.start() - 2
        length = _LENGTHS.get(low[start : start + 2])
        end = None if length is None else _end(low, start, length)
        if end is not None and _checks(low[start:end]):
            yield Finding("IBAN_CODE", start, end, 1.0, "country, length and check digits")


def _end(low: str, start: int, length: int) -> int | None:
    """Where ``length`` letters and digits end, single spaces or dashes between them; None if a word goes on there."""
    at, left = start, length
    while True:
        if not low[at : at + 1].isalnum() or not low[at].isascii():
            return None
        at, left = at + 1, left - 1
        if not left:
            break
        if low[at : at + 1] in (" ", "-"):
            at += 1
    return None if low[at : at + 1].isalnum() else at


def _checks(code: str) -> bool:
    plain = code.replace(" ", "").replace("-", "")
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


IBAN = Detector(
    "IBAN_CODE",
    (b"(?i)(?:" + "|".join(sorted(_LENGTHS)).encode() + rb")[0-9]{2}(?:[ -]?[0-9a-z]){11}",),
    _find,
)
