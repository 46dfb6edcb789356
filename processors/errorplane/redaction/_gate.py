"""A multi-pattern scan of raw bytes that says where to look, and one of a text that says for what.

The expressions have no boundaries: in raw protobuf the byte before a string is its length and the byte after is the
next field's tag, and both may be letters or digits. Boundaries, checksums and context are checked on the string.

Over whole requests Hyperscan is fast on words and on few shapes, and several times as slow on many shapes at once, or
on both together. So it scans them for words, for shapes, and for long runs of letters and digits one after the other,
and what matches within a shape's every match stands for it (``_COARSE``; that it does is computed). Names that are in
every second span are searched for one by one: each hit of Hyperscan is a call of Python. The texts that hold a hit are
then scanned, all as one, for the exact expressions of all detectors.
"""

from __future__ import annotations

import functools
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import accumulate, chain
from pathlib import Path
from typing import NamedTuple

import hyperscan

from errorplane.detectors import FOLDED_GATES, Detector
from errorplane.detectors.text._escapes import ESCAPED_SEPARATOR
from errorplane.detectors.text._spelling import any_spelling, other_spellings
from errorplane.multipattern import Scanner, compile_database
from errorplane.redaction import _automaton
from errorplane.redaction._automaton import is_within, literal_length
from errorplane.redaction._cache import remembered

_FEW, _BYTES_PER_HIT = 4096, 32
_LEAST_LITERAL = 3  # bytes of a word

_RUN = rb"[0-9A-Za-z]{17}"  # longer than what many ids are written as
_COARSE = (
    rb"[0-9](?:[ .+\-/()]{0,4}[0-9]){6}",
    rb"[0-9]{2}(?:[ .+\-/()]{1,3}[0-9]{2}){2}",
    ESCAPED_SEPARATOR,
    rb"[A-Za-z]{2}[0-9]{2}[0-9A-Za-z +%\\-]{5}",
    rb"(?i::[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}:)",
    rb"(?i:-[0-9a-f]{2}-[0-9a-f]{2}-[0-9a-f]{2})",
    rb"(?i:\.[0-9a-f]{4}\.[0-9a-f]{4})",
    rb"(?i:(?:%(?:25){0,2}|u00)3a)",
)
# Within rows of upper-case letters and digits, as numbers of insurances are: one whole row in the database takes as long
# as all other shapes together.
_ROW = rb"[0-9][A-Z]{2}[0-9]{2}"
# An AnyValue's int_value (tag 0x18) of 2^35 or more, and a double_value (tag 0x21) from 2^38 to 2^63: cards as numbers.
# The tags also in their over-long spellings.
_CARD_SIZED = rb".{6}(?:[\x50-\xff]\x42|[\x00-\xef]\x43)"
_LARGE_NUMBERS = (
    rb"\x18[\x80-\xff]{5}",
    rb"\x98\x80{0,3}\x00[\x80-\xff]{5}",
    rb"\x21" + _CARD_SIZED,
    rb"\xa1\x80{0,3}\x00" + _CARD_SIZED,
)
_FORGED = (
    rb"errorplane\.(?:retention\.class|policy\.version|sampling\.|suppressed_count|trace\.cut|data_class|redacted\.)",
)
# Text in UTF-16 or UTF-32: the other expressions do not see what it says.
_WIDE_TEXT = (rb"\x00(?:[ -~]\x00){5}", rb"\x00{3}(?:[ -~]\x00{3}){3}")
_LOOK = (*_LARGE_NUMBERS, *_FORGED, *_WIDE_TEXT)
# An attribute exception.*; the attribute error=true of OpenTracing, as a boolean or as a string.
_ERRORS = (rb"exception\.", rb"\x05error\x12\x02\x10\x01", rb"\x05error\x12\x06\x0a\x04true")

_BETWEEN = b"\0\x0b\0"  # texts that are scanned as one: hardly anything that matches goes on across these


class Hits(NamedTuple):
    """Offsets of the last byte of each hit, in order and each once."""

    look: Sequence[int]
    """Where personal data, a secret or a forged tag may be."""
    errors: Sequence[int]
    """Where something says error besides a status."""
    names: Sequence[int] = ()
    """Where the name of an attribute ends that means something only for its own value."""

    @property
    def all(self) -> Sequence[int]:
        """``look`` and ``names`` together."""
        return sorted({*self.look, *self.names}) if self.names else self.look


_NOTHING = Hits((), ())
# The code that decides which expressions stand for others, so that nothing made by an earlier one is used. Read with
# the import: later the files may be those of a version that was installed meanwhile.
_SOURCE = b"".join(Path(file).read_bytes() for file in (__file__, _automaton.__file__))


