"""Other scripts' digits, full-width forms, dashes and spaces, read as their ASCII counterparts, one for one."""

from __future__ import annotations

import string

_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
# The zeros of every decimal script in Unicode 14 (a table, since asking unicodedata takes 0.2 s at import).
_ZEROS = (
    "660 6F0 7C0 966 9E6 A66 AE6 B66 BE6 C66 CE6 D66 DE6 E50 ED0 F20 1040 1090 17E0 1810 1946 19D0 1A80 1A90 1B50 1BB0 "
    "1C40 1C50 A620 A8D0 A900 A9D0 A9F0 AA50 ABF0 FF10 104A0 10D30 11066 110F0 11136 111D0 112F0 11450 114D0 11650 "
    "116C0 11730 118E0 11950 11C50 11D50 11DA0 16A60 16AC0 16B50 1D7CE 1D7D8 1D7E2 1D7EC 1D7F6 1E140 1E2F0 1E950 1FBF0"
)


def _table() -> dict[int, str]:
    table = {int(zero, 16) + digit: str(digit) for zero in _ZEROS.split() for digit in range(10)}
    table.update({code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})
    table.update(dict.fromkeys(map(ord, _SPACES), " "))
    table.update(dict.fromkeys(map(ord, _DASHES), "-"))
    return table


_FOLD = _table()
_SHAPE = bytes.maketrans((string.ascii_letters + string.digits).encode(), b"a" * 52 + b"d" * 10)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(text: str) -> str:
    """The text with every character that only looks different replaced; the same length.

    >>> fold("\uff14\uff11\uff11\uff11\u00a01111")
    '4111 1111'
    """
    return text if text.isascii() else text.translate(_FOLD)


def lower(text: str) -> str:
    """ASCII letters in lower case; unlike ``str.lower`` never of another length."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def shape(low: str) -> bytes:
    """A byte for each code point: every ASCII letter an ``a``, every digit a ``d``, what is not ASCII a ``?``.

    >>> shape("order 12-34 \u00e0")
    b'aaaaa dd-dd ?'
    """
    return low.encode("ascii", "replace").translate(_SHAPE)


def gates() -> tuple[bytes, ...]:
    """Hyperscan expressions, of which one matches wherever ``fold`` changes a text's UTF-8 bytes: one for each leading
    part of the folded characters' UTF-8, the last byte as a class."""
    by_prefix: dict[bytes, set[int]] = {}
    for code in _FOLD:
        encoded = chr(code).encode()
        by_prefix.setdefault(encoded[:-1], set()).add(encoded[-1])
    return tuple(_hex(prefix) + b"[" + _hex(bytes(sorted(ends))) + b"]" for prefix, ends in sorted(by_prefix.items()))


def _hex(data: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in data)
