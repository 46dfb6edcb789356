"""Payment card numbers: issuer range, length for that issuer, Luhn (ISO/IEC 7812-1), plausible groups of digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._model import Detector, Finding, KeyClass, Subject

# (lowest and highest leading digits, lengths): what the schemes publish, checked 2026.
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa; Elo, Dankort
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard, 2-series
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 15, 16, 17, 18, 19)),
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("38", "39", (14, 15, 16, 17, 18, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("2131", "2131", (15,)),
    ("1800", "1800", (15,)),
    ("353", "353", (16,)),  # RuPay, co-branded with JCB
    ("356", "356", (16,)),
    ("50", "50", tuple(range(12, 20))),  # Maestro; RuPay 508, Verve, Elo, Dankort
    ("56", "69", tuple(range(12, 20))),  # Maestro; Discover 6011, 644 to 649, 65; UnionPay 62; RuPay 60, 65; Troy 65
    ("81", "82", (16,)),  # RuPay, UnionPay
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, BORICA
    ("9792", "9792", (16,)),  # Troy
    ("9860", "9860", (16,)),  # Humo
    ("8600", "8600", (16,)),  # Uzcard
)
_LENGTHS = {
    prefix: lengths for low, high, lengths in reversed(_ISSUERS) for prefix in map(str, range(int(low), int(high) + 1))
}
_GROUPS = frozenset(
    {
        (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4), (4, 4, 4, 1), (4, 4, 4, 2),
        (4, 4, 4, 3), (4, 4, 5), (4, 3, 3, 3), (4, 6, 5), (4, 6, 4), (4, 5, 6), (6, 13), (8, 8), (6, 4, 4, 4), (5, 4, 4),
        (6, 6, 4), (4, 4, 8), (4, 12), (4, 8, 4), (6, 10), (4, 7, 4),
    }
)  # fmt: skip
_TWELVE = b"d" * 12
_RUN = re.compile(r"[0-9](?<![0-9]{2})(?:[ -]?[0-9]){11,}")
_GROUP = re.compile(r"[0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_CONTEXT = re.compile(
    r"(?:^|[^a-z])(?:cards?|cc|pan|credit|debit|visa|master ?card|amex|maestro|jcb|diners|discover|union ?pay)(?![a-z])"
)
_WORD_BEFORE = re.compile(r"(?:^|[^0-9a-z])(?=[a-z]*[g-z])[a-z]{2,}\Z")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_NEAR = 40


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


def _issued(digits: str) -> bool:
    size = len(digits)
    return any(size in _LENGTHS.get(digits[:length], ()) for length in (1, 2, 3, 4))


def _find(subject: Subject) -> Iterable[Finding]:
    return _find_runs(subject) if _TWELVE in subject.shape.translate(None, b" -") else ()


def _find_runs(subject: Subject) -> Iterator[Finding]:
    for run in _RUN.finditer(subject.text):
        groups = [match.span() for match in _GROUP.finditer(subject.text, *run.span())]
        taken = 0
        for first in range(len(groups)):
            if first < taken:
                continue
            last, finding = _card_from(subject, groups, first)
            if finding is not None:
                taken = last
                yield finding


def _card_from(subject: Subject, groups: list[tuple[int, int]], first: int) -> tuple[int, Finding | None]:
    """The longest card that begins with this group, and the number of the group after it."""
    start = groups[first][0]
    for last in range(min(first + 5, len(groups)), first, -1):
        window = groups[first:last]
        if len(window) > 1 and not _plausible(subject.text, window):
            continue
        digits = "".join(subject.text[a:b] for a, b in window)
        if 12 <= len(digits) <= 19 and luhn(digits) and _free(subject, start, window[-1][1], digits):
            return last, Finding("CREDIT_CARD", start, window[-1][1], 1.0, "issuer range, length and Luhn digit")
    return first, None


def _plausible(text: str, window: list[tuple[int, int]]) -> bool:
    separators = {text[left[1]] for left in window[:-1]}
    return len(separators) == 1 and tuple(b - a for a, b in window) in _GROUPS


def _free(subject: Subject, start: int, end: int, digits: str) -> bool:
    """A card by its issuer (or by a word or key that says so), and no part of a larger identifier or number."""
    low = subject.low
    if not _issued(digits) and not _said(subject, start):
        return False
    if low[end : end + 1].isalnum() or (low[end : end + 1] == "." and low[end + 1 : end + 2].isdigit()):
        return False
    before = low[start - 1 : start] if start else ""
    if before.isalnum() and _WORD_BEFORE.search(low, max(0, start - 24), start) is None:
        return False
    if before == "." and low[start - 2 : start - 1].isdigit():
        return False
    if before == "+" and len(digits) < 15:
        return False  # a telephone number
    if len(digits) == 12 and (subject.key is KeyClass.ACCOUNT or "arn:" in low[max(0, start - _NEAR) : start]):
        return False
    uuid = _UUID.search(low, max(0, start - 35), end + 35)
    return uuid is None or uuid.end() <= start or uuid.start() >= end


def _said(subject: Subject, start: int) -> bool:
    if subject.key is KeyClass.CARD:
        return True
    return bool(set(subject.text[start : start + 4]) - {"0"}) and (
        _CONTEXT.search(subject.low, max(0, start - _NEAR), start) is not None
    )


CARD = Detector("CREDIT_CARD", (rb"[0-9](?:[ -]?[0-9]){11}",), _find)
