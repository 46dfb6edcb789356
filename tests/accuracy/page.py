"""The page ``docs/accuracy.md``: what was measured, how, and what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.accuracy.scoring import ANY, Rate, Score, Scores

GOALS = ("CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "PHONE_NUMBER")
REPORTED = ("DOMAIN_NAME", "DATE_TIME", "ZIP_CODE", "US_DRIVER_LICENSE")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_HEAD = "| entity | marked | recall | precision | leak rate |"
_COLUMNS = "| --- | ---: | --- | --- | --- |"


@dataclass(frozen=True)
class Part:
    """One corpus or one half of it, and the scores of everybody on it, by name."""

    title: str
    texts: int
    scores: Mapping[str, Scores]


@dataclass(frozen=True)
class Hits:
    """Lines of one collection of logs, and for each contender those hit and the entities that hit them."""

    title: str
    lines: int
    hit: Mapping[str, int]
    entities: Mapping[str, Counter[str]]


def rate(value: Rate) -> str:
    """``98.5 % (95.1 to 99.6)``; a dash where nothing was counted."""
    if not value.count:
        return "-"
    low, high = value.interval()
    return f"{value.value:.1%} ({low * 100:.1f} to {high * 100:.1f})".replace("%", " %")


def comparison(part: Part) -> Iterator[str]:
    """A table for each contender's figures of the entities that there are goals for, one beside the other."""
    names = list(part.scores)
    yield f"| entity | marked |{''.join(f' {name}: recall | precision | leak rate |' for name in names)}"
    yield f"| --- | ---: |{' --- | --- | --- |' * len(names)}"
    for entity in (*GOALS, *REPORTED):
        scores = [part.scores[name].by_entity.get(entity, Score()) for name in names]
        if scores[0].gold:
            cells = "".join(f" {rate(each.recall)} | {_precision(each)} | {rate(each.leak)} |" for each in scores)
            yield f"| {entity} | {scores[0].gold} |{cells}"
    for name in names:
        masked = part.scores[name].by_entity.get(ANY)
        if masked is not None:
            yield f"\nThe {name} does not name what it masks. Of its {masked.found} masks {rate(masked.precision)} are right."


def _precision(score: Score) -> str:
    return rate(score.precision)


def everything(part: Part, name: str) -> Iterator[str]:
    """One contender's figures of all entities that are marked, the worst leak first."""
    yield _HEAD
    yield _COLUMNS
    scores = part.scores[name].by_entity
    marked = [(entity, each) for entity, each in scores.items() if each.gold]
    for entity, each in sorted(marked, key=lambda pair: (-pair[1].leak.value, pair[0])):
        yield f"| {entity} | {each.gold} | {rate(each.recall)} | {rate(each.precision)} | {rate(each.leak)} |"


def logs(collections: Sequence[Hits]) -> Iterator[str]:
    """Lines hit in 10,000, by collection and contender."""
    names = list(collections[0].hit)
    yield f"| logs | lines |{''.join(f' {name} | in 10,000 |' for name in names)} hit by errorplane |"
    yield f"| --- | ---: |{' ---: | ---: |' * len(names)} --- |"
    for each in collections:
        cells = "".join(f" {each.hit[name]} | {each.hit[name] / each.lines * 10_000:.1f} |" for name in names)
        kinds = ", ".join(f"{entity} {count}" for entity, count in each.entities["errorplane"].most_common())
        yield f"| {each.title} | {each.lines:,} |{cells} {kinds or '-'} |"


def section(title: str, lines: Iterator[str]) -> str:
    """A heading and what stands below."""
    return f"### {title}\n\n" + "\n".join(lines) + "\n"
