"""Room in a journal that fills up: what is held for late errors goes first, then healthy telemetry, errors last.

Nothing that holds an error is ever given up: when only such is left, senders are told to wait.
"""

from __future__ import annotations

import logging

from errorplane.journal import AnyJournal, Change, Delivery, JournalCorrupt, JournalError
from errorplane.routing import copy_of

log = logging.getLogger("errorplane.pipeline")

RESCUE_SHARE = 0.8  # of the bound: beyond it, less is held for late errors
SHARE = 0.9  # of the bound: beyond it, healthy telemetry is given up
_LOG_EVERY_S = 60.0
_DELIVERIES_AT_ONCE = 64
_REQUESTS_AT_ONCE = 256  # each is read, taken apart and written again


class Room:
    """Looks at the journal once a turn, and adds to the turn's change what makes room."""

    def __init__(self, journal: AnyJournal) -> None:
        self._journal = journal
        self._log_at = 0.0

    def make(self, change: Change, now: float) -> bool:
        """Whether undecided traces must be decided now, since nothing else is left; ``now`` is Unix time."""
        journal = self._journal
        total, bound = journal.total_bytes, journal.max_bytes
        short = journal.short_of_disk()
        change.make_room = max(0, min(journal.rescue_bytes, max(short, int(total - bound * RESCUE_SHARE))))
        if max(short, total - bound * SHARE) <= change.make_room:
            return False
        if now - self._log_at >= _LOG_EVERY_S:
            self._log_at = now
            log.warning(
                "journal: %d of %d bytes are used, and its disk lacks %d: healthy telemetry is given up, oldest first, to "
                "have room for errors; mend the destination that does not take it, or raise %s",
                total,
                bound,
                max(0, short),
                journal.bound,
            )
        return not self._shrink(change)

    def _shrink(self, change: Change) -> bool:
        """Give up the oldest healthy deliveries, and copy what is kept of the others' requests; whether any was left."""
        requests = 0
        for number in self._journal.bulky(_DELIVERIES_AT_ONCE):
            try:
                delivery = self._journal.delivery(number)
            except JournalCorrupt:
                continue  # the sender that finds it counts it
            if delivery is None:
                continue  # it has arrived meanwhile
            requests += len(delivery.refs)
            if delivery.healthy:
                change.give_up[number] = delivery
            else:
                self._copy(change, number, delivery)
            if requests >= _REQUESTS_AT_ONCE:
                break
        return bool(change.give_up or change.copies)

    def _copy(self, change: Change, number: int, delivery: Delivery) -> None:
        lost: list[JournalError] = []
        copied = copy_of(self._journal, delivery, lambda seq, items, error: lost.append(error))
        if not lost:  # else it stays as it is, for the sender to count what cannot be read
            change.copies[number] = (delivery, copied)
