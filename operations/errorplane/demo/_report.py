"""The report that a person reads; without colour it says the same, and it fits 80 columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from errorplane.demo._examples import entity_example, short_type
from errorplane.demo._output import Output
from errorplane.demo._result import FingerprintRow, Result, relative, why_lost
from errorplane.demo._tree import sample_tree

_SHOWN = 10
_SIGNALS = ("spans", "logs", "metrics")


def print_report(result: Result, console: Console | None = None) -> None:
    """Print all of it to standard output."""
    console = console or Console(highlight=False)
    _headline(console, result)
    _decisions(console, result)
    _errors(console, result)
    _redaction(console, result)
    _retention(console, result)
    _sample(console, result)
    _files(console, result)
    _verdict(console, result)


def _headline(console: Console, result: Result) -> None:
    played = result.played
    unexpected = [answer for answer in played.answers if answer["status"] != answer["expected"]]
    console.print()
    console.print(
        f"[bold]A shop of {len(played.services)} services answered {len(played.answers)} requests "
        f"and raised {len(result.verified.outcomes)} errors.[/]"
    )
    if unexpected:
        console.print(f"{len(unexpected)} answers were not as planned: this machine is busy.", style="yellow")


def _decisions(console: Console, result: Result) -> None:
    traces = result.played.stats["traces"]
    received = traces["kept"] + traces["dropped"]
    _title(console, "What was kept", f"{received} traces came, {traces['kept']} were kept, {traces['dropped']} dropped")
    table = _table("Rule", "Verdict and reason", "#Traces", "#Lone logs")
    subjects = (traces["by_reason"], result.played.stats["logs_without_trace"]["by_reason"])
    for rule in dict.fromkeys(name for found in subjects for name in found):
        for reason in sorted({reason for found in subjects for reason in found.get(rule, ())}):
            counts = (found.get(rule, {}).get(reason, 0) for found in subjects)
            table.add_row(rule, _spoken(reason), *(_number(count) for count in counts))
    _show(console, table)


def _errors(console: Console, result: Result) -> None:
    verified = result.verified
    _title(
        console,
        "Errors by fingerprint",
        f"{len(verified.outcomes)} raised, {verified.received} received as error facts, {verified.kept} kept",
    )
    table = _table("Error", "Service", "Kind, category", "Sev", "#Raised", "#Facts", "#Kept")
    echoes = [row for row in result.rows if not row.raised]
    for row in result.rows:
        if row.raised:
            _add_error(table, row)
    _show(console, table)
    if echoes:
        count = sum(row.facts for row in echoes)
        console.print(
            f"  And {count} facts of {len(echoes)} more fingerprints: spans that failed with a status only,\n"
            "  mostly the calling side of an error above.",
            style="dim",
        )


def _add_error(table: Table, row: FingerprintRow) -> None:
    colour = "" if row.facts >= row.raised and row.kept == row.raised else "red"
    table.add_row(
        f"{escape(short_type(row.type))}\n[dim]{row.fingerprint}[/]",
        row.service,
        f"{row.kind}\n{row.category}",
        row.severity,
        str(row.raised),
        str(row.facts),
        str(row.kept),
        style=colour,
    )


def _redaction(console: Console, result: Result) -> None:
    leaked = {leak.planted.value for leak in result.leaks}
    _title(
        console,
        "Redaction",
        f"{len(result.planted)} secrets planted, {sum(result.redactions.values())} findings masked, {len(leaked)} leaked",
    )
    table = _table("Entity", "#Planted", "#Masked", "#Leaked", "What is left of it")
    entities = sorted({each.entity for each in result.planted} | result.redactions.keys())
    for entity in entities:
        values = {each.value for each in result.planted if each.entity == entity}
        table.add_row(
            entity,
            _number(len(values)),
            _number(result.redactions.get(entity, 0)),
            str(len(values & leaked)),
            escape(entity_example(entity, result.outputs)),
            style="red" if values & leaked else "",
        )
    _show(console, table)
    places = sorted({each.place for each in result.planted})
    console.print(Padding(f"planted in: {', '.join(places)}", (0, 2)), style="dim")


def _retention(console: Console, result: Result) -> None:
    _title(console, "Retention and destinations", "")
    table = _table("Class", "#Days", "Destination", "#Spans", "#Logs", "#Metrics")
    classes = result.played.policy.retention.classes
    for name, model in classes.items():
        for number, destination in enumerate(result.played.policy.destinations_of(name)):
            counts = _counts(result.outputs[destination], name)
            first = (name, str(model.days)) if number == 0 else ("", "")
            table.add_row(*first, destination, *(_number(counts[signal]) for signal in _SIGNALS))
    _show(console, table)


def _counts(output: Output, retention_class: str) -> Mapping[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for (signal, found), count in output.counts.items():
        if found == retention_class:
            counts[signal] += count
    return counts


def _sample(console: Console, result: Result) -> None:
    tree = sample_tree(result.verified, result.outputs)
    if tree is not None:
        _title(console, "One error, through the services", "what was masked stands below its span")
        console.print(Padding(tree, (0, 2)))


def _files(console: Console, result: Result) -> None:
    _title(console, "Look into", "")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for output in result.outputs.values():
        for path in output.files:
            table.add_row(relative(path), f"destination {output.name}")
    folder = result.folder
    for path, what in (
        (folder.policy, "the policy that was in force"),
        (folder.ledger, "the errors, as the shop itself counted them"),
        (folder.logs, "logs of the processor and of the Collectors"),
        (folder.metrics, "the processor's metrics"),
    ):
        table.add_row(relative(path), what)
    console.print(Padding(table, (0, 2)))
    files = [path for output in result.outputs.values() for path in output.files]
    if files:
        console.print("  Try:")
        command = f"errorplane cat --policy {relative(folder.policy)} {relative(files[0])}"
        console.print(f"    {escape(command)} | head -1", style="bold", soft_wrap=True)


def _verdict(console: Console, result: Result) -> None:
    console.print()
    for outcome in result.lost[:_SHOWN]:
        raised = outcome.raised
        where = f"trace {raised.trace_id}" if raised.trace_id else "no trace"
        text = f"LOST   {raised.key} {short_type(raised.type)} ({where}): {why_lost(outcome)}"
        console.print(escape(text), style="red", soft_wrap=True)
    for leak in result.leaks[:_SHOWN]:
        text = f"LEAKED {leak.planted.entity} put into: {leak.planted.place}; found in: {leak.found_in}"
        console.print(escape(text), style="red", soft_wrap=True)
    more = max(0, len(result.lost) - _SHOWN) + max(0, len(result.leaks) - _SHOWN)
    if more:
        console.print(f"and {more} more, see --json", style="red")
    if result.passed:
        text = "Every error that the shop raised is there, and nothing that it planted leaked"
        console.print(f"[green bold]OK[/]  {text} ({result.duration_s:.0f} s).")
    else:
        leaked = len({leak.planted.value for leak in result.leaks})
        console.print(
            f"[red bold]FAILED[/]  {len(result.lost)} of {len(result.verified.outcomes)} errors lost, "
            f"{leaked} of {len(result.planted)} planted strings leaked."
        )


def _table(*columns: str) -> Table:
    """A table without frame; a column whose name starts with ``#`` holds numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        number = column.startswith("#")
        table.add_column(
            column.removeprefix("#"), justify="right" if number else "left", overflow="fold", no_wrap=number
        )
    return table


def _title(console: Console, title: str, summary: str) -> None:
    console.print()
    console.print(f"[bold underline]{title}[/]" + (f"  {summary}" if summary else ""), soft_wrap=True)


def _show(console: Console, table: Table) -> None:
    console.print(Padding(table, (0, 2)))


def _number(count: int) -> str:
    return str(count) if count else "-"


def _spoken(reason: str) -> str:
    """``kept: rule`` as a person would say it."""
    verdict, _, why = reason.partition(": ")
    spoken = {
        "rule": "the rule keeps all that it matches",
        "probability": "by the rule's probability",
        "rate": "the rule's rate is used up",
        "no_rule": "no rule matched",
    }
    return f"{verdict}: {spoken.get(why, why)}"
