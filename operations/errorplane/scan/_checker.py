"""One string looked at as the processor would, with what the policy does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from errorplane.detectors import Finding, KeyClass
from errorplane.redaction import CannotScan, Engine, Limits

_LIMITS = Limits()


class Looked(NamedTuple):
    """A string after redaction."""

    text: str
    findings: Sequence[Finding]
    quarantined: str | None = None
    """Why it could not be looked at; ``text`` says so too."""


class Checker:
    """Looks at strings with an engine.

    ``action`` names what is done with an entity, ``keeps`` says whether some are kept, which are named all the same.
    """

    def __init__(
        self, engine: Engine, action: Callable[[str], str], keeps: bool = False, limits: Limits = _LIMITS
    ) -> None:
        self._keeps = keeps
        self.action = action
        self.limits = limits
        self._engine = engine

    def is_clean(self, data: bytes) -> bool:
        """Whether there is nothing in any text or name that is a slice of these bytes; False where that takes a look."""
        return not self._engine.gate.mask(data)

    def look(self, text: str, key: str | None = None, kind: KeyClass | None = None) -> Looked:
        """What becomes of a string under this key; what cannot be looked at is quarantined."""
        if len(text) > self.limits.text:
            return unseen("size")
        try:
            new, findings = self._engine.redact(text, key, kind=kind)
            return Looked(new, self._engine.find(text, key, kind=kind) if self._keeps else findings)
        except CannotScan as error:
            return unseen(error.reason)
        except Exception as error:  # noqa: BLE001  # the boundary: a fault of a detector must not let the value pass
            return unseen(f"error:{type(error).__name__}")


def unseen(reason: str) -> Looked:
    """A string that could not be looked at."""
    return Looked(f"[QUARANTINED:{reason}]", (), reason)
