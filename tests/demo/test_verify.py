"""A loss is found, wherever it happened: the run is held against the shop's own count and the processor's counters."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.demo.parts import Recording, first_only, rewrite

from errorplane.demo._report import print_report
from errorplane.demo._result import document, why_lost
from errorplane.demo._shop._ledger import KEY
from errorplane.errors import EVENT_NAME

pytestmark = pytest.mark.e2e


def is_fact(item: dict[str, Any]) -> bool:
    return bool(item.get("eventName") == EVENT_NAME)


def tells_of_an_error(item: dict[str, Any]) -> bool:
    holders = [item, *item.get("events", ())]
    return any(pair["key"] == KEY for holder in holders for pair in holder.get("attributes", ()))


def is_plain_span(item: dict[str, Any]) -> bool:
    return "spanId" in item and "startTimeUnixNano" in item and not tells_of_an_error(item)


def is_metric(item: dict[str, Any]) -> bool:
    return "spanId" not in item and ("sum" in item or "gauge" in item or "histogram" in item)


def test_nothing_is_lost_in_an_honest_run(untouched: Recording) -> None:
    """Every line of the shop's ledger has its fact and was kept, and every count adds up."""
    result = untouched.evaluate()
    assert len(result.verified.outcomes) == len(untouched.played.ledger) > 20
    assert [why_lost(outcome) for outcome in result.lost] == []
    assert result.shortfalls == ()
    assert all(outcome.fact is not None and outcome.kept for outcome in result.verified.outcomes)
    assert result.passed


@pytest.mark.parametrize(
    ("files", "matches", "lost"),
    [
        pytest.param(lambda run: [run.audit], is_fact, False, id="a fact, in one of two destinations"),
        pytest.param(lambda run: [run.audit], tells_of_an_error, True, id="an error's span, in one of two"),
        pytest.param(lambda run: [*run.archive, run.audit], tells_of_an_error, True, id="an error's span, in both"),
        pytest.param(lambda run: [run.audit], is_plain_span, False, id="any other span of an error's trace"),
        pytest.param(lambda run: run.archive, is_plain_span, False, id="a span, where others are"),
    ],
)
def test_one_missing_item_fails_the_run(
    recording: Recording,
    files: Callable[[Recording], list[Path]],
    matches: Callable[[dict[str, Any]], bool],
    lost: bool,
) -> None:
    """One span, log record or fact that is not where it was delivered fails the run."""
    dropped = sum(rewrite(path, first_only(matches)) for path in files(recording))
    assert dropped >= 1
    result = recording.evaluate()
    assert not result.passed
    assert result.shortfalls
    assert bool(result.lost) or not lost


def test_missing_metrics_fail_the_run(recording: Recording) -> None:
    """Metrics are counted too; only the processor's last own ones come after its last count."""
    assert sum(rewrite(path, lambda item: not is_metric(item)) for path in recording.archive) > 0
    assert [gap.what for gap in recording.evaluate().shortfalls] == ["metrics in destination archive"]


def test_an_error_without_its_fact_is_lost(recording: Recording) -> None:
    """When no destination has an error's fact, that very error is named, and the totals show it."""
    victim = recording.evaluate().verified.outcomes[0]
    assert victim.fact is not None
    gone = victim.fact.id
    for path in (*recording.archive, recording.audit):
        rewrite(path, lambda item: not (is_fact(item) and gone in str(item)))
    result = recording.evaluate()
    assert [outcome.raised.key for outcome in result.lost] == [victim.raised.key]
    assert why_lost(result.lost[0]) == "no error fact"
    errors = document(result, 1.0)["errors"]
    assert errors["received"] == errors["raised"] - 1


def test_an_error_that_nothing_tells_of_is_lost(recording: Recording) -> None:
    """A line in the shop's ledger with no telemetry at all is a loss."""
    line = {"key": "shop-9999", "service": "checkout", "type": "Silent", "trace_id": "", "span_id": "", "time": 0.0}
    run = replace(recording, played=replace(recording.played, ledger=[*recording.played.ledger, line]))
    assert [outcome.raised.key for outcome in run.evaluate().lost] == ["shop-9999"]


