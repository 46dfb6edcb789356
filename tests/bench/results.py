"""The figures of all runs, as they are stored, and their spread."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound="DataclassInstance")
"""What is measured once in each round: a frozen dataclass of texts and numbers."""

KEEPS = (0.01, 0.1, 1.0)
FULL_SPEED, KILLED, OVERLOADED, STRAIGHT = "full speed", "kill -9", "overload", "no contender"


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured, once in each round: a phase, a contender, and its share of healthy traces or its senders."""

    phase: str
    contender: str
    keep: float | None = None
    exporter: str | None = None

    def text(self) -> str:
        """``errorplane-nine, full speed, 1 % kept``."""
        parts = (self.contender, self.phase, "" if self.keep is None else kept(self.keep), self.exporter or "")
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Run(Generic[C]):
    """One run of a case: its figures, or why there are none."""

    case: C
    round: int
    figures: Mapping[str, float] = field(default_factory=dict)
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and extremes, or quartiles, of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """None where nothing was measured."""
        return cls(statistics.median(values), min(values), max(values)) if values else None

    @classmethod
    def quartiles(cls, values: Sequence[float]) -> Spread | None:
        """The half in the middle, for many rounds; the extremes of fewer than four, None where nothing was measured."""
        if len(values) < 4:
            return cls.of(values)
        low, median, high = statistics.quantiles(values, n=4)
        return cls(median, low, high)

    def text(self, form: str = ",.1f", scale: float = 1.0) -> str:
        """``4.2 (4.1-4.4)``; one number where all are the same in this form."""
        median, low, high = (format(value * scale, form) for value in (self.median, self.low, self.high))
        return median if low == high else f"{median} ({low}-{high})"


@dataclass
class Store(Generic[C]):
    """All runs and the conditions under which they took place. A subclass names the type of its cases."""

    conditions: dict[str, Any]
    runs: list[Run[C]] = field(default_factory=list)
    case_type: ClassVar[type]

    def rounds(self, case: C) -> dict[int, Mapping[str, float]]:
        """The figures of a case by round, without broken runs."""
        return {run.round: run.figures for run in self.runs if run.case == case and not run.broken}

    def spread(self, case: C, value: str | Callable[[Mapping[str, float]], float | None]) -> Spread | None:
        """One figure of a case, or what is made of its figures; None where it was not measured."""
        found = [
            figures.get(value) if isinstance(value, str) else value(figures) for figures in self.rounds(case).values()
        ]
        return Spread.of([each for each in found if each is not None])

    def ratios(self, ours: C, theirs: C, name: str) -> list[float]:
        """One figure as a share of another contender's, round by round."""
        others = self.rounds(theirs)
        return [
            mine[name] / others[number][name]
            for number, mine in self.rounds(ours).items()
            if number in others and others[number][name]
        ]

    def write(self, path: Path) -> None:
        """Store everything."""
        runs = [{**asdict(run.case), **asdict(run), "figures": dict(run.figures)} for run in self.runs]
        for run in runs:
            del run["case"]
        lines = ",\n".join(f"  {json.dumps(_rounded(run))}" for run in runs)
        path.write_text(f'{{"conditions": {json.dumps(self.conditions, indent=1)},\n"runs": [\n{lines}\n]}}\n')

    @classmethod
    def read(cls, path: Path) -> Self:
        """What ``write`` has stored."""
        stored = json.loads(path.read_text())
        return cls(stored["conditions"], [_run(cls.case_type, run) for run in stored["runs"]])


class Results(Store[Case]):
    """Those of errorplane beside the Collector."""

    case_type = Case


def kept(share: float) -> str:
    """``10 % kept``."""
    return f"{share:.0%} kept".replace("%", " %")


def count_error(figures: Mapping[str, float]) -> float | None:
    """How far the errors that it counted are from those that it took, as a share of these."""
    if "counted_errors" not in figures:
        return None
    return abs(figures["counted_errors"] - figures["errors"]) / max(1.0, figures["errors"])


def _rounded(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "figures": {name: float(f"{value:.6g}") for name, value in run["figures"].items()}}


def _run(case_type: type[C], stored: Mapping[str, Any]) -> Run[C]:
    names = [each.name for each in fields(case_type)]
    return Run(
        case_type(**{name: stored[name] for name in names}), stored["round"], stored["figures"], stored["broken"]
    )
