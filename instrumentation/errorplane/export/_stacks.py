"""The budget of what is dear about an error where it is recorded, of which the text of its stack is the most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from errorplane import settings
from errorplane.export._admission import UNLIMITED, Admission
from errorplane.export._budget import Budget, Rates

_budget: Final[list[Budget]] = []


def rates(environ: Mapping[str, str]) -> Rates | None:
    """The rates of `ERRORPLANE_EXPORT_*`; None unless `ERRORPLANE_EXPORT_ERRORS` is true."""
    if not settings.flag(environ, settings.EXPORT_ERRORS):
        return None
    return Rates(
        settings.number(environ, settings.EXPORT_RATE),
        settings.number(environ, settings.EXPORT_BURST),
        settings.number(environ, settings.EXPORT_TOTAL_RATE),
        int(settings.number(environ, settings.EXPORT_FINGERPRINTS)),
    )


def limit(budget: Budget) -> Callable[[], None]:
    """Let `admit` ask this budget, until what is returned is called."""
    _budget.append(budget)

    def undo() -> None:
        if budget in _budget:
            _budget.remove(budget)

    return undo


def admit(fingerprint: str) -> Admission:
    """Whether an error of this fingerprint may have what is dear to make, such as the text of its stack.

    Asked once for each occurrence. Admits everything unless `ERRORPLANE_EXPORT_ERRORS` is true.
    """
    return _budget[-1].admit(fingerprint) if _budget else UNLIMITED
