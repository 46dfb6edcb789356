"""Values made less exact, as 45 CFR 164.514(b)(2)(i) (HIPAA, Safe Harbor) asks for ZIP codes, dates and ages.

What cannot be read becomes None: whoever calls hides it as a whole.
"""

from __future__ import annotations

import re

SPARSE_ZIP3 = frozenset(
    (
        # 2000 census: Department of Health and Human Services, "Guidance Regarding Methods for De-identification of
        # Protected Health Information" (2012), question "When can ZIP codes be included in de-identified information?"
        *("036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884"),
        *("890", "893"),
        # Those that the 2010 census adds, by the same rule.
        *("205", "369"),
    )
)
"""Three-digit ZIP prefixes with at most 20,000 inhabitants by one of the censuses; the rule wants 000 for them."""

_ZIP = re.compile(r"(?<![0-9])([0-9]{3})[0-9]{2}(?:[- ]?[0-9]{4})?(?![0-9])")
_ZIP3 = re.compile(r"[0-9]{3}\Z")
_YEAR = re.compile(r"(?<![0-9])(1[89][0-9]{2}|2[01][0-9]{2})(?![0-9])")
_COMPACT = re.compile(
    r"(?<![0-9])(?:(1[89][0-9]{2}|2[01][0-9]{2})[01][0-9][0-3][0-9]|[0-9]{4}(1[89][0-9]{2}|2[01][0-9]{2}))(?![0-9])"
)
_AGE = re.compile(r"(?<![0-9])([0-9]{1,3})(\+?)(?![0-9])")
_DECIMAL = re.compile(r"([+-]?[0-9]{1,3}\.[0-9])[0-9]*")
_OLDEST = 89


def zip3(value: str) -> str | None:
    """The first three digits of a ZIP code, 000 for a sparsely populated area.

    >>> zip3("02139-4307"), zip3("03601")
    ('021', '000')
    """
    if _ZIP3.match(value):
        return "000" if value in SPARSE_ZIP3 else value
    found = _ZIP.search(value)
    if found is None:
        return None
    return "000" if found[1] in SPARSE_ZIP3 else found[1]


def year(value: str, *, oldest: int | None = None) -> str | None:
    """The year of a date, if it has four digits. One before ``oldest`` says of a birth that the age is over 89: None.

    >>> year("12 March 1984"), year("19840312"), year("3/12/84")
    ('1984', '1984', None)
    """
    found = _YEAR.search(value) or _COMPACT.search(value)
    if found is None:
        return None
    said = found[1] or found[2]
    return None if oldest is not None and int(said) < oldest else said


def oldest_year(this_year: int) -> int:
    """The first year of birth of those who turn at most 89 in this year."""
    return this_year - _OLDEST


def age(value: str) -> str | None:
    """An age in years, 90+ for all above 89.

    >>> age("34"), age("93 years"), age("90+")
    ('34', '90+', '90+')
    """
    found = _AGE.search(value)
    if found is None:
        return None
    return "90+" if int(found[1]) > _OLDEST else found[1]


def geo(value: str) -> str | None:
    """Coordinates cut to one decimal, which is about 11 km.

    >>> geo("52.520008, 13.404954")
    '52.5, 13.4'
    """
    return _DECIMAL.sub(r"\1", value) if _DECIMAL.search(value) else None