class Gate:
    """The expressions of detectors compiled; safe to use from several threads.

    Raises ``hyperscan.error`` when a detector's gate does not compile.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.everyone = (1 << len(detectors)) - 1
        masks: dict[bytes, int] = {}
        for number, detector in enumerate(detectors):
            for expression in detector.gate:
                masks[expression] = masks.get(expression, 0) | 1 << number
        masks |= dict.fromkeys(FOLDED_GATES, self.everyone)
        self._masks = [*masks.values(), *(0 for _ in _LOOK)]
        self._expressions = (*masks, *_LOOK)
        self._exact = _database(self._expressions, once=True)
        names = {any_spelling(name): name for detector in detectors for name in detector.names}
        self._names = [name.encode() for name in names.values()]
        coarse = [other_spellings(names[each]) if each in names else each for each in masks]
        recipe = _recipe("coarse", (*coarse, *_LOOK, *_COARSE, _ROW, _RUN))
        words, shapes = remembered(recipe, lambda: _coarse(coarse), _written, _read)
        self._first_error = len(words)
        self._words = _database((*words, *_ERRORS))
        self._others = [_database(tuple(shapes)), _database((_RUN,))] if shapes else []

    @functools.cached_property
    def _everywhere(self) -> _Database:
        """The exact expressions, with all their hits: for requests only, and a second's work to compile."""
        return _database(self._expressions)

    def prepare(self) -> None:
        """Compile what requests need besides, so that the first of them does not wait for it."""
        _ = self._everywhere

    def scan(self, body: bytes) -> Hits:
        """Scan a request. One made of nothing but hits would take seconds: beyond one in 32 bytes, every byte is one."""
        rows = [database.hits(body) for database in (self._words, *self._others)]
        if None in rows:
            return Hits(range(len(body)), range(len(body)))
        names = list(chain.from_iterable(_ends(body, name) for name in self._names))
        if not (names or any(rows)):
            return _NOTHING
        errors = {end - 1 for expression, end in rows[0] or () if expression >= self._first_error}
        look = {end - 1 for expression, end in rows[0] or () if expression < self._first_error}
        look.update(end - 1 for row in rows[1:] for _, end in row or ())
        return Hits(sorted(look), sorted(errors), names)

    def is_quiet(self, data: bytes) -> bool:
        """Whether none of the exact expressions matches in bytes, neither a detector's nor one of the scan's own."""
        return self._exact.hits(data) == []

    def quiet(self, texts: Iterable[bytes]) -> frozenset[bytes]:
        """Those that are quiet. They are scanned as one, since the call takes longer than the scan of most texts."""
        texts = frozenset(texts)
        found = self._everywhere.hits(_BETWEEN.join(texts)) if texts else []
        if found is None:
            return frozenset(filter(self.is_quiet, texts))
        if not found:
            return texts
        ends = sorted({end for _, end in found})
        quiet: list[bytes] = []
        start = 0
        for text in texts:
            first = bisect_right(ends, start)
            if first == len(ends) or ends[first] > start + len(text):
                quiet.append(text)
            start += len(text) + len(_BETWEEN)
        return frozenset(quiet)

    def mask(self, text: bytes) -> int:
        """The detectors that may find something in a text: a bit for each, in their order."""
        found = self._exact.hits(text)
        if found is None:
            return self.everyone
        mask = 0
        for expression, _ in found:
            mask |= self._masks[expression]
        return mask


def _ends(body: bytes, name: bytes) -> list[int]:
    """Offsets of the last byte of each place where it stands."""
    pieces = body.split(name)  # as fast as ``find``, and at once
    lengths = map(len(name).__add__, map(len, pieces[:-1]))
    return list(accumulate(lengths, initial=-1))[1:]


def _coarse(expressions: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The words and the shapes that requests are scanned for: one of them, or a run, is in whatever is in a text.

    No shapes: no runs either.
    """
    words: dict[bytes, None] = dict.fromkeys(_LOOK)
    shapes: dict[bytes, None] = {}
    either = b"|".join((*_COARSE, _RUN))
    for expression in expressions:
        if literal_length(expression) >= _LEAST_LITERAL:
            words[expression] = None
        elif is_within(either, expression):
            shapes |= dict.fromkeys(_COARSE)
        elif is_within(_ROW, expression):
            shapes[_ROW] = None
        elif expression in FOLDED_GATES:  # few bytes, but rare ones
            words[expression] = None
        else:
            shapes[expression] = None
    return list(words), list(shapes)


class _Database:
    """Expressions that are looked for together; with ``once`` only the first hit of each is told."""

    def __init__(self, expressions: Sequence[bytes], *, once: bool = False) -> None:
        flags = hyperscan.HS_FLAG_DOTALL | (hyperscan.HS_FLAG_SINGLEMATCH if once else 0)
        recipe = _recipe("database", expressions, flags)
        database = remembered(recipe, lambda: compile_database(expressions, flags), hyperscan.dumpb, _loaded)
        self._scanner = Scanner(database)

    def hits(self, data: bytes) -> list[tuple[int, int]] | None:
        """Number of the expression and end of each hit; None if there are too many."""
        found: list[tuple[int, int]] = []
        room = _FEW + len(data) // _BYTES_PER_HIT

        def note(expression: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            found.append((expression, end))
            return len(found) > room

        try:
            self._scanner.scan(data, note)
        except hyperscan.ScanTerminated:
            return None
        return found


def _loaded(data: bytes) -> hyperscan.Database:
    return hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)


def _written(coarse: tuple[list[bytes], list[bytes]]) -> bytes:
    return json.dumps([[expression.decode("latin-1") for expression in row] for row in coarse]).encode()


def _read(data: bytes) -> tuple[list[bytes], list[bytes]]:
    words, shapes = ([expression.encode("latin-1") for expression in row] for row in json.loads(data))
    return words, shapes


def _recipe(kind: str, expressions: Iterable[bytes], flags: int = 0) -> bytes:
    """All that decides what is made of expressions: how it is made, too."""
    parts = (kind.encode(), str(flags).encode(), version("hyperscan").encode(), _SOURCE, *expressions)
    return b"".join(b"%d:%s" % (len(part), part) for part in parts)


@functools.lru_cache(maxsize=8)
def _database(expressions: tuple[bytes, ...], *, once: bool = False) -> _Database:
    """The database of these; a policy that is read again, and a shadow, mostly need the same."""
    return _Database(expressions, once=once)
