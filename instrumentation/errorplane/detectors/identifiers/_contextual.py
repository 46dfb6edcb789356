"""One way to make a detector of numbers that count after a word or under a key, and some also by their shape alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from errorplane.detectors._lazy import Gates, lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._context import NEAR
from errorplane.detectors.context._topics import gates
from errorplane.detectors.text._words import ANY

Spans = Callable[[Subject], Iterable[tuple[int, int]]]
_LONGEST = 64  # no pattern that is looked for after a word matches more
_NEXT = 5
"""How far after such a number the next one of a list may begin: ``, and ``."""
_SAID = "after a word or under a key that says so"


def bounded(pattern: str) -> re.Pattern[str]:
    """An expression for a number in lower case that is no part of a longer word, number or mask."""
    return lazy(rf"(?<![0-9a-z*])(?<![0-9][.,])(?:{pattern})(?![0-9a-z*]|[.,][0-9])")


def after_words(
    subject: Subject, topics: frozenset[str], pattern: re.Pattern[str], check: Callable[[str], bool], near: int = NEAR
) -> Iterator[tuple[int, int]]:
    """Where ``pattern``, in lower case, stands in a text that speaks of one of the topics, and ``check`` agrees.

    Either within ``near`` characters after the words, or right after a number that does, or anywhere if the key says so.
    Nothing is found across what was replaced before.
    """
    context = subject.context()
    low = subject.low
    if not context.named.isdisjoint(topics):
        for match in pattern.finditer(low):
            if check(match[0]):
                yield match.span()
        return
    done = 0
    for topic, end, reach in context.mentions:
        if topic not in topics:
            continue
        at = max(end, done)
        limit = end + min(near, reach)
        while (number := pattern.search(low, at, limit + _LONGEST)) is not None:
            if number.start() > limit or "\0" in low[at : number.start()]:
                break
            if not check(number[0]):
                at = number.start() + 1
                continue
            at = done = number.end()
            limit = at + _NEXT
            yield number.span()


def speaks_of(subject: Subject, topics: frozenset[str]) -> bool:
    """Whether the text or its key speaks of one of the topics."""
    return not subject.context().topics.isdisjoint(topics)


def every(_: str) -> bool:
    """The check of numbers that have none."""
    return True


def contextual(
    entity: str,
    topics: tuple[str, ...],
    pattern: re.Pattern[str],
    check: Callable[[str], bool] = every,
    *,
    score: float = 0.8,
    near: int = NEAR,
    alone: Spans | None = None,
    alone_score: float = 0.6,
    words: int = ANY,
    gate: tuple[bytes, ...] = (),
) -> Detector:
    """A detector of what ``pattern`` and ``check`` accept (in lower case) after words of ``topics`` or under such a key.

    The first topic is the entity's own; by the others, which several entities share, the finding is less sure.
    ``alone`` finds spans without context and needs a ``gate`` of its own; every text that it finds something in has one
    of ``words`` (see ``errorplane.detectors.text._words``).
    """
    wanted = frozenset(topics)

    def find(subject: Subject) -> Iterable[Finding]:
        said = subject.context().topics
        if said and not said.isdisjoint(wanted):
            return _all(subject, said)
        return _alone(subject) if alone is not None else ()

    def _all(subject: Subject, said: frozenset[str]) -> Iterator[Finding]:
        sure = score if topics[0] in said else score - 0.2
        for start, end in after_words(subject, wanted, pattern, check, near):
            yield Finding(entity, start, end, sure, _SAID)
        if alone is not None:
            yield from _alone(subject)

    def _alone(subject: Subject) -> Iterator[Finding]:
        if alone is not None:
            for start, end in alone(subject):
                yield Finding(entity, start, end, alone_score, "shape and check digits")

    return Detector(entity, Gates(lambda: (*gates(*topics), *gate)), find, words=0 if alone is None else words)
