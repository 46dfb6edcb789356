"""Patterns of users: RE2, whose looks are linear in the text, and for each an expression that says where to look.

RE2's syntax is that of https://github.com/google/re2/wiki/Syntax. The expression is one of Hyperscan for raw bytes in
which the text may stand escaped and with anything before and after it; it matches wherever the pattern does, and more.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import hyperscan
import re2  # type: ignore[import-untyped]  # google-re2 ships neither stubs nor a marker

from errorplane.policy._pattern_gates import gate_of

__all__ = ["check_allow_pattern", "check_pattern", "compile_pattern", "pattern_gates"]

_MAX_LENGTH = 4096
_MEMORY = 1 << 20  # bytes of RE2 for one program
# What every service sends: a pattern that looks at most of it would slow down everything.
_ORDINARY = (
    "GET /api/v1/orders/{id}",
    "checkout-service",
    "http.request.method",
    "text/html; q=0.9",
    "SELECT * FROM orders WHERE id = ?",
    "java.lang.IllegalStateException: queue is full",
    "2026-11-24T10:00:00.123456Z",
    "1f0e5a3c-9b7d-4c61-8e2f-a3d95b7c61e8",
)


@functools.lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Any:
    """The pattern compiled by RE2, an object as of ``re.compile``; raises ValueError with what is wrong with it."""
    if len(pattern) > _MAX_LENGTH:
        raise ValueError(f"is {len(pattern)} characters long; at most {_MAX_LENGTH} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"is no expression that RE2 takes: {_reason(error)}") from error
    except UnicodeEncodeError as error:
        raise ValueError("holds a character that cannot be written in UTF-8") from error


def check_allow_pattern(pattern: str) -> None:
    """Whether a pattern may say which values are left alone; raises ValueError with what is wrong with it."""
    compile_pattern(pattern)


def check_pattern(pattern: str, group: int = 0, context: Sequence[str] = ()) -> None:
    """Whether a pattern may be a detector's; raises ValueError with what is wrong with it, as the end of a sentence.

    ``context`` are words of which one has to stand beside a match.
    """
    groups = compile_pattern(pattern).groups
    if group > groups:
        raise ValueError(f"has {groups} group{'s' if groups != 1 else ''}, so there is no group {group} to hide")
    pattern_gates(pattern, context)


def pattern_gates(pattern: str, context: Sequence[str] = ()) -> tuple[bytes, ...]:
    """Hyperscan expressions one of which matches wherever the pattern finds something with such a word beside it.

    Raises ValueError when there is none that is rare enough.
    """
    gate = gate_of(pattern)
    reason = _fault(gate)
    if reason is None:
        return (gate,)
    if not context:
        raise ValueError(reason)
    words = tuple(gate_of("(?i)" + re.escape(word)) for word in context)
    faults = [fault for fault in map(_fault, words) if fault is not None]
    if faults:
        raise ValueError(f"{reason}; and of its context words one {faults[0]}")
    return words


def _fault(gate: bytes) -> str | None:
    """Why an expression cannot say where to look; None if it can."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(expressions=[gate], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_DOTALL])
    except hyperscan.error as error:
        if "empty buffer" in str(error):
            return "matches an empty text, so it would match everywhere"
        return f"is too large: Hyperscan says: {error}"
    met = [text for text in _ORDINARY if _fires(database, text)]
    if len(met) * 2 < len(_ORDINARY):
        return None
    return f"matches parts of ordinary texts, such as {met[0]!r}: add something that only your values have"


def _fires(database: hyperscan.Database, text: str) -> bool:
    found: list[int] = []

    def note(number: int, _start: int, _end: int, _flags: int, _context: object) -> bool:
        found.append(number)
        return True

    try:
        database.scan(text.encode(), note)
    except hyperscan.ScanTerminated:
        return True
    return bool(found)


def _reason(error: Exception) -> str:
    (reason,) = error.args[:1] or ("unknown",)
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
