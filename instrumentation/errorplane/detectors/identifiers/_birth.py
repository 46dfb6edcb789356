"""Dates of birth after words that say so, and ages of 90 and more (45 CFR 164.514(b)(2)(i)(C))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.identifiers._checksums import is_day
from errorplane.detectors.identifiers._contextual import bounded, contextual
from errorplane.detectors.text._escapes import as_gate

_MONTHS = (
    "jan feb mar apr may jun jul aug sep oct nov dec okt dez m\u00e4r mrz mai juin juil f\u00e9v fev avr ao\u00fb aou d\u00e9c "
    "ene abr ago dic gen mag giu lug set ott mei maj kes tam hel maa huh tou hei elo syy lok mar jou"
)
_MONTH = "(?:" + "|".join(dict.fromkeys(_MONTHS.split())) + r")[^\W\d_]{0,8}\.?"
_YEAR = "(?:18|19|20)[0-9]{2}"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th|er|\.)?"
_NUMBERS = lazy("[0-9]+")
_DATE = bounded(
    rf"{_YEAR}(?P<iso>[-/.])[0-9]{{1,2}}(?P=iso)[0-9]{{1,2}}(?:[t ][0-9:.]{{4,15}}z?)?"
    rf"|[0-9]{{1,2}}(?P<gap>[-/.]|\. | )[0-9]{{1,2}}(?P=gap)(?:{_YEAR}|[0-9]{{2}})"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    rf"|{_DAY}[ -](?:of |de )?{_MONTH}(?: de)?,?[ -](?:{_YEAR}|[0-9]{{2}})"
    rf"|{_MONTH}[ -]{_DAY},?[ -]{_YEAR}"
    rf"|{_YEAR}[ -]{_MONTH}[ -]{_DAY}"
)


def _is_date(date: str) -> bool:
    """Of numbers alone: whether there is such a day, in one order or another."""
    parts = [int(part) for part in _NUMBERS.findall(date)[:3]]
    if len(parts) < 3:
        return True
    first, second, third = parts
    if first > 31:
        return is_day(max(first, 1), second, third)
    year = third if third > 99 else 2000  # a leap year
    return is_day(year, second, first) or is_day(year, first, second)


DATE_OF_BIRTH = contextual("DATE_OF_BIRTH", ("birth",), _DATE, _is_date, score=0.95)

# What is generalised reads 90+, and is no longer an age to hide.
_OLD = "(?:9[0-9]|1[0-2][0-9])"
_AGED = lazy(
    rf"(?<![0-9a-z.,])(?P<before>{_OLD})[ -]?(?:years?|yrs?|y)[- ]?(?:olds?|of age|o)(?![a-z])"
    rf"|(?<![a-z])aged?(?:[ ](?:of|is|was|at))?[\"'`]?[ ]?[:=]?[ ]?[\"'`]?(?P<after>(?!90\+){_OLD})(?![0-9a-z%]|[.,:-][0-9]|[ ](?:[mun]?s|sec|min|h)(?![a-z]))"
    rf"|(?<![a-z])(?:turn(?:ed|s|ing)?|celebrat\w{{1,5}} (?:his|her|their))[ ](?P<turned>(?!90\+){_OLD})(?:th)?(?![0-9a-z%.:])"
)
_AGE_KEY = lazy(
    r"(?:patient|customer|person|member|subject|client|insured)[-._ ]?age(?:[-._ ]?(?:years|yrs|in[-._ ]years))?\Z"
)
_WHOLE = lazy(rf"\s*(?P<age>{_OLD})(?:\.0)?\s*")


def _find_ages(subject: Subject) -> Iterable[Finding]:
    low = subject.low
    if "age" in low or " old" in low or "-old" in low or " turn" in low:
        return _ages(low)
    return _age_by_key(subject) if subject.name and "age" in subject.name.lower() else ()


def _ages(low: str) -> Iterator[Finding]:
    for match in _AGED.finditer(low):
        yield Finding("AGE", *match.span(match.lastgroup or 0), 0.7, "an age above 89")


def _age_by_key(subject: Subject) -> Iterator[Finding]:
    match = _WHOLE.fullmatch(subject.low)
    if match is not None and _AGE_KEY.search(subject.name.lower()):
        yield Finding("AGE", *match.span("age"), 0.8, "an age above 89 under a key that says so")


AGE = Detector(
    "AGE",
    (
        as_gate(f"{_OLD}(?: |-)?y(?:ears?|rs?)?(?: |-)?o"),
        rb"(?i)aged?[^0-9a-z]{1,8}(?:9[0-9]|1[0-2][0-9])",
        rb"(?i)aged?[^0-9a-z]{0,4}[%\\&].{0,24}(?:9[0-9]|1[0-2][0-9])",
        as_gate("aged? (?:of|is|was|at)") + rb".{1,16}(?:9[0-9]|1[0-2][0-9])",
        rb"(?i)(?:turn|celebrat).{0,36}(?:9[0-9]|1[0-2][0-9])",
        as_gate("(?:patient|customer|person|member|subject|client|insured)[-._ ]?age"),
    ),
    _find_ages,
)
