"""Check digits and dates as issuers of numbers use them."""

from __future__ import annotations

import calendar
from collections.abc import Sequence

_SEPARATORS = str.maketrans(dict.fromkeys(" +-./_"))
_DOUBLED = str.maketrans("0123456789", "0246813579")


def plain(number: str) -> str:
    """Without the separators between groups."""
    return number.translate(_SEPARATORS)


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B).

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    return luhn_sum(digits) % 10 == 0


def luhn_sum(digits: str) -> int:
    """The sum of the digits, each second one from the right, not the last, doubled and cast out nines."""
    total = sum(digits[-1::-2].encode()) + sum(digits[-2::-2].translate(_DOUBLED).encode())
    return total - 48 * len(digits)  # 48 is the code of 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of the products of digits and weights, as far as there are weights.

    >>> weighted("123", (3, 2, 1))
    10
    """
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def mod_11_10(digits: str) -> bool:
    """The hybrid system of ISO/IEC 7064: whether the last digit is its check digit.

    >>> mod_11_10("33392005961"), mod_11_10("33392005962")
    (True, False)
    """
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def is_day(year: int, month: int, day: int) -> bool:
    """Whether there is such a day.

    >>> is_day(2000, 2, 29), is_day(1900, 2, 29)
    (True, False)
    """
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def is_short_day(year: int, month: int, day: int) -> bool:
    """Whether there is such a day, in whatever century, for a year of two digits."""
    return is_day(2000 + year, month, day) or is_day(1900 + year, month, day)
