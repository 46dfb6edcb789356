"""One string looked at as the processor would, with what the policy does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from errorplane.detectors import TOP, Finding, Place, Transform, replacement
from errorplane.redaction import Engine, Limits
from errorplane.redaction._quarantine import DEADLINE, ENCODING, ERROR, SIZE, withheld
from errorplane.redaction._strings import WIDE_TEXT
from errorplane.redaction.ner import Names, TooLate

_LIMITS = Limits()
_SHORT, _REMEMBERED = 64, 8192  # names and words that come in every line


class Looked(NamedTuple):
    """A string after redaction."""

    text: str
    findings: Sequence[Finding]
    quarantined: str | None = None
    """Why it could not be looked at; ``text`` says so too."""


class Checker:
    """Looks at strings with an engine; ``action`` names what is done with a finding."""

    def __init__(
        self,
        engine: Engine,
        action: Callable[[Finding], str],
        limits: Limits = _LIMITS,
        *,
        names: Names | None = None,
        transform: Transform | None = None,
    ) -> None:
        self.action = action
        self.limits = limits
        self.keys = engine.keys
        """Attribute names, in lower case, everything inside of which is to be hidden."""
        self._engine = engine
        self._remembered = functools.lru_cache(_REMEMBERED)(self._look)
        self._names = names
        self._transform = transform or (lambda finding, _: replacement(finding.entity))

    def is_clean(self, data: bytes) -> bool:
        """Whether there is nothing in any text or name that is a slice of these bytes; False where that takes a look."""
        return self._names is None and self._engine.is_quiet(data) and not is_wide(data)

    def look(self, text: str, place: Place = TOP, *, free: bool = False) -> Looked:
        """What becomes of a string that stands there; what cannot be looked at is quarantined.

        In one that is ``free`` text names are looked for too, if the policy has a model for them.
        """
        return (self._remembered if len(text) <= _SHORT else self._look)(text, place, free and self._names is not None)

    def _look(self, text: str, place: Place, free: bool) -> Looked:
        try:
            reason = self._hindrance(text)
            if reason is not None:
                return unseen(reason)
            found = self._engine.find(text, place.key, kind=place.kind)  # what is kept as well
            named = self._named(text, found) if free else []
            if not (found or named):
                return Looked(text, ())
            plain = self._without(text, named)
            new = self._engine.redact(plain, place.key, kind=place.kind)[0]
            return Looked(new, sorted((*found, *named), key=_start))
        except TooLate:
            return unseen(DEADLINE)
        except Exception:  # noqa: BLE001  # the boundary: a fault of a detector must not let the text pass
            return unseen(ERROR)

    def _named(self, text: str, found: Sequence[Finding]) -> list[Finding]:
        assert self._names is not None
        names = self._names.find(text)
        return [name for name in names if all(name.end <= each.start or each.end <= name.start for each in found)]

    def _without(self, text: str, named: list[Finding]) -> str:
        for name in reversed(named):
            new = self._transform(name, text[name.start : name.end])
            text = text[: name.start] + new + text[name.end :]
        return text

    def _hindrance(self, text: str) -> str | None:
        if len(text) > self.limits.text:
            return SIZE
        return ENCODING if "\0" in text and is_wide(text.encode("utf-8", "surrogatepass")) else None


def _start(finding: Finding) -> int:
    return finding.start


def is_wide(data: bytes) -> bool:
    """Whether this is UTF-16 or UTF-32, which also passes for UTF-8."""
    return b"\0" in data and WIDE_TEXT.search(data) is not None


def unseen(reason: str) -> Looked:
    """A string that could not be looked at."""
    return Looked(withheld(reason, b"", None), (), reason)
