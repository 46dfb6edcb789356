"""Names of people and places in a text, by Presidio's entities."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

from errorplane.detectors import Finding
from errorplane.redaction.ner._process import ModelProcess, NerUnavailable, Span, TooLate
from errorplane.redaction.ner._templates import Verdicts

ENTITIES = {
    "PERSON": frozenset({"PERSON", "PER"}),
    "LOCATION": frozenset({"GPE", "LOC", "FAC", "LOCATION"}),
    "NRP": frozenset({"NORP", "NRP"}),
    "ORGANIZATION": frozenset({"ORG", "ORGANIZATION"}),
}
"""What may be asked for, with the labels of spaCy's models for it."""

_SCORE = 0.85  # models give none; Presidio's default for them
_LONGEST = 20_000
_HIDDEN = re.compile(
    r"<[A-Z][A-Z0-9_]{1,63}>|\[QUARANTINED:[^\]]*\]|(?<![0-9A-Za-z])(?:tok|hmac|enc|pfx)_[0-9A-Za-z_.:-]{8,}"
)
_WORDS = re.compile(r"[^\W\d_].*[^\W\d_]|[^\W\d_]", re.DOTALL)
# Models that were trained on prose take identifiers and types of errors for names.
_CODE = re.compile(r"[_=/\\{}\[\]<>@#$%^*|]|[0-9]|\w*(?:Error|Exception|Warning|Fault|Timeout)\Z")


class _Model(Protocol):
    @property
    def labels(self) -> frozenset[str]:
        """What the model knows."""

    def ask(self, text: str, deadline: float) -> list[Span]:
        """As ``ModelProcess.ask``."""

    def close(self) -> None:
        """End it."""


class Names:
    """Finds names with a spaCy model; safe to use from several threads.

    ``entities`` are those of ``ENTITIES``; ``seconds`` is how long one text may take. Raises ``NerUnavailable`` when the
    model is not there or does not know them. Starting takes some seconds.
    """

    def __init__(
        self,
        model: str,
        entities: Collection[str] = ("PERSON", "LOCATION"),
        seconds: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[str, Callable[[str, list[Span]], None]], _Model] = ModelProcess,
    ) -> None:
        self.entities = frozenset(entities)
        unknown = sorted(self.entities - set(ENTITIES))
        if unknown:
            raise NerUnavailable(f"redaction.ner.entities: {', '.join(unknown)}: there are {', '.join(ENTITIES)}")
        self.verdicts = Verdicts()
        self._seconds = seconds
        self._clock = clock
        self._model = start(model, self.verdicts.learn)
        self._entity = {label: entity for entity in sorted(self.entities) for label in ENTITIES[entity]}
        for entity in sorted(self.entities):
            if not ENTITIES[entity] & self._model.labels:
                self._model.close()
                raise NerUnavailable(
                    f"redaction.ner: the model {model} does not know {entity}; its labels are "
                    f"{', '.join(sorted(self._model.labels)) or 'none'}"
                )

    def find(self, text: str, deadline: float | None = None) -> list[Finding]:
        """The names in a text, in order; ``deadline`` is a time of the clock beyond which not even a text may take.

        Raises ``TooLate``, also for a text of more than 20,000 characters: what cannot be looked at must be withheld.
        """
        if not _may_hold_name(text):
            return []
        spans = self.verdicts.recall(text)
        if spans is None:
            spans = self._asked(text, deadline)
        found = [finding for span in spans for finding in self._findings(text, span)]
        return sorted(found, key=lambda finding: finding.start)

    def close(self) -> None:
        """End the model's process."""
        self._model.close()

    def _asked(self, text: str, deadline: float | None) -> list[Span]:
        if len(text) > _LONGEST:
            raise TooLate
        end = self._clock() + self._seconds
        spans = self._model.ask(text, end if deadline is None else min(end, deadline))
        self.verdicts.learn(text, spans)
        return spans

    def _findings(self, text: str, span: Span) -> Iterator[Finding]:
        entity = self._entity.get(span[2])
        if entity is None:
            return
        for start, end in _outside_hidden(text, span[0], span[1]):
            words = _WORDS.search(text, start, end)
            if words is not None and not _CODE.search(words[0]) and not words[0].islower():
                yield Finding(entity, words.start(), words.end(), _SCORE, "a language model says so")


def _may_hold_name(text: str) -> bool:
    """Whether there is a letter outside of what was hidden before."""
    return any(character.isalpha() for character in _HIDDEN.sub("", text))


def _outside_hidden(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """What is left of a span around what was hidden before."""
    for match in _HIDDEN.finditer(text):
        if match.end() <= start or match.start() >= end:
            continue
        if match.start() > start:
            yield start, match.start()
        start = match.end()
    if start < end:
        yield start, end
