"""Which errors of a trace were healed: the same call was made again beside the one that failed, and succeeded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from errorplane.classification import ClassifiedError, Value, attributes
from errorplane.errors import Category
from errorplane.journal import JournalError
from errorplane.otlp import Signal
from errorplane.pipeline._spans import Spans
from errorplane.sampling import Items, items_of

_MOST_SPANS = 1000  # of a larger trace nothing is read: its errors count as not healed
# What a call is made to: where both spans say it, a repetition says the same (semantic conventions, old names too).
_CALLED = (
    "url.full",
    "http.url",
    "url.path",
    "http.target",
    "server.address",
    "rpc.service",
    "rpc.method",
    "db.query.text",
    "db.statement",
    "messaging.destination.name",
)


class Siblings:
    """Reads a trace's spans from the journal, only where a failed span's parent has not failed with it."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def healed(self, errors: Sequence[ClassifiedError], refs: bytes) -> frozenset[str]:
        """The healed occurrences among all errors of one trace, whose items lie at ``refs``.

        A span is healed if a span of the same name and kind, called on the same thing by the same parent, began after it
        had ended and did not fail; so is all that failed below it. A logged error is healed if a retry has a chance (category
        transient) and its span did not fail.
        """
        failed = {error.observed.span_id: error for error in errors if error.observed.source == "span"}
        tops = {error.observed.span_id: _top(error, failed) for error in failed.values()}
        suspects = {error.occurrence for error in errors} - _unhealed(errors, failed, tops)
        found = items_of(refs) if suspects else {}
        if not found or sum(len(items.numbers) for items in found.values()) > _MOST_SPANS:
            return frozenset()
        spans = {span.span_id: span for span in self._all(found)}
        repeated = {top for top in tops.values() if _repeated(top, spans, failed)}
        for error in errors:
            seen = error.observed
            if seen.source == "span":
                if tops[seen.span_id] not in repeated:
                    suspects.discard(error.occurrence)
            elif seen.span_id not in failed and seen.span_id not in spans:
                suspects.discard(error.occurrence)
        return frozenset(suspects)

    def _all(self, refs: Mapping[int, Items]) -> Iterator[Span]:
        for seq, items in refs.items():
            if items.signal is Signal.TRACES:
                with contextlib.suppress(JournalError):  # counted where it is to be delivered
                    for _, span in self._spans.of(seq, items.numbers):
                        yield span


def _top(error: ClassifiedError, failed: Mapping[bytes, ClassifiedError]) -> bytes:
    """The id of the uppermost span that failed above and with this one."""
    seen = error.observed
    for _ in range(len(failed)):  # a forged trace may hold a cycle of parents
        above = failed.get(seen.parent_span_id)
        if above is None:
            break
        seen = above.observed
    return seen.span_id


def _unhealed(
    errors: Sequence[ClassifiedError], failed: Mapping[bytes, ClassifiedError], tops: Mapping[bytes, bytes]
) -> set[str]:
    """Occurrences that cannot have been healed, by their errors alone."""
    found = set()
    for error in errors:
        seen = error.observed
        if seen.source == "span":
            reached_the_root = not failed[tops[seen.span_id]].observed.parent_span_id
            if reached_the_root:
                found.add(error.occurrence)
        elif seen.span_id not in failed and error.category is not Category.TRANSIENT:
            found.add(error.occurrence)
    return found


def _repeated(top: bytes, spans: Mapping[bytes, Span], failed: Mapping[bytes, ClassifiedError]) -> bool:
    span = spans.get(top)
    if span is None:
        return False
    called = attributes(span.attributes)
    return any(
        other.parent_span_id == span.parent_span_id
        and other.name == span.name
        and other.kind == span.kind
        and other.start_time_unix_nano >= span.end_time_unix_nano
        and other.status.code != Status.STATUS_CODE_ERROR
        and other.span_id not in failed
        and _same_call(called, attributes(other.attributes))
        for other in spans.values()
    )


def _same_call(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return all(one[name] == other[name] for name in _CALLED if name in one and name in other)
