"""Values of which a part stays."""

from __future__ import annotations

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import replacement

_ALWAYS_HIDDEN = 6
_TOO_SHORT = 6
_DOMAIN = lazy(r"(?:[\w-]+\.)+[\w-]+")


def hide_most(value: str, first: int, last: int, char: str) -> str:
    """Letters and digits become ``char`` except the ``first`` and ``last`` ones; what separates them stays.

    At least six stay hidden, or half of them where there are fewer than twelve, and all where there are fewer than
    six: of a short value the last four would be most of it. A second call changes nothing.

    >>> hide_most("4111 1111 1111 1234", 0, 4, "*"), hide_most("078-05-1120", 0, 4, "*"), hide_most("s3cr", 0, 4, "*")
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


def keep_domain(entity: str, address: str) -> str:
    """The domain of an e-mail address in lower case, in a form that is no address; where there is none, nothing of it.

    >>> keep_domain("EMAIL_ADDRESS", "Bob@Example.com")
    '<EMAIL_ADDRESS>@example.com'
    """
    local, sign, domain = address.rpartition("@")
    whole = replacement(entity)
    return f"{whole}@{domain.lower()}" if local and sign and _DOMAIN.fullmatch(domain) else whole
