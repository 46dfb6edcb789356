"""From a delivery's references to Export requests: slices of journalled bytes, never larger than a receiver takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from errorplane.journal import AnyJournal, Delivery, JournalCorrupt, JournalError, Refs, StoredRequest
from errorplane.otlp import Signal
from errorplane.otlp._wire import Layout, rebuild, walk
from errorplane.routing._tracestate import has_threshold, resolved

# gRPC's default limit for a received message is 4 MiB; the tags and a little slack must fit too.
MAX_PAYLOAD_BYTES = 3 << 20

Rewrite = Callable[[Signal, bytes], bytes]
"""From an Export request as the journal holds it to the one that a destination may have."""


def as_it_is(signal: Signal, payload: bytes) -> bytes:
    """Rewrite nothing."""
    return payload


@dataclass(frozen=True, slots=True)
class Part:
    """Some items of one Export request, as the bytes to send."""

    payload: bytes
    items: int
    source: _Source | tuple[Part, ...] | None = None

    def divided(self) -> tuple[Part, ...]:
        """The same items in smaller parts; empty if there is nothing to divide."""
        if isinstance(self.source, tuple):
            return self.source
        return () if self.source is None or self.items < 2 else self.source.halves()


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a part's items come from."""

    signal: Signal
    body: bytes
    layout: Layout
    keep: Mapping[int, bytes]
    resource_extra: bytes
    rewrite: Rewrite

    def part(self) -> Part:
        payload = rebuild(self.signal, self.body, self.layout, self.keep, self.resource_extra)
        return Part(self.rewrite(self.signal, payload), len(self.keep), self)

    def halves(self) -> tuple[Part, Part]:
        numbers = sorted(self.keep)
        middle = len(numbers) // 2
        return self._of(numbers[:middle]).part(), self._of(numbers[middle:]).part()

    def _of(self, numbers: list[int]) -> _Source:
        keep = {number: self.keep[number] for number in numbers}
        return replace(self, keep=keep)


def parts_of(
    journal: AnyJournal,
    delivery: Delivery,
    resource_extra: bytes,
    unreadable: Callable[[int, int, JournalError], None],
    rewrite: Rewrite = as_it_is,
) -> Iterator[Part]:
    """The Export requests that make up a delivery, rewritten, each within ``MAX_PAYLOAD_BYTES`` unless one item is
    larger.

    A request that the journal cannot read any more is left out, after ``unreadable(number, items, error)``.
    """
    if delivery.copied:
        yield from _bounded(_whole(delivery.signal, delivery.payload, resource_extra, rewrite).part())
    elif delivery.payload:
        yield Part(rewrite(delivery.signal, delivery.payload), delivery.payload_items)
    for seq, refs in delivery.refs.items():
        try:
            request = journal.request(seq)
            if request is None:
                raise JournalCorrupt(f"request {seq} is gone")
        except JournalError as error:
            unreadable(seq, len(refs.items), error)
            continue
        layout = walk(request.signal, request.body)
        keep = _tagged(refs, delivery.tags, request, layout)
        yield from _bounded(_Source(request.signal, request.body, layout, keep, resource_extra, rewrite).part())


def copy_of(journal: AnyJournal, delivery: Delivery, unreadable: Callable[[int, int, JournalError], None]) -> Delivery:
    """The same delivery with its items in it, which so far it only refers to."""
    parts = tuple(parts_of(journal, delivery, b"", unreadable))
    payload, items = b"".join(part.payload for part in parts), sum(part.items for part in parts)
    return replace(delivery, tags=(), refs={}, payload=payload, payload_items=items, copied=True)


def _whole(signal: Signal, payload: bytes, resource_extra: bytes, rewrite: Rewrite) -> _Source:
    layout = walk(signal, payload)
    return _Source(signal, payload, layout, dict.fromkeys(range(len(layout.items)), b""), resource_extra, rewrite)


def _tagged(refs: Refs, tags: tuple[bytes, ...], request: StoredRequest, layout: Layout) -> dict[int, bytes]:
    found = {item: tags[tag] for item, tag in zip(refs.items, refs.tag, strict=True)}
    if request.signal is not Signal.TRACES or not any(has_threshold(tag) for tag in tags):
        return found
    body, ranges = request.body, layout.items
    return {item: resolved(body[slice(*ranges[item])], fields) for item, fields in found.items()}


def _bounded(part: Part) -> Iterator[Part]:
    smaller = part.divided() if len(part.payload) > MAX_PAYLOAD_BYTES else ()
    if not smaller:
        yield part
    for piece in smaller:
        yield from _bounded(piece)


def joined(parts: Sequence[Part]) -> Sequence[Part]:
    """Concatenated Export requests are one Export request: small parts of several requests travel as one payload."""
    if len(parts) < 2 or sum(len(part.payload) for part in parts) > MAX_PAYLOAD_BYTES:
        return parts
    return [Part(b"".join(part.payload for part in parts), sum(part.items for part in parts), tuple(parts))]
