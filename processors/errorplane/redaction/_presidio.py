"""Presidio's pattern recognisers as detectors of our own; needs the extra ``presidio``.

A recogniser is asked itself (``recognizer.analyze``), without Presidio's ``AnalyzerEngine``: its gate is a superset of
its patterns, its context words are looked for before the match and in the attribute's name. A pattern that takes too
long on hostile texts is refused when it is loaded.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import hyperscan

from errorplane.detectors import Detector, Finding, Subject
from errorplane.multipattern import compile_database
from errorplane.policy._recognizers import recognizers
from errorplane.redaction._superset import NoSuperset, superset
from errorplane.redaction._unavailable import ExtraUnavailable

# What Presidio's LemmaContextAwareEnhancer adds and guarantees by default, and its window as characters, not words.
_CONTEXT_ADDS, _CONTEXT_LEAST, _WINDOW = 0.35, 0.4, 40
_THRESHOLD = 0.4  # weaker ones are found with context only
_PIECE, _OVERLAP = 2048, 256  # a text is looked at in pieces, so that no pattern costs more than linear time
_SLOW_S = 5.0  # of one piece, where a healthy pattern takes about a millisecond
_HOSTILE_S = 1.0
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _Pattern(Protocol):
    name: str
    regex: str
    score: float


class _Recognizer(Protocol):
    """What is used of a ``PatternRecognizer``, whose own types say less."""

    name: str
    supported_entities: Sequence[str]
    patterns: Sequence[_Pattern]
    context: Sequence[str] | None
    global_regex_flags: int

    def analyze(self, text: str, entities: list[str], /) -> Sequence[Any]:
        """Results with ``start``, ``end`` and ``score``."""


class PresidioUnavailable(ExtraUnavailable):
    """The extra is not installed, there is no such recogniser, or it cannot be used; says what to do."""


def presidio_detectors(entities: Sequence[str], clock: Callable[[], float] = time.monotonic) -> tuple[Detector, ...]:
    """A detector for each of the entities, as Presidio names them; raises ``PresidioUnavailable``.

    Importing Presidio takes about two seconds.
    """
    if not entities:
        return ()
    known = _known()
    return tuple(_detector(entity, _recognizer(entity, known), clock) for entity in entities)


def _known() -> Mapping[str, Callable[[], _Recognizer]]:
    try:
        return recognizers()
    except ModuleNotFoundError as error:
        raise PresidioUnavailable(
            f"redaction.presidio needs the package {error.name}: pip install 'errorplane[presidio]'"
        ) from error


def _recognizer(entity: str, known: Mapping[str, Callable[[], _Recognizer]]) -> _Recognizer:
    if entity not in known:
        near = difflib.get_close_matches(entity, known, n=3, cutoff=0.5)
        meant = f": did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(sorted(known))}"
        raise PresidioUnavailable(f"redaction.presidio: Presidio has no pattern recogniser for {entity}{meant}")
    recognizer = known[entity]()
    _check(entity, recognizer)
    return recognizer


def _detector(entity: str, recognizer: _Recognizer, clock: Callable[[], float]) -> Detector:
    gates = tuple(dict.fromkeys(_gates(entity, recognizer)))
    return Detector(entity, gates, functools.partial(_find, recognizer, entity, _context(recognizer), clock))


def _gates(entity: str, recognizer: _Recognizer) -> Iterator[bytes]:
    """Of patterns that count by themselves their supersets; those that count only beside a word, and need no checksum
    to become sure, are gated by their words, which are rarer."""
    weak = not _validates(recognizer)
    for pattern in recognizer.patterns:
        if weak and pattern.score < _THRESHOLD:
            yield from (_gate(entity, pattern, word) for word in _words(recognizer))
        else:
            yield _gate(entity, pattern, pattern.regex)


def _validates(recognizer: _Recognizer) -> bool:
    from presidio_analyzer import PatternRecognizer

    own = inspect.getattr_static(type(recognizer), "validate_result")
    return own is not inspect.getattr_static(PatternRecognizer, "validate_result")


def _gate(entity: str, pattern: _Pattern, expression: str) -> bytes:
    try:
        gate = superset(expression)
        compile_database([gate])
    except (NoSuperset, hyperscan.error) as error:
        raise PresidioUnavailable(
            f"redaction.presidio: {entity}: pattern {pattern.name!r} of Presidio cannot be used: {error}"
        ) from error
    return gate


def _check(entity: str, recognizer: _Recognizer) -> None:
    """Try every pattern on texts that make a backtracking matcher backtrack."""
    for pattern in recognizer.patterns:
        for text in _hostile(pattern.regex):
            try:
                compiled = _compiled(pattern.regex, recognizer.global_regex_flags)
                for _ in compiled.finditer(text, timeout=_HOSTILE_S):
                    pass
            except TimeoutError:
                raise PresidioUnavailable(
                    f"redaction.presidio: {entity}: pattern {pattern.name!r} of Presidio takes more than "
                    f"{_HOSTILE_S} s on a text of {_PIECE} characters; leave {entity} out"
                ) from None


def _compiled(expression: str, flags: int) -> Any:
    import regex  # type: ignore[import-untyped]  # Presidio's own engine, which comes without types

    return regex.compile(expression, flags=flags)


def _hostile(expression: str) -> Iterator[str]:
    """Texts of one piece: runs of what patterns are made of, alone, in pairs, and with an end that spoils the match."""
    literals = dict.fromkeys(re.findall(r"[A-Za-z0-9@:/#]", expression))
    atoms = [*dict.fromkeys((*"1aA -./:@_", *literals))]
    pairs = [first + second for first in atoms[:10] for second in atoms[:10]]
    for unit in (*atoms, *pairs):
        yield (unit * _PIECE)[: _PIECE - 1] + "!"


def _find(
    recognizer: _Recognizer,
    entity: str,
    context: re.Pattern[str] | None,
    clock: Callable[[], float],
    subject: Subject,
) -> Iterator[Finding]:
    named = context is not None and context.search(_CAMEL.sub(" ", subject.name)) is not None
    for start, piece in _pieces(subject.text):
        began = clock()
        results = recognizer.analyze(piece, [entity])
        if clock() - began > _SLOW_S:  # Presidio gives up on a pattern after its own deadline and says nothing
            raise TimeoutError(entity)
        for result in results:
            first, last = start + result.start, start + result.end
            cut = (result.start == 0 < start) or (result.end == len(piece) and last < len(subject.text))
            if cut or not _is_folded(piece[result.start : result.end]):
                continue
            near = named or (context is not None and context.search(subject.text, max(0, first - _WINDOW), first))
            score = min(max(result.score + _CONTEXT_ADDS, _CONTEXT_LEAST), 1.0) if near else result.score
            if score >= _THRESHOLD:
                yield Finding(entity, first, last, score, f"presidio: {recognizer.name}")


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces that overlap; what is cut at an inner end stands whole in the next or last one."""
    at = 0
    while len(text) - at > _PIECE:
        yield at, text[at : at + _PIECE]
        at += _PIECE - _OVERLAP
    yield at, text[at:]


def _is_folded(value: str) -> bool:
    """Whether all digits are ASCII: those of scripts that ``fold`` does not know, the gate does not either."""
    return value.isascii() or not any(character.isdigit() and not character.isascii() for character in value)


def _words(recognizer: _Recognizer) -> list[str]:
    """Expressions for the words that make a match likelier; blanks in them may be dots, dashes or nothing."""
    return [r"[\s._-]?".join(map(re.escape, word.split())) for word in recognizer.context or ()]


def _context(recognizer: _Recognizer) -> re.Pattern[str] | None:
    words = "|".join(_words(recognizer))
    return re.compile(rf"(?<![^\W_])(?:{words})(?![^\W\d_])", re.IGNORECASE) if words else None
