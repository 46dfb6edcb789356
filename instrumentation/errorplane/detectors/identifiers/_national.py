"""National identity and tax numbers of Europe that have check digits."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.detectors._model import Subject
from errorplane.detectors.identifiers._checksums import mod_11_10
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.identifiers._national_rules import (
    is_adoazonosito,
    is_afm,
    is_ahv,
    is_amka,
    is_baltic,
    is_bsn,
    is_cnp,
    is_codice_fiscale,
    is_cpr,
    is_dni,
    is_egn,
    is_emso,
    is_fodselsnummer,
    is_hetu,
    is_nie,
    is_nir,
    is_personas_kods,
    is_personnummer,
    is_pesel,
    is_portuguese_nif,
    is_ppsn,
    is_rijksregisternummer,
    is_rodne_cislo,
    is_steuer_id,
    is_svnr,
)
from errorplane.detectors.text._words import words

_CODICE = bounded(r"[a-z]{6}[0-9lmnp-v]{2}[abcdehlmprst][0-9lmnp-v]{2}[a-z][0-9lmnp-v]{3}[a-z]")
_HETU = bounded(r"[0-3][0-9][01][0-9]{3}[-+a-fu-y][0-9]{3}[0-9a-fhj-npr-y]")
_DNI = bounded(r"(?:[0-9]{8}|[klm][0-9]{7})[ -]?[a-hj-np-tv-z]")
_NIE = bounded(r"[xyz][ -]?[0-9]{7}[ -]?[a-hj-np-tv-z]")
_AHV = bounded(r"756(?P<gap>\.?)[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{2}")
_NIR = bounded(
    r"[1-478][ ]?[0-9]{2}[ ]?(?:0[1-9]|1[0-2]|[2-9][0-9])[ ]?(?:[0-9]{2}|2[ab])[ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{2}"
)
_ID, _TAX = "nid", "tax"


def _codici_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    if b"aaaaaaddaddaddda" in subject.shape:
        for match in _CODICE.finditer(subject.low):
            if is_codice_fiscale(match[0]):
                yield match.span()


def _spanish_alone(subject: Subject, shape: bytes, first: str) -> Iterator[tuple[int, int]]:
    at = subject.shape.find(shape)
    while at >= 0:
        end = at + 9
        number = subject.low[at:end]
        pattern = _NIE if first else _DNI
        glued = subject.low[at - 1 : at] in ("-", "_", "/", ".") or subject.low[end : end + 1] in ("-", "_", "/")
        valid = pattern.match(subject.low, at) is not None and (is_nie if first else is_dni)(number)
        if valid and not glued and subject.text[at:end].isupper() and not _is_size(subject.low, at, end):
            yield at, end
        at = subject.shape.find(shape, at + 1)


def _is_size(low: str, start: int, end: int) -> bool:
    """Of a garbage collector: ``23068672K->19922944K(62914560K)``."""
    return low[end - 1] in "kmgt" and (
        low.startswith(("->", "("), end) or low[:start].endswith((">", "k(", "m(", "g("))
    )


def _nifs_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    return _spanish_alone(subject, b"dddddddda", "")


def _nies_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    return _spanish_alone(subject, b"addddddda", "xyz")


def _hetus_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    """Those with a letter at the end; with a digit there they look like a date and a count."""
    if b"dddddd-ddda" in subject.shape:
        for match in _HETU.finditer(subject.low):
            if match[0][-1].isalpha() and is_hetu(match[0]):
                yield match.span()


def _ahvs_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    if "756." in subject.low:
        for match in _AHV.finditer(subject.low):
            if "." in match[0] and is_ahv(match[0]):
                yield match.span()


NATIONAL = (
    contextual("ES_NIF", ("es", _ID, _TAX), _DNI, is_dni, score=0.95, alone=_nifs_alone, words=words(b"dddddddda"), gate=(rb"[0-9]{8}[A-HJ-NP-TV-Z]",)),
    contextual("ES_NIE", ("es", _ID, _TAX), _NIE, is_nie, score=0.95, alone=_nies_alone, words=words(b"addddddda"), gate=(rb"[XYZ][0-9]{7}[A-Z]",)),
    contextual(
        "IT_FISCAL_CODE", ("it", _ID, _TAX), _CODICE, is_codice_fiscale, score=0.95, alone=_codici_alone, words=words(b"aaaaaaddaddaddda"), alone_score=0.9,
        gate=(rb"(?i)[a-z]{6}[0-9]{2}[abcdehlmprst][0-9]{2}[a-z][0-9]{3}[a-z]",),
    ),
    contextual(
        "FI_PERSONAL_IDENTITY_CODE", ("fi", _ID), _HETU, is_hetu, score=0.95, alone=_hetus_alone, words=words(b"ddda"), alone_score=0.8,
        gate=(rb"[0-3][0-9][01][0-9]{3}-[0-9]{3}[A-Ya-y]",),
    ),
    contextual(
        "CH_AHV", ("ch", _ID), _AHV, is_ahv, score=0.95, alone=_ahvs_alone, alone_score=0.9,
        gate=(rb"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}",),
    ),
    contextual("PL_PESEL", ("pl", _ID), bounded(r"[0-9]{11}"), is_pesel),
    contextual("SE_PERSONNUMMER", ("se", _ID), bounded(r"(?:19|20)?[0-9]{6}[-+]?[0-9]{4}"), is_personnummer),
    contextual("NO_FODSELSNUMMER", ("no", _ID), bounded(r"[0-7][0-9]{5}[ -]?[0-9]{5}"), is_fodselsnummer, score=0.82),
    contextual("DK_CPR", ("dk", _ID), bounded(r"[0-3][0-9][01][0-9]{3}[ -]?[0-9]{4}"), is_cpr, score=0.75),
    contextual("DE_TAX_ID", ("de", _TAX), bounded(r"[1-9][0-9][ /]?[0-9]{3}[ /]?[0-9]{3}[ /]?[0-9]{3}"), is_steuer_id),
    contextual("FR_NIR", ("fr", _ID), _NIR, is_nir, score=0.95),
    contextual("NL_BSN", ("nl", _ID, _TAX), bounded(r"[0-9]{4}[. ]?[0-9]{2}[. ]?[0-9]{2,3}"), is_bsn, score=0.75),
    contextual(
        "BE_NATIONAL_NUMBER", ("be", _ID), bounded(r"[0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}[ -]?[0-9]{3}[. ]?[0-9]{2}"),
        is_rijksregisternummer, score=0.85,
    ),
    contextual("PT_NIF", ("pt", _TAX), bounded(r"[1235689][0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}"), is_portuguese_nif),
    contextual("IE_PPSN", ("ie", _ID, _TAX), bounded(r"[0-9]{7}[a-w][a-iw]?"), is_ppsn, score=0.9),
    contextual("AT_SVNR", ("at", _ID), bounded(r"[1-9][0-9]{3}[ -]?[0-3][0-9][01][0-9][0-9]{2}"), is_svnr),
    contextual("CZ_BIRTH_NUMBER", ("cz", _ID), bounded(r"[0-9]{6}/?[0-9]{4}"), is_rodne_cislo),
    contextual("RO_CNP", ("ro", _ID), bounded(r"[1-9][0-9]{12}"), is_cnp, score=0.85),
    contextual("BG_EGN", ("bg", _ID), bounded(r"[0-9]{10}"), is_egn),
    contextual("HR_OIB", ("hr", _ID, _TAX), bounded(r"[0-9]{11}"), mod_11_10, score=0.75),
    contextual("EE_PERSONAL_CODE", ("ee", _ID), bounded(r"[1-8][0-9]{10}"), is_baltic),
    contextual("LT_PERSONAL_CODE", ("lt", _ID), bounded(r"[1-8][0-9]{10}"), is_baltic),
    contextual("LV_PERSONAL_CODE", ("lv", _ID), bounded(r"[0-3][0-9][0-9]{4}-?[0-9]{5}"), is_personas_kods, score=0.78),
    contextual("GR_AMKA", ("gr", _ID), bounded(r"[0-3][0-9][01][0-9]{3}[0-9]{5}"), is_amka),
    contextual("GR_AFM", ("gr", _TAX), bounded(r"[0-9]{9}"), is_afm, score=0.75),
    contextual("SI_EMSO", ("si", _ID), bounded(r"[0-3][0-9][01][0-9]{10}"), is_emso),
    contextual("HU_TAX_ID", ("hu", _TAX), bounded(r"8[0-9]{9}"), is_adoazonosito),
)  # fmt: skip
