"""A late error brings back what was dropped of its trace, as long as the journal holds it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from errorplane.journal import AnyJournal, Change, VerdictRecord, unpack_refs
from errorplane.pipeline._counters import Counters
from errorplane.pipeline._index import Index
from errorplane.sampling import TraceState

WHOLE, PARTIAL, GONE = "whole", "partial", "gone"
_CACHED = 32  # traces that fail together lie in the same requests


class Rescuer:
    """Reads requests again of which a trace was dropped; ``read`` gives the index of one."""

    def __init__(self, journal: AnyJournal, read: Callable[[int], Index], counters: Counters) -> None:
        self._journal = journal
        self._read = read
        self._counters = counters
        self._indexes: OrderedDict[int, Index] = OrderedDict()

    def bring_back(self, change: Change, trace_id: bytes, verdict: VerdictRecord, state: TraceState) -> None:
        """Add to ``state`` what is still held of a dropped trace, and hold it until the trace is decided anew.

        The facts of the errors among it have left before.
        """
        wanted = unpack_refs(verdict.refs)
        found = [seq for seq in sorted(wanted) if self._journal.holds(seq)]
        for seq in found:
            index = self._index(seq)
            seen = index.traces.get(trace_id)
            if seen is None:
                continue  # its record is damaged, which was counted
            state.add(seq, index.signal, seen)
            change.hold[seq] += 1
            self._counters.add("rescued_items", len(seen.items), signal=index.signal.value)
        state.told = frozenset(found)
        outcome = GONE if not found else WHOLE if len(found) == len(wanted) else PARTIAL
        self._counters.add("rescues", 1, outcome=outcome)

    def _index(self, seq: int) -> Index:
        index = self._indexes.get(seq)
        if index is None:
            index = self._indexes[seq] = self._read(seq)
            while len(self._indexes) > _CACHED:
                self._indexes.popitem(last=False)
        return index
