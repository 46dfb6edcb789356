"""What the measurements are held against: the goals, whether they are met, and whether everybody did the job at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.bench.contenders import FLOOR, FULL, TAIL, Contender
from tests.bench.load import EXPORTERS
from tests.bench.results import FULL_SPEED, KEEPS, KILLED, OVERLOADED, Case, Results, Spread, count_error, kept

_LAG_S = 0.5
_CHANCE = 4.5  # standard deviations; beyond that a share is wrong, not unlucky


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for the median of the rounds; with ``always`` for each of them."""

    title: str
    least: float | None = None
    most: float | None = None
    always: bool = False
    unit: str = ""

    def bound(self) -> str:
        """``at most 1/12``."""
        value = self.most if self.least is None else self.least
        assert value is not None
        share = Fraction(value).limit_denominator(20)
        text = f"1/{share.denominator}" if share.numerator == 1 < share.denominator else f"{value:g}{self.unit}"
        return f"{'at most' if self.least is None else 'at least'} {text}"

    def is_met(self, values: Sequence[float]) -> bool | None:
        """None where there is nothing to hold against it."""
        spread = Spread.of(values)
        if spread is None:
            return None
        low, high = (spread.low, spread.high) if self.always else (spread.median, spread.median)
        return (self.least is None or low >= self.least) and (self.most is None or high <= self.most)


@dataclass(frozen=True, slots=True)
class Held:
    """A goal held against what a contender's rounds gave."""

    goal: Goal
    values: Sequence[float]

    def text(self) -> str:
        """``0.071 (0.070-0.073): met``."""
        met = self.goal.is_met(self.values)
        spread = Spread.of(self.values)
        if met is None or spread is None:
            return "not measured"
        return f"{spread.text('.4g')}{self.goal.unit}: {'met' if met else '**NOT met**'}"


def goals(results: Results, ours: Contender) -> list[Held]:
    """Every goal, in the same order for each contender."""
    return [*_ratios(results, ours), *_times(results, ours), *_losses(results, ours), *_counts(results, ours)]


def _ratios(results: Results, ours: Contender) -> Iterator[Held]:
    for base, most in ((FULL, {0.01: 1 / 12, 0.1: 1 / 12, 1.0: 1 / 5}), (TAIL, dict.fromkeys(KEEPS, 0.4))):
        for keep in KEEPS:
            goal = Goal(f"CPU per span, share of that of “{base.title}”, {kept(keep)}", most=most[keep])
            yield Held(goal, _ratio(results, ours, base, keep, "cpu_us"))
    yield Held(
        Goal(f"CPU per span, times that of the floor, {kept(0.01)}", most=2.5),
        results.ratios(_case(ours, 0.01), Case(FULL_SPEED, FLOOR.name), "cpu_us"),
    )
    for keep in KEEPS:
        goal = Goal(f"memory per buffered span, share of that of “{FULL.title}”, {kept(keep)}", most=1 / 15)
        yield Held(goal, _ratio(results, ours, FULL, keep, "bytes_per_span"))
    for keep in KEEPS:
        goal = Goal(f"spans/s, times those of “{FULL.title}”, {kept(keep)}", least=6.0)
        yield Held(goal, _ratio(results, ours, FULL, keep, "spans_per_s"))


def _times(results: Results, ours: Contender) -> Iterator[Held]:
    for keep in KEEPS:
        goal = Goal(f"p99 from last span to sent, {kept(keep)}", most=results.conditions["wait_s"] + 1.0, unit=" s")
        yield Held(goal, _values(results, _case(ours, keep), "p99_s"))


def _losses(results: Results, ours: Contender) -> Iterator[Held]:
    yield Held(
        Goal("acknowledged spans lost by kill -9", most=0.0, always=True),
        _values(results, Case(KILLED, ours.name), "lost"),
    )
    for exporter in EXPORTERS:
        case = Case(OVERLOADED, ours.name, exporter=exporter.name)
        for name, what in (("error_recall", "error recall"), ("fault_recall", "recall of distinct faults")):
            goal = Goal(f"{what} at 3x overload, {exporter.title}", least=1.0, always=True)
            yield Held(goal, _values(results, case, name))


def _counts(results: Results, ours: Contender) -> Iterator[Held]:
    cases = [_case(ours, keep) for keep in KEEPS]
    found = [count_error(figures) for case in cases for figures in results.rounds(case).values()]
    goal = Goal("count error at full speed", most=0.0, always=True)
    yield Held(goal, [each for each in found if each is not None])


def _case(who: Contender, keep: float) -> Case:
    return Case(FULL_SPEED, who.name, keep)


def _ratio(results: Results, ours: Contender, base: Contender, keep: float, name: str) -> Sequence[float]:
    return results.ratios(_case(ours, keep), _case(base, keep), name)


def _values(results: Results, case: Case, name: str) -> list[float]:
    return [figures[name] for figures in results.rounds(case).values()]


def failures(results: Results) -> list[str]:
    """What contenders did not do that they are there for, so that their figures say nothing, or less."""
    out = []
    for run in results.runs:
        wrong = [run.broken] if run.broken else list(_wrong(run.case, run.figures))
        out += [f"{run.case.text()}, round {run.round}: {each}" for each in wrong]
    return out


def _wrong(case: Case, figures: Mapping[str, float]) -> Iterator[str]:
    if figures.get("raw", 0):
        yield f"{figures['raw']:,.0f} spans came with the personal data in them"
    if figures.get("lag_s", 0.0) > _LAG_S:
        yield f"the load generator was late by {figures['lag_s']:.1f} s: less than three times as much was offered"
    if case.phase != FULL_SPEED or "error_recall" not in figures:
        return
    if figures["error_recall"] < 1.0:
        yield f"lost {1 - figures['error_recall']:.2%} of the errors at full speed"
    if figures["cut_traces"]:
        yield f"{figures['cut_traces']:,.0f} error traces came without some of their spans"
    keep = case.keep
    assert keep is not None
    off = abs(figures["healthy_kept"] - keep)
    if off > _CHANCE * math.sqrt(keep * (1 - keep) / figures["healthy"]) + 1e-9:
        yield f"kept {figures['healthy_kept']:.2%} of the healthy traces instead of {keep:.0%}"
