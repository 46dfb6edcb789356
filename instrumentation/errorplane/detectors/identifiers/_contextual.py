"""One way to make a detector of numbers that count after a word or under a key, and some also by their shape alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from errorplane.detectors._lazy import Gates, lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._context import NEAR, after_words, every
from errorplane.detectors.context._topics import gates
from errorplane.detectors.text._words import ANY

Spans = Callable[[Subject], Iterable[tuple[int, int]]]
_SAID = "after a word or under a key that says so"


def bounded(pattern: str) -> re.Pattern[str]:
    """An expression for a number in lower case that is no part of a longer word, number or mask."""
    return lazy(rf"(?<![0-9a-z*])(?<![0-9][.,])(?:{pattern})(?![0-9a-z*]|[.,][0-9])")


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
