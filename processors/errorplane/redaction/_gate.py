"""One multi-pattern scan over raw bytes that says where to look, and for what.

The expressions have no boundaries: in raw protobuf the byte before a string is its length and the byte after is the
next field's tag, and both may be letters or digits. Boundaries, checksums and context are checked on the string.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import hyperscan

from errorplane.detectors import FOLDED_GATES, Detector

_FEW, _BYTES_PER_HIT = 4096, 32

# An AnyValue's int_value (tag 0x18) of 2^35 or more, and a double_value (tag 0x21) from 2^39 to 2^63: cards as numbers.
# The tags also in their over-long spellings.
_CARD_SIZED = rb".{6}(?:[\x60-\xff]\x42|[\x00-\xef]\x43)"
_LARGE_NUMBERS = (
    rb"\x18[\x80-\xff]{5}",
    rb"\x98\x80{0,3}\x00[\x80-\xff]{5}",
    rb"\x21" + _CARD_SIZED,
    rb"\xa1\x80{0,3}\x00" + _CARD_SIZED,
)
_FORGED = (rb"errorplane\.(?:retention\.class|policy\.version|sampling\.|data_class|redacted\.)",)
# Text in UTF-16 or UTF-32: the other expressions do not see what it says.
_WIDE_TEXT = (rb"(?:[ -~]\x00){6}", rb"(?:[ -~]\x00{3}){4}")
_LOOK = (*_LARGE_NUMBERS, *_FORGED, *_WIDE_TEXT)
# An attribute exception.*; the attribute error=true of OpenTracing, as a boolean or as a string.
_ERRORS = (rb"exception\.", rb"\x05error\x12\x02\x10\x01", rb"\x05error\x12\x06\x0a\x04true")


class Hits(NamedTuple):
    """Offsets of the last byte of each hit, in order and each once."""

    look: Sequence[int]
    """Where personal data, a secret or a forged tag may be."""
    errors: Sequence[int]
    """Where something says error besides a status."""


_NOTHING = Hits((), ())


class Gate:
    """A Hyperscan database and a scratch for each thread (concurrent scans may not share one).

    Raises ``hyperscan.error`` when a detector's gate does not compile.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.everyone = (1 << len(detectors)) - 1
        masks: dict[bytes, int] = {}
        for number, detector in enumerate(detectors):
            for expression in detector.gate:
                masks[expression] = masks.get(expression, 0) | 1 << number
        masks |= dict.fromkeys(FOLDED_GATES, self.everyone)
        self._masks = [*masks.values(), *(0 for _ in (*_LOOK, *_ERRORS))]
        self._first_error = len(self._masks) - len(_ERRORS)
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[*masks, *_LOOK, *_ERRORS],
            ids=list(range(len(self._masks))),
            elements=len(self._masks),
            flags=[hyperscan.HS_FLAG_DOTALL] * len(self._masks),
        )
        self._scratch = hyperscan.Scratch(self._database)
        self._local = threading.local()

    def scan(self, body: bytes) -> Hits:
        """Scan a request. One made of nothing but hits would take seconds: beyond one in 32 bytes, every byte is one."""
        found = self._found(body)
        if found is None:
            return Hits(range(len(body)), range(len(body)))
        if not found:
            return _NOTHING
        first_error = self._first_error
        look = {end - 1 for expression, end in found if expression < first_error}
        errors = {end - 1 for expression, end in found if expression >= first_error}
        return Hits(sorted(look), sorted(errors))

    def mask(self, text: bytes) -> int:
        """The detectors that may find something in a text: a bit for each, in their order."""
        found = self._found(text)
        if found is None:
            return self.everyone
        mask = 0
        masks = self._masks
        for expression, _ in found:
            mask |= masks[expression]
        return mask

    def _found(self, data: bytes) -> list[tuple[int, int]] | None:
        """Expression and end of each hit; None if there are too many."""
        found: list[tuple[int, int]] = []
        room = _FEW + len(data) // _BYTES_PER_HIT

        def note(expression: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            found.append((expression, end))
            return len(found) > room

        try:
            self._database.scan(data, note, scratch=self._own_scratch())
        except hyperscan.ScanTerminated:
            return None
        return found

    def _own_scratch(self) -> hyperscan.Scratch:
        scratch: hyperscan.Scratch | None = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = self._scratch.clone()
        return scratch
