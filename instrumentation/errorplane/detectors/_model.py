"""What a detector is, what it is given, and what it answers."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from errorplane.detectors._fold import fold, lower, shape


class KeyClass(enum.Enum):
    """What the name of an attribute says about its value (see ``key_class``)."""

    NONE = "none"
    SECRET = "secret"
    """A password or another secret: the whole value is one."""
    TOKEN = "token"
    """A credential that is sent along, such as an Authorization or Cookie header: the whole value is one."""
    CARD = "card"
    PHONE = "phone"
    SSN = "ssn"
    ACCOUNT = "account"
    """An account number of a cloud provider: twelve digits that are no card."""
    VERSION = "version"
    """A version or a user agent: dotted quads in it are no addresses."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to hide: ``text[start:end]``, in code points."""

    entity: str
    start: int
    end: int
    score: float
    """How sure the detector is, from 0 to 1."""
    reason: str
    """Why it was found; holds nothing of the text."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A text as detectors see it; ``text`` and ``low`` have its length."""

    text: str
    """With the characters folded that only look different."""
    low: str
    """ASCII letters in lower case."""
    shape: bytes
    """UTF-8, every ASCII letter an ``a``, every digit a ``d``: a look for a shape of digits becomes ``in``."""
    key: KeyClass = KeyClass.NONE

    @classmethod
    def of(cls, text: str, key: KeyClass = KeyClass.NONE) -> Subject:
        """Fold, lower and shape a text."""
        plain = fold(text)
        low = lower(plain)
        return cls(plain, low, shape(low), key)


@dataclass(frozen=True, slots=True)
class Detector:
    """A kind of personal data or secret.

    ``gate`` holds Hyperscan expressions without boundaries for raw UTF-8 bytes. Whatever ``find`` finds, by the text
    or by the attribute's key, one of them (or of ``FOLDED_GATES``) also matches within the bytes of that text or key.
    """

    entity: str
    gate: tuple[bytes, ...]
    find: Callable[[Subject], Iterable[Finding]]


def replacement(entity: str) -> str:
    """What stands in place of a finding.

    >>> replacement("CREDIT_CARD")
    '<CREDIT_CARD>'
    """
    return f"<{entity}>"
