"""Collects what one turn of the decider keeps, and makes it one change of the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from errorplane.journal import Change, Delivery, Refs
from errorplane.otlp import Signal
from errorplane.retention import RetentionClass


@dataclass(slots=True)
class _Group:
    """What one retention class keeps of one signal."""

    destinations: tuple[str, ...]
    tags: dict[bytes, int] = field(default_factory=dict)
    refs: dict[int, Refs] = field(default_factory=dict)

    def keep(self, seq: int, items: Iterable[int], own: Mapping[int, bytes], shared: bytes) -> None:
        refs = self.refs.setdefault(seq, Refs())
        for item in items:
            tags = own.get(item, shared)
            refs.items.append(item)
            refs.tag.append(self.tags.setdefault(tags, len(self.tags)))


class Outbox:
    """One turn's change: verdicts, references and deliveries."""

    def __init__(self) -> None:
        self.change = Change()
        self._groups: dict[tuple[Signal, str, bool], _Group] = {}

    def keep(
        self,
        signal: Signal,
        chosen: RetentionClass,
        seq: int,
        items: Iterable[int],
        own: Mapping[int, bytes],
        shared: bytes,
        *,
        healthy: bool,
    ) -> None:
        """Send these items of request ``seq`` with the attributes ``own[item]``, else ``shared``, appended.

        ``healthy`` ones, of traces without errors, travel apart: they go first when room is wanted.
        """
        group = self._groups.get((signal, chosen.name, healthy))
        if group is None:
            group = self._groups[signal, chosen.name, healthy] = _Group(chosen.destinations)
        group.keep(seq, items, own, shared)

    def send(
        self, signal: Signal, retention_class: str, destinations: Sequence[str], payload: bytes, items: int
    ) -> None:
        """Send a payload that stands in no journalled request."""
        delivery = Delivery(signal, retention_class, tuple(destinations), payload=payload, payload_items=items)
        self.change.deliveries.append(delivery)

    def close(self) -> Change:
        """The change, complete."""
        for (signal, retention_class, healthy), group in self._groups.items():
            delivery = Delivery(
                signal, retention_class, group.destinations, tuple(group.tags), group.refs, healthy=healthy
            )
            self.change.deliveries.append(delivery)
        self._groups.clear()
        return self.change
