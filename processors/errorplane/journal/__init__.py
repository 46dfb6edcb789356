"""The journal: redacted requests, verdicts and deliveries, sealed and synced before a sender is told OK."""

from __future__ import annotations

from errorplane.journal._any import AnyJournal
from errorplane.journal._errors import JournalBusy, JournalCorrupt, JournalError, JournalFull, WrongKey
from errorplane.journal._journal import Journal
from errorplane.journal._ledger import describe, read_verdict, undecided, unknown, waits
from errorplane.journal._memory import MemoryJournal
from errorplane.journal._records import Delivery, Refs, StoredRequest, VerdictRecord, pack_refs, unpack_refs
from errorplane.journal._store import Sweep
from errorplane.journal._writer import Ack, Change

__all__ = [
    "Ack",
    "AnyJournal",
    "Change",
    "Delivery",
    "Journal",
    "JournalBusy",
    "JournalCorrupt",
    "JournalError",
    "JournalFull",
    "MemoryJournal",
    "Refs",
    "StoredRequest",
    "Sweep",
    "VerdictRecord",
    "WrongKey",
    "describe",
    "pack_refs",
    "read_verdict",
    "undecided",
    "unknown",
    "unpack_refs",
    "waits",
]
