"""Recorded requests, what is in them, and replays of them in which every trace is another one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.bench.traffic import NOTE, TOKEN, is_private, requests

from errorplane.otlp import Signal
from errorplane.otlp._wire import items

Key = bytes
"""A span in all replays: its trace id (16 bytes) and its own id (8 bytes)."""
_TOKEN = TOKEN.encode()
_LETTERS = "ghjklmnpqrstvwyz"
"""No vowels and no hexadecimal digits: nothing that a fingerprint could take for an id."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One span of a recorded request: the offset of its trace id, and its ids; the fault if it is an error."""

    at: int
    trace: int
    span: bytes
    fault: str | None


@dataclass(frozen=True)
class Recording:
    """Requests, what is in each, and the texts with personal data that stand in them."""

    bodies: tuple[bytes, ...]
    spans: tuple[tuple[Recorded, ...], ...]
    private: frozenset[str]

    @classmethod
    def make(cls, spans: int, seed: int) -> Recording:
        """Record ``spans`` spans or a few more, all distinct, read from the serialised requests."""
        bodies = tuple(requests(spans, seed))
        read = [list(_read(body)) for body in bodies]
        recorded = tuple(tuple(_recorded(at, span) for at, span in body) for body in read)
        notes = {note_of(span) for body in read for _, span in body}
        return cls(bodies, recorded, frozenset(filter(is_private, notes)))

    @cached_property
    def size(self) -> int:
        """Spans of one replay."""
        return sum(map(len, self.spans))

    @cached_property
    def traces(self) -> int:
        """Traces of one replay."""
        return len({span.trace for body in self.spans for span in body})

    def facts(self) -> dict[str, float]:
        """What this traffic is like: sizes, and shares of traces with an error and of spans with personal data."""
        spans = [span for body in self.bodies for _, span in _read(body)]
        requests_of: dict[int, set[int]] = {}
        for number, recorded in enumerate(self.spans):
            for each in recorded:
                requests_of.setdefault(each.trace, set()).add(number)
        return {
            "distinct_spans": len({span.SerializeToString() for span in spans}),
            "bytes_per_span": sum(span.ByteSize() for span in spans) / len(spans),
            "attributes_per_span": sum(len(span.attributes) for span in spans) / len(spans),
            "spans_per_trace": len(spans) / self.traces,
            "least_requests_per_trace": min(map(len, requests_of.values())),
            "spans_per_request": len(spans) / len(self.bodies),
            "error_traces": sum(each.fault is not None for body in self.spans for each in body) / self.traces,
            "private_spans": sum(is_private(note_of(span)) for span in spans) / len(spans),
            "faults": len({each.fault for body in self.spans for each in body} - {None}),
        }


@dataclass(frozen=True)
class Replay:
    """One pass over a recording: other trace ids, and other letters in the names of rare faults."""

    recording: Recording
    mask: int
    token: bytes

    @classmethod
    def make(cls, recording: Recording, rng: random.Random) -> Replay:
        """A pass that was never there."""
        return cls(recording, rng.getrandbits(128), "".join(rng.choices(_LETTERS, k=len(TOKEN))).encode())

    def bodies(self) -> Iterator[bytes]:
        """The requests."""
        for body, spans in zip(self.recording.bodies, self.recording.spans, strict=True):
            changed = bytearray(body.replace(_TOKEN, self.token))
            for span in spans:
                changed[span.at : span.at + 16] = (span.trace ^ self.mask).to_bytes(16, "big")
            yield bytes(changed)

    def keys(self, request: int) -> list[Key]:
        """The spans of one of its requests."""
        return [self.key(span) for span in self.recording.spans[request]]

    def key(self, span: Recorded) -> Key:
        """A span in this replay."""
        return (span.trace ^ self.mask).to_bytes(16, "big") + span.span

    def fault(self, span: Recorded) -> str | None:
        """The fault of a span in this replay."""
        return span.fault and span.fault.replace(TOKEN, self.token.decode())


def _read(body: bytes) -> Iterator[tuple[int, Span]]:
    """The spans of a request, and where their trace ids are."""
    request = ExportTraceServiceRequest.FromString(body)
    spans = (span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans)
    for (start, _), span in zip(items(Signal.TRACES, body), spans, strict=True):
        at = start + 2  # the first field: a tag byte, a length byte, 16 bytes
        if body[at : at + 16] != span.trace_id:
            raise ValueError("the trace id is not the first field of the span")
        yield at, span


def _recorded(at: int, span: Span) -> Recorded:
    fault = _fault(span) if span.status.code == Status.STATUS_CODE_ERROR else None
    return Recorded(at, int.from_bytes(span.trace_id, "big"), span.span_id, fault)


def note_of(span: Span) -> str:
    """The text that may hold personal data."""
    return next(pair.value.string_value for pair in span.attributes if pair.key == NOTE)


def _fault(span: Span) -> str:
    """The type of the exception and the function that raised it."""
    attributes = {pair.key: pair.value.string_value for pair in span.events[0].attributes}
    innermost = attributes["exception.stacktrace"].rsplit(", in ", 1)[1].split("\n", 1)[0]
    return f"{attributes['exception.type']} in {innermost}"
