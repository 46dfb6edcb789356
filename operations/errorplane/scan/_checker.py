"""One string looked at as the processor would, with what the policy does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from errorplane.detectors import Finding
from errorplane.redaction import Engine, Limits
from errorplane.redaction._quarantine import ENCODING, ERROR, SIZE, withheld
from errorplane.redaction._strings import TOP, WIDE_TEXT, Place

_LIMITS = Limits()


class Looked(NamedTuple):
    """A string after redaction."""

    text: str
    findings: Sequence[Finding]
    quarantined: str | None = None
    """Why it could not be looked at; ``text`` says so too."""


class Checker:
    """Looks at strings with an engine; ``action`` names what is done with an entity."""

    def __init__(self, engine: Engine, action: Callable[[str], str], limits: Limits = _LIMITS) -> None:
        self.action = action
        self.limits = limits
        self.keys = engine.keys
        """Attribute names, in lower case, everything inside of which is to be hidden."""
        self._engine = engine

    def is_clean(self, data: bytes) -> bool:
        """Whether there is nothing in any text or name that is a slice of these bytes; False where that takes a look."""
        return self._engine.is_quiet(data) and not is_wide(data)

    def look(self, text: str, place: Place = TOP) -> Looked:
        """What becomes of a string that stands there; what cannot be looked at is quarantined."""
        try:
            reason = self._hindrance(text)
            if reason is not None:
                return unseen(reason)
            found = self._engine.find(text, place.key, kind=place.kind)  # what is kept as well
            if not found:
                return Looked(text, ())
            return Looked(self._engine.redact(text, place.key, kind=place.kind)[0], found)
        except Exception:  # noqa: BLE001  # the boundary: a fault of a detector must not let the text pass
            return unseen(ERROR)

    def _hindrance(self, text: str) -> str | None:
        if len(text) > self.limits.text:
            return SIZE
        return ENCODING if "\0" in text and is_wide(text.encode("utf-8", "surrogatepass")) else None


def is_wide(data: bytes) -> bool:
    """Whether this is UTF-16 or UTF-32, which also passes for UTF-8."""
    return b"\0" in data and WIDE_TEXT.search(data) is not None


def unseen(reason: str) -> Looked:
    """A string that could not be looked at."""
    return Looked(withheld(reason, b"", None), (), reason)
