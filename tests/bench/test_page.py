"""The verdicts and the page of the benchmark follow from the stored figures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import pytest
from tests.bench.contenders import CONTENDERS, FLOOR, FULL, OURS
from tests.bench.goals import Goal, failures, goals
from tests.bench.load import EXPORTERS
from tests.bench.page import page, tables, trial
from tests.bench.plot import plot
from tests.bench.recording import Recording
from tests.bench.results import FULL_SPEED, KEEPS, KILLED, OVERLOADED, Case, Results, Run

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"

CONDITIONS = {
    **dict.fromkeys(("date", "errorplane", "revision", "collector", "cpu", "system", "python", "disk"), "x"),
    "minutes": 1.0,
    "cores": 2,
    "memory_gb": 8.0,
    "load_before": 0.0,
    "others_share": 0.0,
    "senders": 8,
    "rounds": 3,
    "overload_rounds": 3,
    "spans": 300_000,
    "wait_s": 10.0,
    "overload_s": 5.0,
}


@cache
def _traffic() -> dict[str, float]:
    return Recording.make(1000, seed=1).facts()


def _results(figures: dict[Case, dict[str, float]]) -> Results:
    results = Results({**CONDITIONS, "traffic": _traffic()})
    results.runs = [Run(case, 1, each) for case, each in figures.items()]
    return results


def _good() -> dict[Case, dict[str, float]]:
    """Figures in which errorplane meets every goal."""
    speed = {
        "spans_per_s": 600.0,
        "peak_mb": 10.0,
        "p50_s": 9.0,
        "p99_s": 11.0,
        "healthy": 100_000,
        "error_recall": 1.0,
    }
    rest = {"cut_traces": 0, "duplicates": 0, "raw": 0, "errors": 50, "counted_errors": 50}
    ours = {**speed, **rest, "cpu_us": 5.0, "bytes_per_span": 100.0}
    overload = {"error_recall": 1.0, "fault_recall": 1.0, "offered": 10, "offered_s": 1, **rest}
    out: dict[Case, dict[str, float]] = {
        Case(FULL_SPEED, FLOOR.name): {"cpu_us": 2.0, "spans_per_s": 900.0, "peak_mb": 1.0, "bytes_per_span": 1.0}
    }
    for who in CONTENDERS:
        is_ours = who.kind == "errorplane"
        for keep in KEEPS:
            theirs = {"cpu_us": 60.0 if who is FULL else 12.5, "bytes_per_span": 1500.0, "spans_per_s": 100.0}
            out[Case(FULL_SPEED, who.name, keep)] = {**ours, **({} if is_ours else theirs), "healthy_kept": keep}
        out[Case(KILLED, who.name)] = {"acknowledged": 5, "lost": 0 if is_ours else 5, "duplicates": 0, "ready_s": 1.0}
        for exporter in EXPORTERS:
            out[Case(OVERLOADED, who.name, exporter=exporter.name)] = overload
    return out


def test_goals_met() -> None:
    """Figures at the bounds meet every goal, in the table too."""
    results = _results(_good())
    assert [held.goal.title for held in goals(results, OURS) if not held.goal.is_met(held.values)] == []
    assert "NOT met" not in tables(results)
    assert failures(results) == []


@pytest.mark.parametrize(
    ("case", "name", "value", "title"),
    [
        (
            Case(FULL_SPEED, OURS.name, 0.01),
            "cpu_us",
            5.1,
            "CPU per span, share of that of “Collector: redaction + tail_sampling”, 1 % kept",
        ),
        (
            Case(FULL_SPEED, OURS.name, 1.0),
            "cpu_us",
            12.1,
            "CPU per span, share of that of “Collector: redaction + tail_sampling”, 100 %",
        ),
        (
            Case(FULL_SPEED, OURS.name, 0.1),
            "bytes_per_span",
            101.0,
            "memory per buffered span, share of that of “Collector: redaction + tail_sampling”, 10 %",
        ),
        (
            Case(FULL_SPEED, OURS.name, 0.1),
            "spans_per_s",
            599.0,
            "spans/s, times those of “Collector: redaction + tail_sampling”, 10 %",
        ),
        (Case(FULL_SPEED, FLOOR.name), "cpu_us", 1.9, "CPU per span, times that of the floor"),
        (Case(FULL_SPEED, OURS.name, 1.0), "p99_s", 11.01, "p99 from last span to sent, 100 %"),
        (Case(FULL_SPEED, OURS.name, 1.0), "counted_errors", 49, "count error at full speed"),
        (Case(KILLED, OURS.name), "lost", 1, "acknowledged spans lost by kill -9"),
        (Case(OVERLOADED, OURS.name, exporter="sdk"), "error_recall", 0.999, "error recall at 3x overload, exporters"),
        (
            Case(OVERLOADED, OURS.name, exporter="agent"),
            "fault_recall",
            0.999,
            "recall of distinct faults at 3x overload, four",
        ),
    ],
)
def test_a_goal_that_is_missed_is_said_to_be(case: Case, name: str, value: float, title: str) -> None:
    """The verdict follows from the figures: a little worse, and the goal is not met, on the page too."""
    figures = _good()
    figures[case] = {**figures[case], name: value}
    results = _results(figures)
    (row,) = [line for line in tables(results).splitlines() if line.startswith(f"| {title}")]
    assert "**NOT met**" in row.split(" | ")[2]
    assert "NOT" not in row.split(" | ")[3] or case.contender == FLOOR.name


def test_verdicts_over_rounds() -> None:
    """The median decides about ratios, the worst round about losses; what was not measured is neither met nor missed."""
    assert Goal("", most=1.0).is_met([0.9, 1.0, 5.0])
    assert not Goal("", most=1.0, always=True).is_met([0.9, 1.0, 5.0])
    assert not Goal("", least=1.0).is_met([0.9, 0.9, 5.0])
    assert Goal("", least=1.0).is_met([]) is None
    assert "not measured" in tables(_results({}))


def test_shares_and_broken_runs_are_judged() -> None:
    """Keeping another share than asked for, and ending during a run, stand on the page."""
    figures = _good()
    case = Case(FULL_SPEED, FULL.name, 0.1)
    figures[case] = {**figures[case], "healthy_kept": 0.11}
    results = _results(figures)
    results.runs.append(Run(Case(KILLED, OURS.name), 2, broken="ended with 1 during the run"))
    first, second = failures(results)
    assert first == "collector-full, full speed, 10 % kept, round 1: kept 11.00% of the healthy traces instead of 10%"
    assert second == "errorplane-nine, kill -9, round 2: ended with 1 during the run"
    assert first in tables(results)


def test_small_runs_and_busy_machines_are_called_trials() -> None:
    """A page of a run that says little begins with that; one of a full run on a quiet machine does not."""
    results = _results(_good())
    assert trial(results) == []
    assert "trial run" not in page(results, "x.svg")
    results.conditions |= {"rounds": 1, "others_share": 0.3}
    assert "**A trial run, not to be quoted**: 3 rounds are needed, not 1; 30% of the machine" in page(results, "x.svg")


def test_the_page_shows_the_stored_figures(tmp_path: Path) -> None:
    """docs/benchmarks.md and its plot are made of docs/benchmarks.json, all of it, and nothing is written by hand."""
    results = Results.read(PAGE.with_suffix(".json"))
    assert PAGE.read_text() == page(results, "benchmarks.svg")
    assert PAGE.with_suffix(".svg").read_text() == plot(results)
    assert {run.case.contender for run in results.runs} >= {who.name for who in (*CONTENDERS, FLOOR)}
    results.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == PAGE.with_suffix(".json").read_text()


def test_the_plot_is_an_image_of_the_figures() -> None:
    """It is well-formed, has a bar for each figure with its value, longer ones for more, and colours for dark ground."""
    results = _results(_good())
    root = ET.fromstring(plot(results))
    space = "{http://www.w3.org/2000/svg}"
    bars = {bar.get("class"): float(bar.get("width", "0")) for bar in root.iter(f"{space}rect")}
    texts = [text.text for text in root.iter(f"{space}text")]
    assert len(list(root.iter(f"{space}rect"))) == len(KEEPS) * len(CONTENDERS) + 1 + 2 * len(CONTENDERS)
    assert "60.0" in texts
    assert bars.keys() == {"collector", "errorplane", "floor"}
    assert "prefers-color-scheme: dark" in plot(results)
    full, tail, ours, *_ = (float(bar.get("width", "0")) for bar in root.iter(f"{space}rect"))
    assert full == pytest.approx(12 * ours, rel=0.02)
    assert tail == pytest.approx(2.5 * ours, rel=0.02)