def test_an_error_whose_trace_was_dropped_is_lost_by_the_demos_own_rules_only(recording: Recording) -> None:
    """The demo's policy keeps every error, so one that was not kept is a loss; a user's policy may drop errors."""
    run = recording
    victim = next(outcome.raised for outcome in run.evaluate().verified.outcomes if outcome.raised.trace_id)
    for path in (*run.archive, run.audit):
        rewrite(path, lambda item: is_fact(item) or item.get("traceId") != victim.trace_id)
    reasons = {outcome.raised.key: why_lost(outcome) for outcome in run.evaluate().lost}
    assert reasons[victim.key] == "neither its trace nor its log record was kept"
    of_a_user = replace(run, settings=replace(run.settings, policy=Path("mine.yaml"))).evaluate()
    assert of_a_user.lost == ()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda stats: stats["traces"].update(dropped=stats["traces"]["dropped"] - 1), "one for each request"),
        (lambda stats: stats["received"].update(logs=stats["received"]["logs"] + 1), "logs kept or dropped"),
        (lambda stats: stats["rejected"].update(invalid_id=1), "items not rejected"),
        (lambda stats: stats["quarantined"].update(too_deep=1), "items not quarantined"),
        (lambda stats: stats["traces"].update(kept=stats["traces"]["kept"] + 1), "kept traces in the destinations"),
        (lambda stats: stats["error_facts"]["by_kind"].update(extra=1), "errors in the facts"),
        (lambda stats: stats["destinations"]["audit"]["delivered"].update(logs=10**6), "logs in destination audit"),
    ],
)
def test_counters_that_do_not_add_up_fail_the_run(
    recording: Recording, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    """What the processor says that it received, kept, dropped and delivered must be accounted for."""
    stats = copy.deepcopy(dict(recording.played.stats))
    change(stats)
    result = replace(recording, played=replace(recording.played, stats=stats)).evaluate()
    assert [gap.what for gap in result.shortfalls if what in gap.what]
    assert not result.passed


def test_a_fact_in_several_destinations_counts_once(recording: Recording) -> None:
    """Facts that are split over destinations are counted together, and what two of them have is not counted twice."""
    counted = sum(recording.played.stats["error_facts"]["by_kind"].values())
    first = recording.evaluate().verified.outcomes[0].fact
    assert first is not None
    rewrite(recording.audit, lambda item: not (is_fact(item) and first.id in str(item)))
    gaps = {gap.what: gap for gap in recording.evaluate().shortfalls}
    assert "errors in the facts of the destinations" not in gaps  # the other destination still has it
    for path in recording.archive:
        rewrite(path, lambda item: not (is_fact(item) and first.id in str(item)))
    gap = {gap.what: gap for gap in recording.evaluate().shortfalls}["errors in the facts of the destinations"]
    assert (gap.expected, gap.found) == (counted, counted - 1)


def test_a_run_that_raised_or_planted_nothing_proves_nothing(recording: Recording) -> None:
    """Without an error or without a planted string the run has not passed."""
    for played in (replace(recording.played, ledger=[]), replace(recording.played, planted=[])):
        assert not replace(recording, played=played).evaluate().passed


def test_the_report_names_what_is_lost(recording: Recording, tmp_path: Path) -> None:
    """The end of the report says which error is lost and that the run failed."""
    line = {"key": "shop-9999", "service": "checkout", "type": "Silent", "trace_id": "", "span_id": "", "time": 0.0}
    run = replace(recording, played=replace(recording.played, ledger=[*recording.played.ledger, line]))
    with (tmp_path / "report.txt").open("w+") as stream:
        print_report(run.evaluate(), 1.0, stream)
        stream.seek(0)
        text = stream.read()
    assert "LOST     shop-9999, Silent, no trace: no error fact" in text
    assert "FAILED  1 of" in text
