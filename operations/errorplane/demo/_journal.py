"""Looks into the journal while the processor works: what is on disk, decrypted."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import lmdb

from errorplane.journal import Journal, JournalError
from errorplane.keys import Key, KeyUnavailable, from_policy
from errorplane.policy import Policy

_EVERY_S = 0.6
_MOST_BYTES = 64 << 20


class JournalWatch:
    """Copies the journal again and again while the block runs, and opens the copies with the processor's key.

    ``records`` holds what was found, each once: requests, and error facts on their way. It stops at 64 MiB.
    """

    def __init__(self, policy: Policy, scratch: Path) -> None:
        self.records: set[bytes] = set()
        self.problem: str | None = None
        self._policy = policy
        self._scratch = scratch
        self._held = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="demo-journal-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30.0)

    def _watch(self) -> None:
        try:
            key = from_policy(self._policy).key("journal")
            while not self._stop.wait(_EVERY_S) and self._held < _MOST_BYTES:
                self._look(key)
        except (lmdb.Error, JournalError, KeyUnavailable, OSError) as error:
            self.problem = f"{type(error).__name__}: {error}"

    def _look(self, key: Key) -> None:
        copy = self._scratch / "journal-copy"
        copy.mkdir(mode=0o700)
        try:
            with lmdb.open(str(self._policy.journal.path / "journal"), readonly=True, max_dbs=8) as live:
                live.copy(str(copy))
            journal = Journal(copy, key, max_bytes=self._policy.journal.max_bytes)
            try:
                self._read(journal)
            finally:
                journal.close()
        finally:
            shutil.rmtree(copy)

    def _read(self, journal: Journal) -> None:
        for _, request in journal.requests():
            self._remember(request.body)
        for destination in journal.pending_destinations():
            for number in journal.pending(destination, limit=10_000):
                delivery = journal.delivery(number)
                if delivery is not None and delivery.payload:
                    self._remember(delivery.payload)

    def _remember(self, body: bytes) -> None:
        if body not in self.records:
            self.records.add(body)
            self._held += len(body)
