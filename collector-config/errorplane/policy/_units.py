"""Durations and sizes as people write them: ``10s``, ``1h30m``, ``32MiB``."""

from __future__ import annotations

import re
from decimal import Decimal

_DURATION_UNITS = {
    "d": Decimal(86400),
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
    "us": Decimal("0.000001"),
}
_SIZE_UNITS = {
    "TiB": 1 << 40,
    "GiB": 1 << 30,
    "MiB": 1 << 20,
    "KiB": 1 << 10,
    "TB": 10**12,
    "GB": 10**9,
    "MB": 10**6,
    "kB": 10**3,
    "KB": 10**3,
    "B": 1,
}
_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,18})?"
_PART = re.compile(rf"({_NUMBER})(d|h|ms|m|us|s)")
_SIZE = re.compile(rf"({_NUMBER}) ?([TGMK]iB|[TGMkK]?B)")

DURATION_PATTERN = rf"(?:{_NUMBER}(?:d|h|ms|m|us|s))+"
SIZE_PATTERN = rf"{_NUMBER} ?(?:[TGMK]iB|[TGMkK]?B)"


def parse_duration(text: str) -> float:
    """Seconds in ``text``; units d, h, m, s, ms, us, the largest first, each at most once.

    >>> parse_duration("250ms"), parse_duration("1h30m")
    (0.25, 5400.0)

    Raises ``ValueError`` for anything else, a bare number included.
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError("not a duration")
    order = list(_DURATION_UNITS)
    units, total = [], Decimal(0)
    for number, unit in _PART.findall(text):
        units.append(order.index(unit))
        total += Decimal(number) * _DURATION_UNITS[unit]
    if units != sorted(set(units)):
        raise ValueError("units out of order or repeated")
    return float(total)


def format_duration(seconds: float) -> str:
    """The shortest way to write ``seconds`` with one unit, read back exactly by ``parse_duration``.

    >>> format_duration(0.25), format_duration(5400), format_duration(0)
    ('250ms', '90m', '0s')
    """
    exact = Decimal(repr(seconds)) if isinstance(seconds, float) else Decimal(seconds)
    if exact == 0:
        return "0s"
    for unit, worth in _DURATION_UNITS.items():
        count = exact / worth
        if count >= 1 and count == count.to_integral_value():
            return f"{int(count)}{unit}"
    return f"{exact:f}s"


def parse_size(text: str) -> int:
    """Bytes in ``text``; KiB, MiB, GiB, TiB are powers of 1024, kB, MB, GB, TB powers of 1000.

    >>> parse_size("32MiB"), parse_size("1.5kB")
    (33554432, 1500)

    Raises ``ValueError`` for anything else, and for a fraction of a byte.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError("not a size")
    exact = Decimal(found[1]) * _SIZE_UNITS[found[2]]
    if exact != exact.to_integral_value():
        raise ValueError("not a whole number of bytes")
    return int(exact)


def format_size(count: int) -> str:
    """The shortest whole number with a unit, powers of 1024 first, read back exactly by ``parse_size``.

    >>> format_size(33554432), format_size(1500)
    ('32MiB', '1500B')
    """
    for unit, worth in _SIZE_UNITS.items():
        if count and count % worth == 0:
            return f"{count // worth}{unit}"
    return f"{count}B"
