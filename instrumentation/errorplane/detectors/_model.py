"""What a detector is, what it is given, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from errorplane.detectors.context._assignments import Assignment, find_assignments
from errorplane.detectors.context._context import Context, context_of
from errorplane.detectors.context._keys import KeyClass
from errorplane.detectors.context._prose import is_personal
from errorplane.detectors.services._scan import Secret, find_secrets
from errorplane.detectors.text._fold import fold, lower, shape
from errorplane.detectors.text._values import REPLACED, may_hold_replacement
from errorplane.detectors.text._words import ANY


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
    also: frozenset[str] = frozenset()
    """Other entities that were found in the same place: what is done must be enough for them too."""

    @property
    def entities(self) -> tuple[str, ...]:
        """All that was found there, its name first."""
        return (self.entity, *sorted(self.also))


@dataclass(slots=True)
class Subject:
    """A text as detectors see it; ``text``, ``low`` and ``shape`` have its length."""

    text: str
    """With the characters folded that only look different."""
    low: str
    """ASCII letters in lower case, NUL in place of replacements."""
    shape: bytes
    """Every ASCII letter an ``a``, every digit a ``d``: a look for a shape of digits becomes ``in``."""
    key: KeyClass = KeyClass.NONE
    name: str = ""
    """The attribute's own name; empty outside of attributes."""
    _assignments: Sequence[Assignment] | None = field(default=None, init=False, repr=False)
    _secrets: Sequence[Secret] | None = field(default=None, init=False, repr=False)
    _context: Context | None = field(default=None, init=False, repr=False)
    _personal: bool | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, text: str, key: KeyClass = KeyClass.NONE, name: str = "") -> Subject:
        """Fold, lower and shape a text; replacements in it say nothing about what stands beside them."""
        plain = fold(text)
        low = lower(REPLACED.sub(_blank, plain) if may_hold_replacement(plain) else plain)
        return cls(plain, low, shape(low), key, name)

    def assignments(self) -> Sequence[Assignment]:
        """The values of names of secrets and tokens, looked for once."""
        if self._assignments is None:
            self._assignments = find_assignments(self.text, self.low)
        return self._assignments

    def secrets(self) -> Sequence[Secret]:
        """The keys and tokens of well-known services, looked for once."""
        if self._secrets is None:
            self._secrets = find_secrets(self.text, self.low, self.shape)
        return self._secrets

    def context(self) -> Context:
        """What the words of the text and its attribute's name speak of, looked for once."""
        if self._context is None:
            self._context = context_of(self.text, self.low, self.name)
        return self._context

    def personal(self) -> bool:
        """Whether the text is addressed to someone, looked for once."""
        if self._personal is None:
            self._personal = is_personal(self.low)
        return self._personal


@dataclass(frozen=True, slots=True)
class Detector:
    """A kind of personal data or secret.

    ``gate`` holds Hyperscan expressions without boundaries for raw UTF-8 bytes. Whatever ``find`` finds, by the text
    or by the attribute's key, one of them (or of ``FOLDED_GATES``) also matches within the bytes of that text or key.
    """

    entity: str
    gate: Sequence[bytes]
    find: Callable[[Subject], Iterable[Finding]]
    keys: frozenset[str] = frozenset()
    """Attribute names, in lower case, whose whole value is one, and everything inside of it."""
    names: tuple[str, ...] = ()
    """Names of which ``any_spelling`` is in the gate, and says only that the value of such an attribute may hold one."""
    words: int = ANY
    """Bits of ``text._words``: without context ``find`` finds nothing in a text that has none of these words."""


Transform = Callable[[Finding, str], str]
"""From a finding and the text that it covers to what stands in its place."""


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match[0])


def replacement(entity: str) -> str:
    """What stands in place of a finding.

    >>> replacement("CREDIT_CARD")
    '<CREDIT_CARD>'
    """
    return f"<{entity}>"
