"""The redactor: a scan of the raw request, a look at the fields that hold a hit, new bytes spliced in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Self

from errorplane.detectors import ALL, DataClass, Detector, data_class
from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, Layout, MalformedWire, canonical, splice, walk
from errorplane.policy import Redaction
from errorplane.redaction._engine import Engine
from errorplane.redaction._locate import Target, targets
from errorplane.redaction._marks import Marking, Sighting
from errorplane.redaction._result import CannotScan, Limits, Quarantined, Redacted
from errorplane.redaction._shapes import SHAPES
from errorplane.redaction._skeleton import skeleton
from errorplane.redaction._values import Looker

_LIMITS = Limits()


class Redactor:
    """Masks personal data and secrets in Export requests; safe to use from several threads.

    ``allow`` are literal values that are never masked, ``classes`` says how sensitive entities are that only the policy
    knows. ``clock`` is monotonic, in seconds. Building one takes about a second: the detectors' gates are compiled into
    a database.
    """

    def __init__(
        self,
        detectors: Sequence[Detector] = ALL,
        allow: Collection[str] = (),
        limits: Limits = _LIMITS,
        clock: Callable[[], float] = time.monotonic,
        classes: Mapping[str, DataClass] = MappingProxyType({}),
    ) -> None:
        engine = Engine(detectors, allow)
        self._gate = engine.gate
        self._looker = Looker(engine, limits)
        self._limits = limits
        self._clock = clock
        self._classes = classes

    @classmethod
    def from_policy(cls, policy: Redaction) -> Self:
        """The redactor that a policy describes."""
        wanted = tuple(detector for detector in ALL if detector.entity in policy.detectors)
        classes = {custom.name: DataClass(custom.data_class) for custom in policy.custom}
        return cls(wanted, policy.allow, classes=classes)

    def redact(self, signal: Signal, body: bytes, layout: Layout) -> Redacted:
        """Mask what has to be hidden in a valid request that was walked; what cannot be looked at is quarantined.

        The result has ``body`` itself where there was nothing to do.
        """
        hits = self._gate.scan(body)
        deadline = self._clock() + self._limits.seconds
        try:
            return self._mask(signal, body, layout, hits.look, deadline, _items_at(layout, hits.errors))
        except (MalformedWire, IndexError):  # valid for upb, but too odd for the walk further in
            body = canonical(signal, body)
            layout = walk(signal, body)
            hits = self._gate.scan(body)
            masked = self._mask(signal, body, layout, hits.look, deadline, _items_at(layout, hits.errors))
            return replace(masked, slow=True)

    def _mask(
        self,
        signal: Signal,
        body: bytes,
        layout: Layout,
        hits: Sequence[int],
        deadline: float,
        error_candidates: frozenset[int],
    ) -> Redacted:
        masked = _Masked()
        marking = Marking(signal, body, layout, self._class_of)
        for item, found in targets(body, layout, SHAPES[signal], hits):
            try:
                looked = self._looked_at(body, found, deadline)
                masked.add(looked)
                marking.note(item, looked.sightings)
            except CannotScan as error:
                masked.quarantined.append(Quarantined(item, error.reason))
                masked.edits.append(_without(signal, body, layout, item, found[0], error.reason))
        masked.edits += marking.edits()
        return Redacted(
            splice(body, masked.edits) if masked.edits else body,
            masked.found,
            error_candidates,
            tuple(masked.quarantined),
            masked.stripped,
            marking.found_in_items(),
            marking.data_classes(),
        )

    def _class_of(self, entity: str) -> DataClass:
        return self._classes.get(entity) or data_class(entity)

    def _looked_at(self, body: bytes, found: list[Target], deadline: float) -> _Masked:
        """What has to change in the fields of one item, or in one field outside of items; raises ``CannotScan``."""
        masked = _Masked()
        for target in found:
            kind, head, end, own, outer = target
            if self._clock() > deadline:
                raise CannotScan("deadline")
            start = head if own is None else own.start
            looked = self._looker.look(kind, body[start:end])
            masked.found.update(dict(looked.found))
            masked.stripped += looked.stripped
            if looked.found or looked.mark is not None:
                masked.sightings.append(Sighting(target, looked.found, looked.mark))
            if looked.remove:
                masked.edits.append(Edit(head, end, b"", outer))
            elif looked.new is not None and own is not None:
                masked.edits.append(Edit(start, end, looked.new, (*outer, own)))
        return masked


@dataclass(slots=True)
class _Masked:
    """What was found so far, and the edits that hide it."""

    edits: list[Edit] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    quarantined: list[Quarantined] = field(default_factory=list)
    stripped: int = 0
    sightings: list[Sighting] = field(default_factory=list)

    def add(self, other: _Masked) -> None:
        self.edits += other.edits
        self.found += other.found
        self.stripped += other.stripped


def _without(signal: Signal, body: bytes, layout: Layout, item: int | None, target: Target, reason: str) -> Edit:
    """The edit that quarantines an item, or drops a field of a resource, a scope or a group."""
    if item is None:
        return Edit(target.head, target.end, b"", target.outer)
    start, end = layout.items[item]
    depth = next(number for number, around in enumerate(target.outer) if around.start == start and around.end == end)
    return Edit(start, end, skeleton(signal, body[start:end], reason), target.outer[: depth + 1])


def _items_at(layout: Layout, offsets: Iterable[int]) -> frozenset[int]:
    if isinstance(offsets, range):  # every byte
        return frozenset(range(len(layout.items)))
    return frozenset(item for offset in offsets if (item := layout.item_at(offset)) is not None)
