"""Numbers of the health service and of national insurance in the United Kingdom."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Subject
from errorplane.detectors.identifiers._checksums import plain, weighted
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.text._escapes import ESCAPED, ESCAPED_SEPARATOR
from errorplane.detectors.text._words import words

_NHS = bounded(r"[0-9]{3}(?P<gap>[ -]?)[0-9]{3}(?P=gap)[0-9]{4}(?![ -][0-9])")
# HMRC, National Insurance Manual NIM39110: which letters are in use, which pairs are not.
_LETTERS = r"(?!bg|gb|kn|nk|nt|tn|zz)[abceghj-prstw-z][abceghj-nprstw-z]"
_NINO = bounded(rf"{_LETTERS}[ -]?(?:[0-9]{{2}}[ -]?){{3}}[a-d]")
_NINO_ALONE = bounded(rf"{_LETTERS}(?P<gap> ?)[0-9]{{2}}(?P=gap)[0-9]{{2}}(?P=gap)[0-9]{{2}}(?P=gap)[a-d]")
_OTHER_GROUP = lazy(r"[0-9][ -]\Z|-\Z")


def is_nhs(number: str) -> bool:
    """NHS Data Dictionary, "NHS number": weights 10 to 2, modulo 11; a remainder that needs 10 is not issued.

    >>> is_nhs("943 476 5919"), is_nhs("943 476 5918")
    (True, False)
    """
    digits = plain(number)
    return (weighted(digits, range(10, 1, -1)) + int(digits[9])) % 11 == 0 and digits != "0000000000"


def _nhs_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    shape, low = subject.shape, subject.low
    if b"ddd ddd dddd" in shape or b"ddd-ddd-dddd" in shape:
        for match in _NHS.finditer(low):
            alone = _OTHER_GROUP.search(low, max(0, match.start() - 2), match.start()) is None
            if match["gap"] and alone and is_nhs(match[0]):
                yield match.span()


def _ninos_alone(subject: Subject) -> Iterator[tuple[int, int]]:
    shape = subject.shape
    if b"aadddddda" in shape or b"aa dd dd dd a" in shape:
        for match in _NINO_ALONE.finditer(subject.low):
            start, end = match.span()
            if subject.text[start:end].isupper() and subject.low[start - 1 : start] not in ("-", "_"):
                yield start, end


NHS = contextual(
    "UK_NHS",
    ("nhs",),
    _NHS,
    is_nhs,
    score=0.95,
    alone=_nhs_alone,
    words=words(b"ddd"),
    alone_score=0.5,
    gate=(rb"[0-9]{3}[ +-][0-9]{3}[ +-][0-9]{4}", ESCAPED_SEPARATOR),
)
NINO = contextual(
    "UK_NINO",
    ("nino",),
    _NINO,
    score=0.95,
    alone=_ninos_alone,
    words=words(b"a", b"aadddddda"),
    alone_score=0.8,
    gate=(
        rb"[A-Z]{2}[0-9]{6}[A-D]",
        rb"[A-Z]{2}(?:[ +]|" + ESCAPED + rb"2[0bB])[0-9]{2}(?:(?:[ +]|" + ESCAPED + rb"2[0bB])[0-9]{2}){2}",
    ),
)
