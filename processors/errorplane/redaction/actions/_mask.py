"""Values of which a few characters stay."""

from __future__ import annotations

_ALWAYS_HIDDEN = 6
_TOO_SHORT = 6


def mask(value: str, first: int, last: int, char: str) -> str:
    """Letters and digits become ``char`` except the ``first`` and ``last`` ones; what separates them stays.

    At least six stay hidden, or half of them where there are fewer than twelve, and all where there are fewer than
    six: of a short value the last four would be most of it. A second call changes nothing.

    >>> mask("4111 1111 1111 1234", 0, 4, "*"), mask("078-05-1120", 0, 4, "*"), mask("s3cr", 0, 4, "*")
    ('**** **** **** 1234', '***-**-1120', '****')
    """
    places = [at for at, each in enumerate(value) if each.isalnum() or each == char]
    count = len(places)
    shown = 0 if count < _TOO_SHORT else count // 2 if count < 2 * _ALWAYS_HIDDEN else count - _ALWAYS_HIDDEN
    last = min(last, shown)
    first = min(first, shown - last)
    out = list(value)
    for at in places[first : count - last]:
        out[at] = char
    return "".join(out)
