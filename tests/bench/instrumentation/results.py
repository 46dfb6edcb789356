"""The figures of all runs of this benchmark, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.results import Store

CALL, IMPORT, STEADY, STALLED, FLAT_OUT, SENT = (
    *("call", "import", "constant rate", "constant rate, agent stalled", "closed loop"),
    "sent for a request that fails",
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured once in each round: a phase and a contender; where requests are served also by what, and the
    share of them that fails."""

    phase: str
    contender: str
    app: str = ""
    errors: float | None = None

    def text(self) -> str:
        """``errorplane, constant rate, FastAPI, 1 % errors``."""
        share = "" if self.errors is None else failing(self.errors)
        return ", ".join(filter(None, (self.contender, self.phase, self.app, share)))


class Results(Store[Case]):
    """Those of what errorplane costs an application."""

    case_type = Case


def failing(share: float) -> str:
    """``1 % errors``."""
    return f"{share:.0%} errors".replace("%", " %")
