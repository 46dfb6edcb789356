"""What can go wrong with a journal.

JournalError
├── JournalFull       no room for more requests until some are delivered or dropped
├── JournalBusy       another process has this journal open
└── JournalCorrupt    a record does not authenticate, or the file is not a journal of this version
    └── WrongKey      the journal, or this one record, was sealed with another key
"""

from __future__ import annotations


class JournalError(Exception):
    """Root of this module's errors."""


class JournalFull(JournalError):
    """The journal holds as much as it may, or its disk is full."""


class JournalBusy(JournalError):
    """Another process has the journal open."""


class JournalCorrupt(JournalError):
    """The journal cannot be trusted."""


class WrongKey(JournalCorrupt):
    """The journal was sealed with a key other than the one given; of a single record, that its key id is damaged."""

    def __init__(self, found: str, given: str) -> None:
        super().__init__(
            f"the journal was sealed with key {found}, but keys.journal gives key {given}: "
            "put the old key back, or name it in keys.retired_journal, or move the journal folder away to start empty"
        )
