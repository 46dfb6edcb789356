"""What errorplane is held against in an application, and what went wrong while it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.goals import Goal
from tests.bench.instrumentation.calls import IMPORTS
from tests.bench.instrumentation.cases import DEPTH, FIELDS, FIRST, SPAN, THREE
from tests.bench.instrumentation.contenders import INSTRUMENTED, OURS, STOCK, Contender
from tests.bench.instrumentation.results import CALL, IMPORT, STALLED, STEADY, Case, Results, failing
from tests.bench.instrumentation.served import ERRORS, SERVERS, STALLED_ERRORS
from tests.bench.results import Spread

BASES = (STOCK, INSTRUMENTED)
"""What ours is held against."""
_LAG_MS = 5.0


@dataclass(frozen=True, slots=True)
class Held:
    """A goal, and for each of BASES what the rounds gave; empty where it is not held against that one."""

    goal: Goal
    values: Sequence[Sequence[float]]

    def texts(self) -> list[str]:
        """``1.04 (1.02-1.05): met``, or nothing."""
        return [self._text(values) for values in self.values]

    def is_met(self) -> bool | None:
        """Against every base; None where nothing was measured."""
        verdicts = [verdict for values in self.values if (verdict := self.goal.is_met(values)) is not None]
        return all(verdicts) if verdicts else None

    def _text(self, values: Sequence[float]) -> str:
        spread = Spread.quartiles(values)
        if spread is None:
            return ""
        text = spread.text(".1f" if self.goal.unit else ".3f").replace("--", " to -")  # of what is less than stock's
        return f"{text}{self.goal.unit}: {self._verdict(values)}"

    def _verdict(self, values: Sequence[float]) -> str:
        return "met" if self.goal.is_met(values) else "**NOT met**"


def goals(results: Results) -> list[Held]:
    """Every goal of the application side."""
    return [*_calls(results), *_imports(results), *_served(results)]


def _calls(results: Results) -> Iterator[Held]:
    for title, name, base, most in (
        ("span", SPAN, SPAN, 1.05),
        ("span with five context fields, against one without", FIELDS, SPAN, 1.3),
        (THREE, THREE, THREE, 0.4),
    ):
        yield Held(
            Goal(f"CPU, times that of stock: {title}", most=most), [_ratios(results, who, name, base) for who in BASES]
        )
    for depth in DEPTH:
        name = FIRST.format(depth)
        goal = Goal(f"CPU over that of stock: first record of an {name}", most=60.0, unit=" us")
        yield Held(goal, [_added(results, who, name) for who in BASES])


def _imports(results: Results) -> Iterator[Held]:
    for title, who, *_ in IMPORTS:
        if who is OURS:
            goal = Goal(f"import and attach: {title}", most=50.0, unit=" ms")
            values = [figures["wall_ms"] for figures in results.rounds(Case(IMPORT, title)).values()]
            yield Held(goal, [values, []])


def _served(results: Results) -> Iterator[Held]:
    cases = [(STEADY, app, errors) for app in SERVERS for errors in ERRORS]
    cases += [(STALLED, app, STALLED_ERRORS) for app in SERVERS]
    for phase, app, errors in cases:
        for name, title in (("p50_ms", "p50"), ("p99_ms", "p99")):
            goal = Goal(
                f"{title}, times that of stock: {app}, {phase}, {failing(errors)}", most=1.02 if errors < 0.5 else 1.0
            )
            case, base = (Case(phase, who.name, app, errors) for who in (OURS, INSTRUMENTED))
            yield Held(goal, [[], results.ratios(case, base, name)])


def _ratios(results: Results, who: Contender, name: str, base_name: str) -> list[float]:
    theirs = results.rounds(Case(CALL, who.name))
    return [
        figures[name] / theirs[number][base_name]
        for number, figures in results.rounds(Case(CALL, OURS.name)).items()
        if number in theirs
    ]


def _added(results: Results, who: Contender, name: str) -> list[float]:
    theirs = results.rounds(Case(CALL, who.name))
    return [
        figures[name] - theirs[number][name]
        for number, figures in results.rounds(Case(CALL, OURS.name)).items()
        if number in theirs
    ]


def failures(results: Results) -> list[str]:
    """Runs that broke, and rounds in which requests went out late, so that their figures say less."""
    out = []
    for run in results.runs:
        where = f"{run.case.text()}, round {run.round}"
        if run.broken:
            out.append(f"{where}: {run.broken}")
        elif (lag := run.figures.get("lag_p99_ms", 0.0)) > _LAG_MS:
            out.append(f"{where}: 1 % of the requests went out {lag:.1f} ms late or more")
    return out
