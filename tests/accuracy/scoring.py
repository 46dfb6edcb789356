"""Texts with marked personal data, and how well somebody found what is marked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_Z = 1.959964  # of a 95 % interval
ANY = "*"
"""The entity of a span of somebody who says where, but not what."""
# A secret may be called by what it is or by what it is for; a domain is a part of an address of a page, a date of birth a date.
_SECRETS = ("API_KEY", "AWS_KEY", "BEARER_TOKEN", "JWT", "PASSWORD", "PRIVATE_KEY")
_FAMILIES = {
    **dict.fromkeys(_SECRETS, _SECRETS),
    "DATE_TIME": ("DATE_TIME", "DATE_OF_BIRTH"),
    "DOMAIN_NAME": ("DOMAIN_NAME", "URL"),
    "ZIP_CODE": ("ZIP_CODE", "LOCATION"),
}
_LITERAL = "SQL_LITERAL"


@dataclass(frozen=True, slots=True)
class Span:
    """Personal data at ``text[start:end]``, in code points."""

    entity: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, the attribute's key if it is a value, and all that has to be found in it."""

    text: str
    gold: tuple[Span, ...]
    template: str
    key: str | None = None
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """``hits`` of ``count``."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        """From 0 to 1; NaN where there was nothing to count."""
        return self.hits / self.count if self.count else math.nan

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of E. B. Wilson (1927), "Probable inference", formula with z = 1.96."""
        if not self.count:
            return 0.0, 1.0
        share, squared = self.hits / self.count, _Z * _Z / self.count
        middle = share + squared / 2
        half = _Z * math.sqrt(share * (1 - share) / self.count + squared / self.count / 4)
        low, high = (middle - half) / (1 + squared), (middle + half) / (1 + squared)
        # Rounding must not put the share itself outside.
        return max(0.0, min(low, share)), min(1.0, max(high, share))


@dataclass(slots=True)
class Score:
    """What is counted for one entity."""

    gold: int = 0
    recalled: int = 0
    found: int = 0
    right: int = 0
    characters: int = 0
    visible: int = 0

    @property
    def recall(self) -> Rate:
        """Of the marked spans those that a finding of their entity covers by half or more."""
        return Rate(self.recalled, self.gold)

    @property
    def precision(self) -> Rate:
        """Of the findings of this entity those that cover a marked span of it by half, or lie in one by half."""
        return Rate(self.right, self.found)

    @property
    def leak(self) -> Rate:
        """Of the letters and digits of the marked spans those outside of every finding of any entity."""
        return Rate(self.visible, self.characters)


@dataclass(slots=True)
class Scores:
    """Counts by entity."""

    by_entity: dict[str, Score] = field(default_factory=dict)

    def __getitem__(self, entity: str) -> Score:
        return self.by_entity.setdefault(entity, Score())


def score(samples: Iterable[Sample], findings: Iterable[Sequence[Span]]) -> Scores:
    """Count over samples and what was found in each."""
    scores = Scores()
    for sample, found in zip(samples, findings, strict=True):
        hidden = bytearray(len(sample.text))
        for span in found:
            hidden[span.start : span.end] = b"\1" * (span.end - span.start)
            if span.entity == _LITERAL and all(gold.entity != _LITERAL for gold in sample.gold):
                continue  # every literal of a statement is one, and only some are marked
            of_entity = scores[span.entity]
            of_entity.found += 1
            of_entity.right += any(
                _same(span, gold) and 2 * _shared(span, gold) >= min(_length(gold), _length(span))
                for gold in sample.gold
            )
        for gold in sample.gold:
            of_entity = scores[gold.entity]
            of_entity.gold += 1
            of_entity.recalled += 2 * sum(_shared(span, gold) for span in found if _same(span, gold)) >= _length(gold)
            places = [at for at in range(gold.start, gold.end) if sample.text[at].isalnum()]
            of_entity.characters += len(places)
            of_entity.visible += sum(not hidden[at] for at in places)
    return scores


def _same(found: Span, gold: Span) -> bool:
    names = _FAMILIES.get(gold.entity, (gold.entity,))
    return found.entity == ANY or found.entity in names


def _shared(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _length(span: Span) -> int:
    return span.end - span.start
