"""The report that a person reads: in a terminal with colours, in a pipe without, and it says the same."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TextIO

from rich.markup import escape

from errorplane.demo import _sections
from errorplane.demo._console import Page, table
from errorplane.demo._examples import short_type
from errorplane.demo._result import Result, relative, why_lost
from errorplane.demo._tree import sample_tree

_SHOWN = 10


def print_report(result: Result, duration_s: float, stream: TextIO | None = None, width: int | None = None) -> None:
    """Print all of it, by default to standard output."""
    page = Page(stream, width)
    _summary(page, result)
    _sections.decisions(page, result)
    _sections.errors(page, result)
    _sample(page, result)
    _sections.redaction(page, result)
    _sections.destinations(page, result)
    _next(page, result)
    page.heading("In short")
    _verdict(page, result, duration_s)
    page.end()


def print_verdict(result: Result, duration_s: float, stream: TextIO) -> None:
    """Print only whether something was lost or leaked, and what."""
    page = Page(stream)
    _verdict(page, result, duration_s)
    page.end()


def _summary(page: Page, result: Result) -> None:
    played = result.played
    unexpected = [answer for answer in played.answers if answer["status"] != answer["expected"]]
    printing = " and a program that only prints" if result.settings.collector else ""
    page.line()
    page.line(
        f"[bold]A shop of {len(played.services)} services{printing} answered {len(played.answers)} requests and failed "
        "in many ways, on purpose.[/] This is what errorplane made of its telemetry:"
    )
    traces, verified = played.stats["traces"], result.verified
    leaked = len({leak.planted.value for leak in result.leaks})
    shown = table("", "#", "", "#", "", "#", "")
    shown.show_header = False
    received, masked = traces["kept"] + traces["dropped"], sum(result.redactions.values())
    rows = (
        ("errors", len(verified.outcomes), "raised", verified.kept, "kept", *_bad(len(result.lost), "lost")),
        ("traces", received, "received", traces["kept"], "kept", traces["dropped"], "dropped"),
        ("secrets", len(result.planted), "planted", masked, "places masked", *_bad(leaked, "leaked")),
    )
    for row in rows:
        shown.add_row(*map(str, row))
    page.put(shown)
    if unexpected:
        page.line(
            f"{len(unexpected)} answers were not as planned, which happens on a busy machine; the counts below are of "
            "what really happened.",
            style="yellow",
        )


def _bad(count: int, word: str) -> tuple[str, str]:
    colour = "red" if count else "green"
    return f"[{colour}]{count}[/]", f"[{colour}]{word}[/]"


def _sample(page: Page, result: Result) -> None:
    tree = sample_tree(result.verified, result.outputs, result.played.policy, page.width - 2)
    if tree is not None:
        page.heading(
            "One error on its way through the services",
            "One of the kept traces, as a tree of spans; what was masked stands below its span.",
        )
        page.put(tree)


def _next(page: Page, result: Result) -> None:
    page.heading("Look closer")
    folder, program = result.folder, _program()
    shown = table("", "")
    shown.show_header = False
    for path, what in (
        (folder.policy, "the policy that was in force: rules, classes, destinations"),
        (folder.ledger, "the errors as the shop itself counted them"),
        (folder.stats, "the processor's last counters; metrics.txt is its Prometheus page"),
        (folder.logs, "what the processor and the Collectors logged"),
    ):
        shown.add_row(relative(path), what)
    page.put(shown)
    page.line()
    files = [path for output in result.outputs.values() for path in output.files]
    if files:
        policy, first = relative(folder.policy), relative(files[0])
        page.whole(f"{escape(program)} cat --policy {escape(policy)} {escape(first)} | head -1 | python3 -m json.tool")
    page.whole(f"{escape(program)} check --policy {escape(relative(folder.policy))}")
    if not result.settings.collector:
        page.whole(f"{escape(program)} demo --collector      # through the real Collector; first `make collector`")
    page.whole(f"{escape(program)} demo --policy FILE    # with rules of your own")


def _program() -> str:
    """The command as it can be typed here."""
    here = Path(sys.executable).with_name("errorplane")
    found = shutil.which("errorplane")
    if found is not None and Path(found).resolve() == here.resolve():
        return "errorplane"
    return relative(here) if here.exists() else f"{relative(Path(sys.executable))} -m errorplane.cli"


def _verdict(page: Page, result: Result, duration_s: float) -> None:
    for outcome in result.lost[:_SHOWN]:
        error = outcome.raised
        where = f"trace {error.trace_id}" if error.trace_id else "no trace"
        page.line(escape(f"LOST     {error.key}, {short_type(error.type)}, {where}: {why_lost(outcome)}"), "red")
    for gap in result.shortfalls:
        page.line(escape(f"MISSING  {gap.what}: {gap.found} of {gap.expected}"), "red")
    for leak in result.leaks[:_SHOWN]:
        page.line(
            escape(f"LEAKED   {leak.planted.entity}, put into: {leak.planted.place}; found in: {leak.found_in}"), "red"
        )
    more = max(0, len(result.lost) - _SHOWN) + max(0, len(result.leaks) - _SHOWN)
    if more:
        page.line(f"... and {more} more", "red")
    raised, planted = len(result.verified.outcomes), len(result.planted)
    if result.passed:
        kept = "is kept" if result.verified.kept == raised else "has its fact"
        page.line(
            f"[green bold]OK[/]  Every one of {raised} errors {kept}, and none of {planted} planted strings leaked "
            f"({duration_s:.0f} s)."
        )
        return
    leaked = len({leak.planted.value for leak in result.leaks})
    page.line(
        f"[red bold]FAILED[/]  {len(result.lost)} of {raised} errors lost, {leaked} of {planted} planted strings leaked, "
        f"{len(result.shortfalls)} counts do not add up ({duration_s:.0f} s)."
    )
