"""What a scan says about a line and about all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Rule(NamedTuple):
    """What a pack forbids, and where that is written."""

    pack: str
    number: str
    """Such as ``45 CFR 164.514(b)(2)(i)(F)``."""
    quote: str

    def __str__(self) -> str:
        return f'{self.pack} {self.number} "{self.quote}"'


@dataclass(frozen=True, slots=True)
class Entity:
    """Something to hide in a line: ``line[start:end]``, in code points, without any of its text."""

    type: str
    start: int
    end: int
    score: float
    action: str
    """What the policy does with it, or ``quarantine``."""
    path: str | None = None
    """Where it stands in a document; None in plain text."""
    also: frozenset[str] = frozenset()
    """Other entities that were found in the same place."""

    def rule(self, forbidden: Mapping[str, Rule]) -> Rule | None:
        """The rule by which it must not be there: that about its type, else about what else it is."""
        rules = (forbidden.get(entity) for entity in (self.type, *sorted(self.also)))
        return next((rule for rule in rules if rule is not None), None)


@dataclass(frozen=True, slots=True)
class Result:
    """One line."""

    text: str
    """The line after redaction."""
    entities: tuple[Entity, ...] = ()
    """In order, not overlapping."""
    quarantined: tuple[str, ...] = ()
    """Why strings of it, or all of it, could not be scanned."""
    note: str | None = None
    """``not JSON`` or ``not OTLP``: what it was not, and so was scanned as something less."""


@dataclass(slots=True)
class Tally:
    """What was counted over many lines."""

    lines: int = 0
    entities: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By type and action."""
    quarantined: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    leaks: Counter[tuple[str, Rule]] = field(default_factory=Counter)
    """By type and rule."""

    def add(self, other: Tally) -> None:
        """Count what the other counted too."""
        self.lines += other.lines
        self.entities.update(other.entities)
        self.quarantined.update(other.quarantined)
        self.notes.update(other.notes)
        self.leaks.update(other.leaks)
