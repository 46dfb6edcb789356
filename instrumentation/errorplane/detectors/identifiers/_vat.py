"""VAT identification numbers of the European Union and the United Kingdom, each country with its check digits.

Structures are those of the Commission's VIES, "VAT identification number structure"; check digits those that each
country publishes, as collected in the Commission's VIES algorithms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from errorplane.detectors._model import Subject
from errorplane.detectors.identifiers._checksums import luhn, luhn_sum, mod_11_10, plain, weighted
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.identifiers._national_rules import (
    is_afm,
    is_baltic_weights,
    is_bsn,
    is_dni,
    is_egn,
    is_nie,
    is_personas_kods,
    is_portuguese_nif,
    is_ppsn,
    is_rodne_cislo,
)
from errorplane.detectors.text._words import words

_PREFIXES = "at|be|bg|cy|cz|de|dk|ee|el|es|fi|fr|gb|hr|hu|ie|it|lt|lu|lv|mt|nl|pl|pt|ro|se|si|sk|xi"
_VAT = bounded(rf"(?:{_PREFIXES})(?:[ .-]?[0-9a-z]){{8,12}}")
_VAT_ALONE = bounded(rf"(?:{_PREFIXES})[0-9a-z]{{8,12}}")
_CYPRIOT = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
_CIF_LETTERS = "jabcdefghi"


def _austrian(code: str) -> bool:
    return code[0] == "u" and _digits(code[1:], 8) and (luhn_sum(code[1:8]) + 4 + int(code[8])) % 10 == 0


def _belgian(code: str) -> bool:
    return _digits(code, 10) and code[0] in "01" and int(code[8:]) == 97 - int(code[:8]) % 97


def _bulgarian(code: str) -> bool:
    if _digits(code, 9):
        check = weighted(code, range(1, 9)) % 11
        check = weighted(code, range(3, 11)) % 11 % 10 if check == 10 else check
        return check == int(code[8])
    if not _digits(code, 10):
        return False
    foreigner = weighted(code, (21, 19, 17, 13, 11, 9, 7, 3, 1)) % 10 == int(code[9])
    return is_egn(code) or foreigner or weighted(code, (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _cypriot(code: str) -> bool:
    if not _digits(code[:8], 8) or len(code) != 9:
        return False
    total = sum(_CYPRIOT[int(digit)] for digit in code[0:8:2]) + sum(map(int, code[1:8:2]))
    return ord(code[8]) - 97 == total % 26


def _czech(code: str) -> bool:
    if _digits(code, 8):
        return (11 - weighted(code, range(8, 1, -1)) % 11) % 10 == int(code[7])
    return _digits(code, 10) and is_rodne_cislo(code)


def _spanish(code: str) -> bool:
    if len(code) != 9 or not _digits(code[1:8], 7):
        return False
    if code[0] in "xyz":
        return code[8].isalpha() and is_nie(code)
    if code[0].isdigit() or code[0] in "klm":
        return code[8].isalpha() and is_dni(code)
    # Real Decreto 1065/2007: of a legal person a digit or, by the kind of person, the letter that stands for it.
    even = sum(map(int, code[2:8:2]))
    odd = sum(sum(divmod(2 * int(digit), 10)) for digit in code[1:8:2])
    check = -(even + odd) % 10
    return code[0] in "abcdefghjnpqrsuvw" and code[8] in (str(check), _CIF_LETTERS[check])


def _french(code: str) -> bool:
    if len(code) != 11 or not _digits(code[2:], 9) or not luhn(code[2:]):
        return False
    key = code[:2]
    return not key.isdigit() or int(key) == (12 + 3 * (int(code[2:]) % 97)) % 97


def _british(code: str) -> bool:
    if not (_digits(code, 9) or _digits(code, 12)):
        return False
    total = weighted(code, range(8, 1, -1)) + int(code[7:9])
    return total % 97 == 0 or (total + 55) % 97 == 0


def _lithuanian(code: str) -> bool:
    return (_digits(code, 9) or _digits(code, 12)) and is_baltic_weights(code)


def _latvian(code: str) -> bool:
    if not _digits(code, 11):
        return False
    if code[0] < "4":
        return is_personas_kods(code)
    return (3 - weighted(code, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6))) % 11 == int(code[10])


def _maltese(code: str) -> bool:
    return _digits(code, 8) and int(code[6:]) == 37 - weighted(code, (3, 4, 6, 7, 8, 9)) % 37


def _dutch(code: str) -> bool:
    if len(code) != 12 or code[9] != "b" or not (code[:9] + code[10:]).isdigit():
        return False
    whole = "".join(str(int(char, 36)) for char in "nl" + code)  # since 2020, of natural persons
    return is_bsn(code[:9]) or int(whole) % 97 == 1


def _polish(code: str) -> bool:
    return _digits(code, 10) and weighted(code, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(code[9])


def _romanian(code: str) -> bool:
    if not (code.isdigit() and 8 <= len(code) <= 10):
        return False
    return weighted(code.zfill(10), (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == int(code[-1])


def _slovenian(code: str) -> bool:
    check = 11 - weighted(code[:7], range(8, 1, -1)) % 11
    return _digits(code, 8) and code[0] != "0" and check < 11 and check % 10 == int(code[7])


def _digits(code: str, length: int) -> bool:
    return len(code) == length and code.isascii() and code.isdigit()


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "at": _austrian,
    "be": _belgian,
    "bg": _bulgarian,
    "cy": _cypriot,
    "cz": _czech,
    "de": lambda code: _digits(code, 9) and code[0] != "0" and mod_11_10(code),
    "dk": lambda code: _digits(code, 8) and weighted(code, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0,
    "ee": lambda code: _digits(code, 9) and weighted(code, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0,
    "el": lambda code: _digits(code, 9) and is_afm(code),
    "es": _spanish,
    "fi": lambda code: _digits(code, 8) and weighted(code, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0,
    "fr": _french,
    "gb": _british,
    "hr": lambda code: _digits(code, 11) and mod_11_10(code),
    "hu": lambda code: _digits(code, 8) and weighted(code, (9, 7, 3, 1, 9, 7, 3, 1)) % 10 == 0,
    "ie": lambda code: len(code) in (8, 9) and code[:7].isdigit() and code[7:].isalpha() and is_ppsn(code),
    "it": lambda code: _digits(code, 11) and luhn(code),
    "lt": _lithuanian,
    "lu": lambda code: _digits(code, 8) and int(code[:6]) % 89 == int(code[6:]),
    "lv": _latvian,
    "mt": _maltese,
    "nl": _dutch,
    "pl": _polish,
    "pt": lambda code: _digits(code, 9) and code[0] != "0" and is_portuguese_nif(code),
    "ro": _romanian,
    "se": lambda code: _digits(code, 12) and code[10:] != "00" and luhn(code[:10]),
    "si": _slovenian,
    "sk": lambda code: _digits(code, 10) and code[0] != "0" and int(code) % 11 == 0,
    "xi": _british,
}


def is_vat(number: str) -> bool:
    """Whether a number in lower case, with or without separators, has its country's form and check digits.

    >>> is_vat("de136695976"), is_vat("atu13585627"), is_vat("de136695978")
    (True, True, False)
    """
    code = plain(number)
    return _CHECKS[code[:2]](code[2:])


def _vats_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    if b"addddddd" in subject.shape:
        for match in _VAT_ALONE.finditer(subject.low):
            start, end = match.span()
            glued = subject.low[start - 1 : start] in ("-", "_", "/") or subject.low[end : end + 1] in ("-", "_")
            if not glued and subject.text[start:end].isupper() and is_vat(match[0]):
                yield start, end


VAT = contextual(
    "EU_VAT",
    ("vat", "tax"),
    _VAT,
    is_vat,
    score=0.95,
    alone=_vats_alone,
    words=words(10, 11, 12, 13, 14),
    gate=(
        rb"(?:BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9]{8}",
        rb"ATU[0-9]{8}",
        rb"IE[0-9]{7}[A-W]",
        rb"ES[A-Z][0-9]{7}",
        rb"FR[0-9A-Z]{2}[0-9]{9}",
    ),
)
