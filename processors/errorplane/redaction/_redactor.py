"""The redactor: a scan of the raw request, a look at the fields that hold a hit, new bytes spliced in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Self

from errorplane.detectors import ALL, DataClass, Detector, Transform, data_class
from errorplane.otlp import Signal
from errorplane.otlp._wire import Edit, Layout, MalformedWire, canonical, splice, walk
from errorplane.policy import Redaction
from errorplane.policy._effective import detection
from errorplane.redaction._backwards import Backwards
from errorplane.redaction._broken import withhold_broken
from errorplane.redaction._custom import custom_detector
from errorplane.redaction._engine import Engine
from errorplane.redaction._gate import Hits
from errorplane.redaction._locate import Target, targets
from errorplane.redaction._marks import Marking, Sighting
from errorplane.redaction._named import named_detector
from errorplane.redaction._pairs import CleanPairs
from errorplane.redaction._presidio import presidio_detectors
from errorplane.redaction._quarantine import Seal
from errorplane.redaction._result import Limits, Redacted
from errorplane.redaction._series import Merged, merge_series
from errorplane.redaction._shapes import SHAPES
from errorplane.redaction._values import Looked, Looker
from errorplane.redaction.ner._stage import ErrorTexts

_LIMITS = Limits()


class Redactor:
    """Masks personal data and secrets in Export requests; safe to use from several threads.

    ``allow``, ``allow_patterns`` and ``transform`` are those of ``Engine``, ``classes`` says how sensitive entities are
    that only the policy knows. ``seal`` encrypts what could not be looked at; without it that is discarded. ``clock``
    is monotonic, in seconds. Building one takes some seconds at first, to compile the detectors' gates into databases, and a
    tenth of one with those in the user's cache folder.
    """

    def __init__(
        self,
        detectors: Sequence[Detector] = ALL,
        allow: Collection[str] = (),
        limits: Limits = _LIMITS,
        clock: Callable[[], float] = time.monotonic,
        classes: Mapping[str, DataClass] = MappingProxyType({}),
        *,
        allow_patterns: Sequence[str] = (),
        transform: Transform | None = None,
        seal: Seal | None = None,
        error_texts: ErrorTexts | None = None,
    ) -> None:
        self.engine = Engine(detectors, allow, allow_patterns, transform)
        self._gate = self.engine.gate
        self._gate.prepare()
        self._looker = Looker(self.engine, limits, clock, seal)
        self._clean = CleanPairs(self._looker.is_clean)
        self._seal = seal
        self._error_texts = error_texts
        self._limits = limits
        self._clock = clock
        self._classes = classes
        self._backwards = Backwards()

    @classmethod
    def from_policy(
        cls,
        policy: Redaction,
        transform: Transform | None = None,
        seal: Seal | None = None,
        error_texts: ErrorTexts | None = None,
    ) -> Self:
        """The redactor that a policy describes; ``transform`` does its actions.

        ``error_texts`` looks for names, if the policy asks for that. Raises ``PresidioUnavailable``.
        """
        wanted = detection(policy)
        detectors = [detector for detector in ALL if detector.entity in wanted.entities]
        detectors += [custom_detector(c.name, c.pattern, c.group, c.context, c.keys) for c in wanted.custom]
        detectors += [named_detector(entity, keys) for entity, keys in wanted.names.items()]
        detectors += presidio_detectors(policy.presidio)
        return cls(
            detectors,
            policy.allow,
            Limits(seconds=policy.deadline),
            classes={custom.name: DataClass(custom.data_class) for custom in wanted.custom},
            allow_patterns=policy.allow_patterns,
            transform=transform,
            seal=seal,
            error_texts=error_texts,
        )

    def redact(self, signal: Signal, body: bytes, layout: Layout) -> Redacted:
        """Mask what has to be hidden in a valid request that was walked; what cannot be looked at is withheld.

        The result has ``body`` itself where there was nothing to do.
        """
        redacted = self._redacted(signal, body, layout)
        return (
            redacted if self._error_texts is None else self._error_texts.apply(signal, redacted, self._limits.seconds)
        )

    def _redacted(self, signal: Signal, body: bytes, layout: Layout) -> Redacted:
        deadline = self._clock() + self._limits.seconds
        try:
            return self._mask(signal, body, layout, self._gate.scan(body), deadline)
        except (MalformedWire, IndexError):  # valid for upb, but too odd for the walk further in
            body = canonical(signal, body)
            return replace(self._mask(signal, body, walk(signal, body), self._gate.scan(body), deadline), slow=True)

    def mend(self, signal: Signal, body: bytes) -> tuple[bytes, int]:
        """A request that upb may have refused for strings that are no UTF-8, with these withheld; and their number.

        Raises ``MalformedWire`` for bytes that cannot be followed.
        """
        return withhold_broken(signal, body, self._seal)

    def _mask(self, signal: Signal, body: bytes, layout: Layout, hits: Hits, deadline: float) -> Redacted:
        edits: list[Edit] = []
        totals = _Totals()
        marking = Marking(signal, body, layout, self._class_of)
        located = list(targets(body, layout, SHAPES[signal], self._offsets(body, hits, deadline)))
        quiet = self._gate.quiet(body[each.start : each.end] for _, found in located for each in found)
        for item, found in located:
            sightings: list[Sighting] = []
            for target in found:
                part = body[target.start : target.end]
                if part in quiet:
                    continue
                looked = self._looker.look(target.kind, part, deadline)
                totals.add(looked)
                edits += _edits(target, looked)
                if looked.found or looked.mark is not None:
                    sightings.append(Sighting(target, looked.found, looked.mark))
            if sightings:
                marking.note(item, sightings)
        edits += marking.edits()
        new = splice(body, edits) if edits else body
        metrics = merge_series(body, new, self._backwards) if edits and signal is Signal.METRICS else Merged(new, 0, 0)
        return Redacted(
            metrics.body,
            totals.found,
            _items_at(layout, hits.errors),
            totals.quarantined,
            totals.stripped,
            marking.found_in_items(),
            marking.data_classes(),
            metrics.points,
            metrics.left_out,
        )

    def _offsets(self, body: bytes, hits: Hits, deadline: float) -> Sequence[int]:
        """Where to look, without the names of attributes whose values turn out to be clean: most statements are."""
        left = self._clean.others(body, hits.names, deadline)
        return sorted({*hits.look, *left}) if left else hits.look

    def _class_of(self, entity: str) -> DataClass:
        return self._classes.get(entity) or data_class(entity)


class _Totals:
    """What was found and done in one request."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self.stripped = 0

    def add(self, looked: Looked) -> None:
        for entity, count in looked.found:  # a quarter of the time of ``Counter.update``
            self.found[entity] += count
        for reason, count in looked.quarantined:
            self.quarantined[reason] += count
        self.stripped += looked.stripped


def _edits(target: Target, looked: Looked) -> Iterable[Edit]:
    if looked.remove:
        return (Edit(target.head, target.end, b"", target.outer),)
    if looked.new is None or target.frame is None:
        return ()
    return (Edit(target.start, target.end, looked.new, (*target.outer, target.frame)),)


def _items_at(layout: Layout, offsets: Iterable[int]) -> frozenset[int]:
    if isinstance(offsets, range):  # every byte
        return frozenset(range(len(layout.items)))
    return frozenset(item for offset in offsets if (item := layout.item_at(offset)) is not None)
