"""Two redactions over the same requests: how often each hides what, under which key and in which service.

Holds no content: keys and names of services are redacted by both before they are counted, and bounded in number.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from errorplane.classification import text as text_of
from errorplane.otlp import Signal
from errorplane.otlp._wire import Layout, MalformedWire, canonical, walk
from errorplane.pipeline._index import Reader
from errorplane.policy import Policy, load
from errorplane.policy._effective import effective_actions
from errorplane.redaction import Inspector, Limits, Redactor

CURRENT, CANDIDATE = "current", "candidate"
OTHER = "other"
"""Stands for every key, or every service, beyond the bound."""
_KEYS, _SERVICES = 500, 200
_LONGEST = 128


class Row(NamedTuple):
    """What is counted apart."""

    entity: str
    key: str
    service: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two policies: what its redaction finds, and what of that it lets pass to every destination."""

    revision: str
    inspector: Inspector
    kept: frozenset[str]

    @classmethod
    def of(cls, policy: Policy) -> Side:
        """The side of a policy; takes about a second, as building any redactor does."""
        engine = Redactor.from_policy(policy.redaction).engine
        actions = tuple(effective_actions(policy).values())
        entities = {entity for one in actions for entity in one}
        kept = frozenset(entity for entity in entities if all(one[entity].do == "keep" for one in actions))
        return cls(policy.revision, Inspector(engine, Limits(seconds=policy.redaction.deadline)), kept)


class Comparison:
    """Counts of both sides since it was made; safe to read while another thread compares."""

    def __init__(self, current: Side, candidate: Side) -> None:
        self._sides = {CURRENT: current, CANDIDATE: candidate}
        self._counts: dict[Row, Counter[str]] = {}
        self._keys = _Names(_KEYS)
        self._services = _Names(_SERVICES)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, policy: Policy) -> Comparison | None:
        """That of a policy with its shadow; None if it has none. Raises ``PolicyError`` if the shadow cannot be read."""
        shadow = policy.redaction.shadow
        return None if shadow is None else cls(Side.of(policy), Side.of(load(shadow)))

    def compare(self, signal: Signal, body: bytes) -> Mapping[str, Counter[str]]:
        """Look at a valid request with both; returns what each hides, by entity, and adds it to the table.

        Raises ``MalformedWire`` or IndexError when the request cannot be followed.
        """
        try:
            found = self._both(signal, body)
        except (MalformedWire, IndexError):  # valid for upb, but too odd for the walk
            found = self._both(signal, canonical(signal, body))
        with self._lock:
            for name, rows in found.items():
                for row, count in rows.items():
                    bounded = Row(row.entity, self._keys.bounded(row.key), self._services.bounded(row.service))
                    self._counts.setdefault(bounded, Counter())[name] += count
        return {name: _by_entity(rows) for name, rows in found.items()}

    def table(self) -> dict[str, Any]:
        """The revisions of both policies, and the rows with their counts, the largest differences first."""
        with self._lock:
            rows = [
                {**row._asdict(), CURRENT: counts[CURRENT], CANDIDATE: counts[CANDIDATE]}
                for row, counts in self._counts.items()
            ]
        rows.sort(key=lambda row: (-abs(row[CURRENT] - row[CANDIDATE]), row["entity"], row["key"], row["service"]))
        return {**{name: side.revision for name, side in self._sides.items()}, "rows": rows}

    def _both(self, signal: Signal, body: bytes) -> dict[str, Counter[Row]]:
        layout = walk(signal, body)
        reader = Reader(signal, body, layout)
        return {name: self._one(side, signal, body, layout, reader) for name, side in self._sides.items()}

    def _one(self, side: Side, signal: Signal, body: bytes, layout: Layout, reader: Reader) -> Counter[Row]:
        rows: Counter[Row] = Counter()
        for resource, key, found in side.inspector.inspect(signal, body, layout):
            service = text_of("service", reader.group(resource)) or "unknown_service"
            for entity, count in found:
                if entity not in side.kept:
                    rows[Row(entity, self._clean(key), self._clean(service))] += count
        return rows

    def _clean(self, text: str) -> str:
        """What neither side hides of a text: a key that one side lets pass may hold what the other one finds."""
        for side in self._sides.values():
            text = side.inspector.text(text)
        return text


class _Names:
    """The first so many names; all others are one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def bounded(self, name: str) -> str:
        if name in self._known:
            return name
        if len(name) > _LONGEST or len(self._known) >= self._most:
            return OTHER
        self._known.add(name)
        return name


def _by_entity(rows: Counter[Row]) -> Counter[str]:
    total: Counter[str] = Counter()
    for row, count in rows.items():
        total[row.entity] += count
    return total
