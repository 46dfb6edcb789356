"""Streams scanned batch by batch: what is printed of each, what is counted, what leaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from errorplane.scan._model import Entity, Result, Rule, Tally
from errorplane.scan._render import as_json, for_terminal
from errorplane.scan._scanner import Scanner


@dataclass(slots=True)
class Batch:
    """What came of some lines."""

    output: bytes
    tally: Tally
    leaks: list[str] = field(default_factory=list)
    """One line for each finding that is forbidden; holds nothing of its text."""


class Runner:
    """Scans batches of lines and renders them.

    ``output`` is ``json``, ``plain`` (the redacted lines), ``terminal`` (fit to be shown) or ``colours`` (what is new in
    bold). ``forbidden`` are the entities that make a leak, with their rules.
    """

    def __init__(self, scanner: Scanner, output: str, forbidden: Mapping[str, Rule]) -> None:
        self._scanner = scanner
        self._output = output
        self._forbidden = forbidden

    def run(self, lines: Sequence[bytes | None], file: str, first: int) -> Batch:
        """Scan the lines of a file, of which the first has the number ``first``."""
        batch = Batch(b"", Tally(lines=len(lines)))
        out: list[str] = []
        for number, line in enumerate(lines, first):
            result = self._scanner.scan(line)
            out.append(self._rendered(line, result))
            if result.entities or result.quarantined or result.note:
                self._count(result, f"{file}:{number}", batch)
        batch.output = "".join(f"{each}\n" for each in out).encode("utf-8", "surrogateescape")
        return batch

    def _rendered(self, line: bytes | None, result: Result) -> str:
        match self._output:
            case "json":
                return as_json(result, self._forbidden)
            case "plain":
                return result.text
            case _:
                colours = self._output == "colours"
                return for_terminal((line or b"").decode(errors="replace"), result, colours)

    def _count(self, result: Result, where: str, batch: Batch) -> None:
        tally = batch.tally
        tally.quarantined.update(result.quarantined)
        tally.notes.update([result.note] if result.note else [])
        for entity in result.entities:
            tally.entities[entity.type, entity.action] += 1
            rule = entity.rule(self._forbidden)
            if rule is not None:
                tally.leaks[entity.type, rule] += 1
                batch.leaks.append(f"{where}:{_place(entity)}: {entity.type}: {rule}")


def _place(entity: Entity) -> str:
    """The path, or in plain text the column, counted from 1."""
    return str(entity.start + 1) if entity.path is None else entity.path
