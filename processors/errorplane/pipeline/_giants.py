"""Giant traces: once kept, only what leads from the root to an error, or to a span kept before, is kept of the rest.

What is remembered of such a trace stands in its verdict: ids of spans that are waited for, as parents of kept ones, and
places of the latest spans that were cut, since a parent may have come before its child failed.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from errorplane.journal import AnyJournal, JournalCorrupt
from errorplane.otlp import Signal
from errorplane.pipeline._spans import Spans
from errorplane.sampling import Items

_HEAD = struct.Struct(">QI")  # spans cut so far, ids waited for
_CUT = struct.Struct(">8s8sQI")  # id, parent, number of the request, item
_ID_BYTES = 8
_MOST_WAITED, _MOST_CUT = 4_096, 10_000  # of a trace, the latest


class _Link(NamedTuple):
    """One span: its place and its parent's id, b"" for a root."""

    item: int
    id: bytes
    parent: bytes


@dataclass(frozen=True, slots=True)
class Split:
    """Late spans of a giant trace. ``kept`` maps requests to items, of earlier ones too; ``count``: cut so far."""

    kept: Mapping[int, Sequence[int]]
    cut: Sequence[int]
    record: bytes
    count: int | None


class Giants:
    """Reads spans' ids from the journal, of giant traces only."""

    def __init__(self, journal: AnyJournal, spans: Spans) -> None:
        self._journal = journal
        self._spans = spans

    def record(self, refs: Mapping[int, Items]) -> bytes:
        """What to remember of a trace of which so far everything is kept: the parents that are still to come."""
        links = [link for seq, (signal, numbers) in refs.items() for link in self._links(seq, signal, numbers)]
        there = {link.id for link in links}
        waited = {link.parent: None for link in links if link.parent and link.parent not in there}
        return _pack(0, waited, b"")

    def split(self, record: bytes, seq: int, items: Items, errors: Collection[int]) -> Split:
        """Divide the items of request ``seq`` that came late; ``errors`` are those among them that failed."""
        count, waited, cut = _unpack(record)
        if items.signal is not Signal.TRACES:
            kept = [item for item in items.numbers if item in errors]
            return Split({seq: kept}, [item for item in items.numbers if item not in errors], record, count)
        links = self._links(seq, items.signal, items.numbers)
        cut += b"".join(_CUT.pack(link.id, link.parent, seq, link.item) for link in links)
        count += len(links)
        found: defaultdict[int, list[int]] = defaultdict(list)
        wanted = [link.id for link in links if link.item in errors or link.id in waited]
        while wanted:
            span_id = wanted.pop()
            at = _find(cut, span_id)
            if at < 0:
                waited[span_id] = None  # its parent; where it was kept before, nothing will come
                continue
            _, parent, where, item = _CUT.unpack_from(cut, at)
            cut = cut[:at] + cut[at + _CUT.size :]
            waited.pop(span_id, None)
            if where != seq and not self._journal.holds(where):
                continue  # its request is gone
            found[where].append(item)
            count -= 1
            if parent.strip(b"\0"):
                wanted.append(parent)
        mine = set(found.get(seq, ()))
        left = [link.item for link in links if link.item not in mine]
        return Split(found, left, _pack(count, waited, cut), count)

    def _links(self, seq: int, signal: Signal, numbers: Collection[int]) -> list[_Link]:
        if signal is not Signal.TRACES:
            return []
        try:
            spans = tuple(self._spans.of(seq, numbers))
        except JournalCorrupt:
            return []  # counted where it is sent
        return [_Link(item, span.span_id, span.parent_span_id) for item, span in spans]


def _find(cut: bytes, span_id: bytes) -> int:
    at = cut.find(span_id)
    while at >= 0 and at % _CUT.size:
        at = cut.find(span_id, at + 1)
    return at


def _pack(count: int, waited: Mapping[bytes, None], cut: bytes) -> bytes:
    latest = list(waited)[-_MOST_WAITED:]
    return _HEAD.pack(count, len(latest)) + b"".join(latest) + cut[-_MOST_CUT * _CUT.size :]


def _unpack(record: bytes) -> tuple[int, dict[bytes, None], bytes]:
    count, waited = _HEAD.unpack_from(record)
    end = _HEAD.size + waited * _ID_BYTES
    ids = (record[at : at + _ID_BYTES] for at in range(_HEAD.size, end, _ID_BYTES))
    return count, dict.fromkeys(ids), record[end:]
