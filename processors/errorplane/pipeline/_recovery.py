"""After a restart: read the journal again, as if its requests had just come in."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from errorplane.journal import Ack, AnyJournal, Journal, JournalCorrupt
from errorplane.otlp import Signal
from errorplane.otlp._wire import walk
from errorplane.pipeline._counters import Counters
from errorplane.pipeline._hints import Hints
from errorplane.pipeline._index import Index, index_request
from errorplane.pipeline._plan import Plan
from errorplane.pipeline._requests import Counting
from errorplane.sampling import Deployments

log = logging.getLogger("errorplane.pipeline")

_PROGRESS_S = 5.0


def recover(journal: Journal, plan: Plan, counters: Counters) -> Iterator[tuple[int, Index]]:
    """Every request that the journal holds with its index, oldest first; logs progress every 5 s."""
    started = last = time.monotonic()
    total = len(journal.recovered)
    for done, seq in enumerate(journal.recovered, 1):
        yield seq, read_index(journal, seq, plan, counters)
        now = time.monotonic()
        if now - last > _PROGRESS_S:
            last = now
            log.info("journal: %d of %d requests read again", done, total)
    if total:
        log.info("journal: %d requests read again in %.1f s", total, time.monotonic() - started)


def read_index(journal: AnyJournal, seq: int, plan: Plan, counters: Counters) -> Index:
    """The index of one request; an empty one, which lets go of it, where the record is damaged."""
    try:
        request = journal.request(seq)
    except JournalCorrupt as error:
        log.error("journal: request %d is lost: %s", seq, error)
        counters.add("internal_errors", 1, where="journal_record")
        request = None
    if request is None:
        return Index(Signal.TRACES, 0)
    message = request.signal.request_type.FromString(request.body)
    layout = walk(request.signal, request.body)
    return index_request(
        request.signal,
        message,
        request.body,
        layout,
        Hints.unpack(request.hints),
        plan.observer,
        counting=Counting.AS_RECEIVED if plan.policy.metrics.enabled else Counting.NOTHING,
    )


def remember_deployments(journal: Journal, deployments: Deployments, counters: Counters) -> None:
    """Know the versions of services that an earlier process knew."""
    try:
        deployments.restore(journal.deployments())
    except (JournalCorrupt, ValueError) as error:
        counters.add("internal_errors", 1, where="journal_record")
        log.error("journal: the versions of services seen so far are lost: %s", error)


def forget_removed(journal: Journal, destinations: frozenset[str], counters: Counters) -> None:
    """Give up what waits for destinations that the policy no longer names, and say so."""
    for name, count in journal.pending_destinations().items():
        if name in destinations:
            continue
        log.warning(
            "destination %s is no longer in the policy: %d deliveries that waited for it are given up", name, count
        )
        while numbers := journal.pending(name):
            acks = []
            for number in numbers:
                try:
                    delivery = journal.delivery(number)
                except JournalCorrupt:
                    delivery = None  # it was to be given up anyway
                refs = () if delivery is None else tuple(delivery.refs)
                acks.append(Ack(name, number, refs))
                if delivery is not None:
                    counters.add(
                        "destination_refused_items", delivery.items, destination=name, signal=delivery.signal.value
                    )
            journal.acknowledge(acks)
