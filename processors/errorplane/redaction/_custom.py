"""Detectors that users define: a pattern of RE2, words that must stand near it, attribute keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from errorplane.detectors import Detector, Finding, Subject
from errorplane.policy._patterns import compile_pattern, pattern_gates

_NEAR = 40
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SURE, _BY_KEY = 0.85, 1.0


def custom_detector(
    name: str, pattern: str | None = None, group: int = 0, context: Sequence[str] = (), keys: Sequence[str] = ()
) -> Detector:
    """A detector of the entity ``name``: what ``group`` of ``pattern`` matches, and the whole values of ``keys``.

    With ``context`` a match counts only where one of these words stands within 40 characters before it or in the
    attribute's key. Keys and words are taken in either case. Raises ValueError with what is wrong, as the end of a
    sentence about the pattern.
    """
    named = frozenset(key.lower() for key in keys)
    gate = tuple(expression for key in sorted(named) for expression in pattern_gates("(?i)" + re.escape(key)))
    looks: list[Callable[[Subject], Iterable[Finding]]] = []
    if pattern is not None:
        gate += pattern_gates(pattern, context)
        looks.append(_Pattern(name, pattern, group, context))

    def find(subject: Subject) -> Iterator[Finding]:
        if subject.name.lower() in named and not _is_own(subject.text, name):
            yield Finding(name, 0, len(subject.text), _BY_KEY, "the attribute's key says so")
            return
        for look in looks:
            yield from look(subject)

    return Detector(name, gate, find, named)


class _Pattern:
    """The matches of one pattern with a word beside them."""

    def __init__(self, name: str, pattern: str, group: int, context: Sequence[str]) -> None:
        self._name = name
        self._group = group
        self._compiled: Any = compile_pattern(pattern)
        words = "|".join(re.escape(word.lower()) for word in context)
        self._words = re.compile(f"(?<![a-z])(?:{words})(?![a-z])") if context else None
        if group > self._compiled.groups:
            raise ValueError(f"has no group {group}")

    def __call__(self, subject: Subject) -> Iterator[Finding]:
        words = None if self._words is not None and self._in_key(subject.name) else self._words
        for match in self._compiled.finditer(encodable(subject.text)):
            start, end = match.span(self._group)
            if start >= end or (words is not None and not _stands_before(words, subject.low, match.start())):
                continue
            yield Finding(self._name, start, end, _SURE, "a pattern of the policy")

    def _in_key(self, key: str) -> bool:
        return self._words is not None and self._words.search(_CAMEL.sub(".", key).lower()) is not None


def _stands_before(words: re.Pattern[str], low: str, start: int) -> bool:
    return words.search(low, max(0, start - _NEAR), start) is not None


def _is_own(text: str, name: str) -> bool:
    return not text or text == f"<{name}>"


def encodable(text: str) -> str:
    """The text, of the same length, with a question mark for what UTF-8 cannot write: RE2 takes nothing else."""
    return text.encode("utf-8", "replace").decode()
