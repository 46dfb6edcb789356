"""The strings and numbers of a JSON document looked at one by one, each replaced in its place."""

from __future__ import annotations

import json
from collections.abc import Iterable

from errorplane.detectors import TOP, Finding, Place
from errorplane.redaction._strings import whole_digits
from errorplane.scan._checker import Checker, Looked
from errorplane.scan._document import Array, Node, Number, Object, Offsets, Text
from errorplane.scan._model import Entity
from errorplane.scan._paths import Path, member, shown


class Walk:
    """What was found in one line that is a document, and what the line becomes."""

    def __init__(self, line: str, checker: Checker) -> None:
        self.line = line
        self.checker = checker
        self.entities: list[Entity] = []
        self.quarantined: list[str] = []
        self._edits: list[tuple[int, int, str]] = []

    def redacted(self) -> str:
        """The line with the edits made."""
        out: list[str] = []
        done = 0
        for start, end, new in sorted(self._edits):
            out += (self.line[done:start], new)
            done = end
        out.append(self.line[done:])
        return "".join(out)

    def value(self, node: Node, place: Place, path: Path | None, names: str = "") -> None:
        """Look at everything in a value of any schema; ``names`` are those around it, with dots between."""
        if isinstance(node, Text):
            self.text(node, place, path)
        elif isinstance(node, Number):
            self.number(node, place, path)
        elif isinstance(node, Array):
            for number, item in enumerate(node.items):
                self.value(item, place, (path, number), names)
        elif isinstance(node, Object):
            for name, inner in node.members:
                full = f"{names}.{name.value}" if names else name.value
                known = full if full.lower() in self.checker.keys else name.value
                self.value(inner, self.inside(known, place), (path, member(self.name(name, path))), full)

    def inside(self, name: str, outer: Place) -> Place:
        """The place of the value of a name that stands at ``outer``."""
        return outer.inside(name, self.checker.keys)

    def name(self, node: Text, path: Path | None) -> str:
        """Look at a name itself; returns it without what has to be hidden, fit for a path."""
        looked = self.checker.look(node.value, TOP)
        if looked.text == node.value and not looked.findings:
            return node.value
        self._note(looked, node, (path, member(looked.text)))
        return looked.text

    def text(self, node: Text, place: Place, path: Path | None, free: bool | None = None) -> None:
        """Look at a string; of any schema, one with several words is free text."""
        looked = self.checker.look(node.value, place, free=" " in node.value if free is None else free)
        if looked.findings or looked.quarantined:
            self._note(looked, node, path)

    def number(self, node: Number, place: Place, path: Path | None) -> bool:
        """Look at a number, which may be a card's; returns whether it became a string."""
        digits = _digits(node.raw)
        looked = self.checker.look(digits, place)
        return self.whole(looked, node, looked.text if looked.text != digits else None, path)

    def whole(self, looked: Looked, node: Text | Number, new: str | None, path: Path | None) -> bool:
        """Note findings in another reading of a value: they cover all of it; returns whether it is replaced."""
        if looked.quarantined:
            self.quarantined.append(looked.quarantined)
        if looked.findings:
            surest = max(looked.findings, key=_score)
            quotes = int(isinstance(node, Text))
            self._add(surest, node.start + quotes, node.end - quotes, path)
        if new is not None:
            self.replace(node, new)
        return new is not None

    def replace(self, node: Text | Number | Object, new: str) -> None:
        """Put a string in place of a value or a name."""
        self._edits.append((node.start, node.end, json.dumps(new, ensure_ascii=self.line.isascii())))

    def _note(self, looked: Looked, node: Text, path: Path | None) -> None:
        if looked.quarantined:
            self.quarantined.append(looked.quarantined)
        if looked.findings:
            plain = node.end - node.start - 2 == len(node.value)
            offsets = None if plain else Offsets(self.line, node.start, node.end)
            for finding in looked.findings:
                if offsets is None:
                    self._add(finding, node.start + 1 + finding.start, node.start + 1 + finding.end, path)
                else:
                    self._add(finding, offsets.raw(finding.start), offsets.raw(finding.end), path)
        if looked.text != node.value:
            self.replace(node, looked.text)

    def _add(self, finding: Finding, start: int, end: int, path: Path | None) -> None:
        action = self.checker.action(finding)
        self.entities.append(Entity(finding.entity, start, end, finding.score, action, shown(path), finding.also))


def _score(finding: Finding) -> float:
    return finding.score


def _digits(raw: str) -> str:
    """A number as a card would be written: 4.111111111111111e15 in digits."""
    return raw if raw.lstrip("-").isdigit() else whole_digits(float(raw)) or raw


def in_order(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Sorted by their place in the line."""
    return tuple(sorted(entities, key=_start))


def _start(entity: Entity) -> int:
    return entity.start
