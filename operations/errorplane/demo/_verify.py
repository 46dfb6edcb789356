"""Holds the shop's ledger against what the destinations got: each raised error by itself, not only the totals."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from errorplane.demo._output import Log, Output, Span
from errorplane.demo._shop._ledger import KEY
from errorplane.errors import ERROR_ID, EXCEPTION_TYPE, ErrorFact
from errorplane.policy import Policy

_PRINTED_KEY = re.compile(re.escape(KEY) + r"=([\w-]+)")


@dataclass(frozen=True, slots=True)
class Raised:
    """One line of the ledger; the ids are empty outside of a trace, ``time`` is Unix time in seconds."""

    key: str
    service: str
    type: str
    trace_id: str
    span_id: str
    time: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one raised error: its fact and whether its trace or log record was kept.

    ``missing`` names destinations that should have the fact or the record and have not.
    """

    raised: Raised
    fact: ErrorFact | None
    kept: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome of every raised error, and the facts that tell of none: failures seen only by the calling side."""

    outcomes: tuple[Outcome, ...]
    echoes: tuple[ErrorFact, ...]

    @property
    def received(self) -> int:
        """How many raised errors have a fact."""
        return sum(outcome.fact is not None for outcome in self.outcomes)

    @property
    def kept(self) -> int:
        """How many were kept with their trace or log record."""
        return sum(outcome.kept for outcome in self.outcomes)

    def lost(self, must_keep: bool) -> list[Outcome]:
        """Errors without a fact, or missing somewhere; with ``must_keep`` those that were not kept, too."""
        return [each for each in self.outcomes if each.fact is None or each.missing or (must_keep and not each.kept)]


@dataclass(frozen=True, slots=True)
class _Witness:
    """A span or log record that carries the key of a ledger line."""

    destination: str
    retention_class: str
    error_ids: frozenset[str]
    types: frozenset[str]


def verify(ledger: Iterable[Mapping[str, Any]], outputs: Mapping[str, Output], policy: Policy) -> Verified:
    """Match every line of the ledger with one fact and with what was kept of it."""
    raised = [Raised(**line) for line in ledger]
    witnesses = _witnesses(outputs)
    facts = _Facts(outputs)
    # Those that are tied to a fact by an id first: what is left is matched by trace, service and type.
    found = {each.key: facts.by_id(each, witnesses.get(each.key, ())) for each in raised}
    for each in raised:
        found[each.key] = found[each.key] or facts.by_place(each)
    for each in raised:
        found[each.key] = found[each.key] or facts.by_count(each)
    outcomes = []
    for each in raised:
        fact, seen = found[each.key], witnesses.get(each.key, [])
        told = [witness for witness in seen if each.type in witness.types]
        missing = _missing_facts(fact, facts, policy) | _missing_witnesses(told, policy)
        outcomes.append(Outcome(each, fact, bool(told), tuple(sorted(missing))))
    return Verified(tuple(outcomes), tuple(facts.left()))


class _Facts:
    """The error facts of all destinations, each once; a fact stands for ``count`` raised errors."""

    def __init__(self, outputs: Mapping[str, Output]) -> None:
        self._facts: dict[str, ErrorFact] = {}
        self._where: defaultdict[str, set[str]] = defaultdict(set)
        for name, output in outputs.items():
            for fact in output.facts:
                self._facts[fact.id] = fact
                self._where[fact.id].add(name)
        self._free = {fact.id: fact.count for fact in self._facts.values()}
        self._places: defaultdict[tuple[str, str, str], list[ErrorFact]] = defaultdict(list)
        for fact in self._facts.values():
            self._places[fact.trace_id or "", fact.service, fact.type].append(fact)

    def where(self, fact: ErrorFact) -> set[str]:
        """Destinations that have it."""
        return self._where[fact.id]

    def by_id(self, raised: Raised, witnesses: Sequence[_Witness]) -> ErrorFact | None:
        """The fact whose id stands on a kept span or log record of this very error."""
        ids = {error_id for witness in witnesses for error_id in witness.error_ids}
        candidates = (self._facts[error_id] for error_id in sorted(ids) if error_id in self._facts)
        return self._take(fact for fact in candidates if (fact.service, fact.type) == (raised.service, raised.type))

    def by_place(self, raised: Raised) -> ErrorFact | None:
        """A fact of the same trace, service and type; on the same span, or next in time, if there are several."""
        candidates = self._places.get((raised.trace_id, raised.service, raised.type), [])
        return self._take(
            sorted(
                candidates,
                key=lambda fact: (fact.span_id != raised.span_id, abs(fact.time_unix_nano / 1e9 - raised.time)),
            )
        )

    def by_count(self, raised: Raised) -> ErrorFact | None:
        """A fact that stands for several errors of that service and type."""
        alike = (
            fact
            for fact in self._facts.values()
            if fact.count > 1 and (fact.service, fact.type) == (raised.service, raised.type)
        )
        return self._take(alike)

    def left(self) -> list[ErrorFact]:
        """Facts that no raised error was matched with."""
        return [fact for fact in self._facts.values() if self._free[fact.id] == fact.count]

    def _take(self, candidates: Iterable[ErrorFact]) -> ErrorFact | None:
        for fact in candidates:
            if self._free[fact.id] > 0:
                self._free[fact.id] -= 1
                return fact
        return None


def _missing_facts(fact: ErrorFact | None, facts: _Facts, policy: Policy) -> set[str]:
    if fact is None:
        return set()
    named = policy.errors.facts.destinations
    expected = policy.destinations_of(fact.retention_class) if named is None else named
    return set(expected) - facts.where(fact)


def _missing_witnesses(witnesses: Sequence[_Witness], policy: Policy) -> set[str]:
    if not witnesses:
        return set()
    expected = policy.destinations_of(witnesses[0].retention_class)
    return set(expected) - {witness.destination for witness in witnesses}


def _witnesses(outputs: Mapping[str, Output]) -> dict[str, list[_Witness]]:
    found: defaultdict[str, list[_Witness]] = defaultdict(list)
    for name, output in outputs.items():
        told = _told(output)
        for item in output.items:
            # An exception may be told by another item of its trace: by the log record, or by the inner span.
            types = _types(item) | (told[item.trace_id, item.service] if item.trace_id else frozenset())
            for key in _keys(item):
                found[key].append(_Witness(name, item.retention_class, _error_ids(item), frozenset(types)))
    return found


def _told(output: Output) -> defaultdict[tuple[str, str], set[str]]:
    told: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for item in output.items:
        told[item.trace_id, item.service] |= _types(item)
    return told


def _keys(item: Span | Log) -> Iterator[str]:
    if isinstance(item, Log):
        if KEY in item.attributes:
            yield str(item.attributes[KEY])
        yield from _PRINTED_KEY.findall(item.body)
    else:
        yield from (str(event.attributes[KEY]) for event in item.events if KEY in event.attributes)


def _types(item: Span | Log) -> set[str]:
    return set(_values(item, EXCEPTION_TYPE))


def _error_ids(item: Span | Log) -> frozenset[str]:
    return frozenset(_values(item, ERROR_ID))


def _values(item: Span | Log, name: str) -> Iterator[str]:
    if name in item.attributes:
        yield str(item.attributes[name])
    if isinstance(item, Span):
        yield from (str(event.attributes[name]) for event in item.events if name in event.attributes)
