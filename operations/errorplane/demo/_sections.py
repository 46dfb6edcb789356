"""The tables of the report: what was kept, the errors, what was masked, and where everything is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rich.markup import escape

from errorplane.demo._console import Page, number, table
from errorplane.demo._examples import entity_example, short_type
from errorplane.demo._explain import Kept, condition, kept_by_rule, term, verdict
from errorplane.demo._output import SIGNALS, Output
from errorplane.demo._result import FingerprintRow, Result
from errorplane.errors import EVENT_NAME

_COLOURS = {"P1": "bold red", "P2": "yellow"}
_WIDE = 100  # what the table of errors takes with everything in one line


def decisions(page: Page, result: Result) -> None:
    """Which traces and log records were kept, and why."""
    stats = result.played.stats
    traces, lone = stats["traces"], stats["logs_without_trace"]
    page.heading(
        "What was kept, and why",
        f"{traces['kept'] + traces['dropped']} traces came in: {traces['kept']} were kept, {traces['dropped']} dropped. "
        "The first rule that matches decides.",
    )
    shown = table("Rule", "When", "Verdict", "#Traces", "#Lone logs", "Retention class")
    for row in _verdicts(result):
        shown.add_row(*row)
    page.put(shown)
    kept_logs = sum(stats["kept"]["logs"].values()) - lone["kept"]
    dropped_logs = sum(stats["dropped"]["logs"].values()) - lone["dropped"]
    page.line(
        f"Log records go where their trace goes: {kept_logs} were kept, {dropped_logs} dropped. A lone log has no "
        "trace. Metrics are not sampled.",
        style="dim",
    )


def _verdicts(result: Result) -> Iterator[tuple[str, ...]]:
    stats, policy = result.played.stats, result.played.policy
    rules = {rule.name: rule for rule in policy.sampling.rules}
    kept = kept_by_rule(result.outputs)
    subjects = (stats["traces"]["by_reason"], stats["logs_without_trace"]["by_reason"])
    decided = {name for found in subjects for name in found}
    for name in (*(name for name in rules if name in decided), *sorted(decided - rules.keys())):
        first = (escape(name) or "-", condition(rules[name].when) if name in rules else "no rule matched")
        for reason in sorted({reason for found in subjects for reason in found.get(name, ())}, reverse=True):
            counts = (found.get(name, {}).get(reason, 0) for found in subjects)
            days = term(kept.get(name, Kept()).classes, policy) if reason.startswith("kept") else "-"
            yield *first, verdict(reason, rules.get(name)), *map(number, counts), days
            first = ("", "")


def errors(page: Page, result: Result) -> None:
    """Every fingerprint with what the pipeline found out about it; the worst first."""
    verified = result.verified
    page.heading(
        "Errors by fingerprint",
        f"The shop raised {len(verified.outcomes)} errors. {verified.received} arrived as error facts, which are taken "
        f"before sampling; {verified.kept} were kept with their trace or log record.",
    )
    wide = page.width >= _WIDE
    heads = ("#Raised", "#Facts", "#Kept")
    shown = (
        table("Service and error", "Sev", "Kind", "Category", *heads, "Fingerprint")
        if wide
        else table("Service and error", "Sev", "Kind, category", *heads)
    )
    raised = sorted((row for row in result.rows if row.raised), key=lambda row: (row.service, row.severity, row.type))
    groups = [(service, list(rows)) for service, rows in groupby(raised, key=lambda row: row.service)]
    for service, rows in sorted(groups, key=lambda group: min(row.severity for row in group[1])):
        owner = f" ({escape(rows[0].owner)})" if rows[0].owner else ""
        shown.add_row(f"[bold]{escape(service)}[/]{owner}")
        for row in rows:
            shown.add_row(*_error(row, wide), style="" if row.raised == row.facts == row.kept else "red")
    page.put(shown)
    page.line(
        "Behind a service: the team that owns it. P1 is worst. cascading: an error of another service came first.",
        style="dim",
    )
    echoes = [row for row in result.rows if not row.raised]
    if echoes:
        page.line(
            f"And {sum(row.facts for row in echoes)} facts of {len(echoes)} more kinds: spans that failed without an "
            "exception, mostly the calling side of an error above.",
            style="dim",
        )


def _error(row: FingerprintRow, wide: bool) -> tuple[str, ...]:
    name = f"  {escape(short_type(row.type))}"
    severity = f"[{_COLOURS[row.severity]}]{row.severity}[/]" if row.severity in _COLOURS else row.severity
    counts = (str(row.raised), str(row.facts), str(row.kept))
    if wide:
        return name, severity, row.kind, row.category, *counts, f"[dim]{row.fingerprint}[/]"
    return f"{name}\n  [dim]{row.fingerprint}[/]", severity, f"{row.kind}\n{row.category}", *counts


def redaction(page: Page, result: Result) -> None:
    """What was planted, masked and leaked, by entity, with an example of what is left."""
    leaked = {leak.planted.value for leak in result.leaks}
    page.heading(
        "What was masked",
        f"The shop put {len(result.planted)} pieces of personal data and secrets into its telemetry; "
        f"{len(leaked) or 'none'} of them can be found in what was written.",
    )
    shown = table("Entity", "#Planted", "#Masked", "#Leaked", "An example of what is left")
    for entity in sorted({each.entity for each in result.planted} | result.redactions.keys()):
        values = {each.value for each in result.planted if each.entity == entity}
        shown.add_row(
            entity,
            number(len(values)),
            number(result.redactions.get(entity, 0)),
            str(len(values & leaked)),
            f"[dim]{escape(entity_example(entity, result.outputs))}[/]",
            style="red" if values & leaked else "",
        )
    page.put(shown)
    page.line(f"Planted in: {', '.join(sorted({each.place for each in result.planted}))}.", style="dim")
    files = sum(len(output.files) for output in result.outputs.values())
    page.line(
        f"Looked for in: {files} files of the destinations, {len(result.played.journal)} records of the decrypted "
        "journal, all logs, metrics and counters; as it is, and as a URL writes it.",
        style="dim",
    )


def destinations(page: Page, result: Result) -> None:
    """Which retention class and destination everything got."""
    policy = result.played.policy
    page.heading("Where it went, and for how long")
    shown = table("Class", "#Days", "Destination", *(f"#{kind.capitalize()}" for kind in SIGNALS.values()), "Files")
    for name, model in policy.retention.classes.items():
        first = (escape(name), str(model.days))
        for output in result.outputs.values():
            counts = [output.by_class(kind).get(name, 0) for kind in SIGNALS.values()]
            if any(counts) or output.name in policy.destinations_of(name):
                files = "\n".join(escape(path) for path in _below(result.folder.root, output, name)) or "-"
                shown.add_row(*first, escape(output.name), *map(number, counts), files)
                first = ("", "")
    page.put(shown)
    facts = {fact.id for output in result.outputs.values() for fact in output.facts}
    page.line(
        f"Among the logs are {len(facts)} error facts: log records with the event name {EVENT_NAME}.", style="dim"
    )
    for output in result.outputs.values():
        if output.endpoint is not None:
            page.line(
                f"{escape(output.name)} is the Collector at {escape(output.endpoint)}, which wrote those files.",
                style="dim",
            )


def _below(root: Path, output: Output, retention_class: str) -> list[str]:
    return [str(path.absolute().relative_to(root.absolute())) for path in sorted(output.places[retention_class])]
