"""A compiled database of expressions, and a scratch for each thread: concurrent scans may not share one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import hyperscan

Note = Callable[[int, int, int, int, object], bool | None]
"""Number of the expression, start, end, flags and context of a hit; what is true ends the scan."""


def compile_database(expressions: Sequence[bytes], flags: int = hyperscan.HS_FLAG_DOTALL) -> hyperscan.Database:
    """Numbered in their order, for whole buffers; raises ``hyperscan.error`` for one that does not compile."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(expressions),
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[flags] * len(expressions),
    )
    return database


class Scanner:
    """Scans with one database; safe to use from several threads."""

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._scratch = hyperscan.Scratch(database)
        self._local = threading.local()

    def scan(self, data: bytes, note: Note) -> None:
        """Tell ``note`` of each hit; raises ``hyperscan.ScanTerminated`` where it ended the scan."""
        scratch: hyperscan.Scratch | None = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = self._scratch.clone()
        self._database.scan(data, note, scratch=scratch)
