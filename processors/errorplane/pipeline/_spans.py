"""Single spans of journalled requests, for the few traces of which more has to be known than their index says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from errorplane.journal import AnyJournal
from errorplane.otlp import Signal
from errorplane.otlp._wire import Range, walk

_CACHED = 32  # layouts of requests; traces that fail together lie in the same ones


class Spans:
    """Reads requests of traces again; where their items lie is remembered."""

    def __init__(self, journal: AnyJournal) -> None:
        self._journal = journal
        self._layouts: OrderedDict[int, list[Range]] = OrderedDict()

    def of(self, seq: int, numbers: Iterable[int]) -> Iterator[tuple[int, Span]]:
        """These items of a request of traces, each with its number; none if it is gone. Raises ``JournalError``."""
        request = self._journal.request(seq)
        if request is None:
            return
        ranges = self._ranges(seq, request.body)
        for number in numbers:
            start, end = ranges[number]
            yield number, Span.FromString(request.body[start:end])

    def _ranges(self, seq: int, body: bytes) -> list[Range]:
        found = self._layouts.get(seq)
        if found is None:
            found = self._layouts[seq] = walk(Signal.TRACES, body).items
            while len(self._layouts) > _CACHED:
                self._layouts.popitem(last=False)
        return found
