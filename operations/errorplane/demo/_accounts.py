"""Holds the processor's counters against each other and against what the destinations hold: nothing may be missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from errorplane.demo._output import SIGNALS, Output


@dataclass(frozen=True, slots=True)
class Shortfall:
    """``found`` is less than ``expected``; ``what`` says of what, and where it was looked for."""

    what: str
    expected: int
    found: int


def shortfalls(requests: Sequence[Any], stats: Mapping[str, Any], outputs: Mapping[str, Output]) -> list[Shortfall]:
    """Every account in which something is missing.

    More than expected is right: what is sent again may double, and the processor's last own metrics come after ``stats``.

    ``requests`` are those that the customers made, each a trace of its own; ``stats`` is the processor's last page.
    """
    return [each for each in _accounts(requests, stats, outputs) if each.found < each.expected]


def idle(stats: Mapping[str, Any]) -> bool:
    """Whether nothing waits for its decision or delivery."""
    return not stats["traces"]["undecided"] and not any(stats["journal"]["pending_deliveries"].values())


def at_rest(stats: Mapping[str, Any]) -> bool:
    """Whether it is idle and all that was received is kept or dropped; its own metrics come at any moment."""
    return idle(stats) and all(each.found >= each.expected for each in _handled(stats))


def _handled(stats: Mapping[str, Any]) -> Iterator[Shortfall]:
    for signal, received in stats["received"].items():
        handled = sum(stats["kept"][signal].values()) + sum(stats["dropped"][signal].values())
        yield Shortfall(f"{signal} kept or dropped by the processor", received, handled)


def _accounts(requests: Sequence[Any], stats: Mapping[str, Any], outputs: Mapping[str, Output]) -> Iterator[Shortfall]:
    traces = stats["traces"]
    decided = traces["kept"] + traces["dropped"]
    yield Shortfall("traces decided by the processor, one for each request", len(requests), decided)
    kept = {item.trace_id for output in outputs.values() for item in output.items if item.trace_id}
    yield Shortfall("kept traces in the destinations", traces["kept"], len(kept))
    yield from _handled(stats)
    counted = sum(stats["error_facts"]["by_kind"].values())
    yield Shortfall("errors in the facts of the destinations", counted, _facts(outputs))
    for name, output in outputs.items():
        delivered = stats["destinations"].get(name, {}).get("delivered", {})
        for signal, count in delivered.items():
            kind = SIGNALS[signal]
            yield Shortfall(f"{kind} in destination {name}", count, sum(output.by_class(kind).values()))
    whole = sum(stats["received"].values())
    for what in ("rejected", "quarantined"):
        yield Shortfall(f"items not {what}", whole + sum(stats[what].values()), whole)


def _facts(outputs: Mapping[str, Output]) -> int:
    """Errors that the facts tell of; a fact that several destinations have counts once."""
    most: Counter[tuple[str, int]] = Counter()
    for output in outputs.values():
        most |= Counter((fact.id, fact.count) for fact in output.facts)
    return sum(count * times for (_, count), times in most.items())
