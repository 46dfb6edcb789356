"""Numbers that say nothing by themselves: they count where a word before them, or the attribute's key, says what they
are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from errorplane.detectors._lazy import lazy
from errorplane.detectors.context._topics import Phrase, by_anchor, by_first_word
from errorplane.detectors.text._fold import fold, lower

NEAR = 40
"""How far after its word a number may begin, in characters."""
_RIGHT_AFTER = 8  # of a weak word
_MAX_WORD, _MAX_NAME = 40, 256
_WORDS_KEPT = 4096

_OTHER = {code: " " for code in range(128) if not chr(code).isalpha()}
# Read in two ways: one word of camel case, or one in capitals; and all letters in a row (USt-IdNr).
_HUMP = lazy(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+")
_RUN = lazy(r"[^\W\d_]+")
_GAPS = frozenset(("", " ", "-", ".", "_"))
_APOSTROPHES = frozenset("'\u2019`")
_LAST = "number num no nr id code value text string str raw digits full"
_ENDINGS = frozenset(_LAST.split())


class Mention(NamedTuple):
    """Words of a topic in a text."""

    topic: str
    end: int
    """Where the words end."""
    reach: int
    """How many characters after that a number may begin."""


class Context(NamedTuple):
    """What the words of a text and its attribute's key speak of."""

    topics: frozenset[str]
    mentions: Sequence[Mention] = ()
    named: frozenset[str] = frozenset()
    """Topics of the key: a number counts wherever it stands."""


NOTHING = Context(frozenset())


def context_of(text: str, low: str, name: str) -> Context:
    """What a text and the name of its attribute speak of; linear in the length of the text."""
    named = topics_of_key(name[-_MAX_NAME:]) if name else NOTHING.topics
    mentions = _mentions(text) if _may_speak(text, low) else []
    if not mentions:
        return Context(named, (), named) if named else NOTHING
    return Context(named.union(mention.topic for mention in mentions), mentions, named)


class _Known(dict[str, tuple[Phrase, ...]]):
    """The phrases that a word, as it is written, may be a part of; those of usual words are kept."""

    def __missing__(self, word: str) -> tuple[Phrase, ...]:
        phrases = tuple(phrase for part in _split(word) for phrase in by_anchor().get(part, ()))
        if len(word) <= _MAX_WORD:
            if len(self) >= _WORDS_KEPT:
                self.clear()
            self[word] = phrases
        return phrases


_known = _Known()


def _may_speak(text: str, low: str) -> bool:
    """Whether all words of a phrase stand somewhere; ten times as fast as a look for phrases."""
    words = text.translate(_OTHER).split()
    if not any(map(_known.__getitem__, words)):
        return False
    phrases = {phrase for word in {*words} for phrase in _known[word]}
    return any(all(map(low.__contains__, phrase.words)) for phrase in phrases)


def _split(word: str) -> Iterator[str]:
    return (lower(part) for pattern in (_HUMP, _RUN) for part in pattern.findall(word))


def _mentions(text: str) -> list[Mention]:
    mentions = {mention for pattern in (_HUMP, _RUN) for mention in _mentions_of(text, list(pattern.finditer(text)))}
    return sorted(mentions, key=_end)


def _end(mention: Mention) -> int:
    return mention.end


def _mentions_of(text: str, words: Sequence[re.Match[str]]) -> Iterator[Mention]:
    for at, last, phrase in _phrases(text, words):
        end = words[last].end()
        if not phrase.tildes:
            yield Mention(phrase.topic, end, NEAR)
        elif not text[end : end + 1].isalnum() and not text[words[at].start() - 1 : words[at].start()].isalpha():
            yield Mention(phrase.topic, end, _RIGHT_AFTER)


def _phrases(text: str, words: Sequence[re.Match[str]]) -> Iterator[tuple[int, int, Phrase]]:
    """Each phrase, with the numbers of its first and last word."""
    for at, word in enumerate(words):
        for phrase in by_first_word().get(lower(word[0]), ()):
            if len(phrase.words) == 1 or _continues(text, words, at, phrase):
                yield at, at + len(phrase.words) - 1, phrase


def _continues(text: str, words: Sequence[re.Match[str]], at: int, phrase: Phrase) -> bool:
    if at + len(phrase.words) > len(words):
        return False
    for offset, wanted in enumerate(phrase.words[1:], at + 1):
        word = words[offset]
        if lower(word[0]) != wanted:
            return False
        gap = text[words[offset - 1].end() : word.start()]
        if gap not in _GAPS and not (wanted == "s" and gap in _APOSTROPHES):
            return False
    return True


@lru_cache(maxsize=4096)
def topics_of_key(name: str) -> frozenset[str]:
    """The topics of which the last words of an attribute's key speak.

    >>> sorted(topics_of_key("user.birthDate")), sorted(topics_of_key("birth_date.format"))
    (['birth'], [])
    """
    plain = fold(name)
    found = {topic for pattern in (_HUMP, _RUN) for topic in _last_topics(plain, list(pattern.finditer(plain)))}
    return frozenset(found)


def _last_topics(name: str, words: list[re.Match[str]]) -> set[str]:
    while words:
        found = set()
        for at, last, phrase in _phrases(name, words):
            start = words[at].start()
            apart = phrase.tildes == 1 and start and name[start - 1] in "-._"
            if last == len(words) - 1 and (apart or not phrase.tildes):
                found.add(phrase.topic)
        if found or lower(words[-1][0]) not in _ENDINGS:
            return found
        words.pop()
    return set()
