"""What a redaction finds in a request and where, without changing it: for comparing policies."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from errorplane.otlp import Signal
from errorplane.otlp._wire import Layout
from errorplane.redaction._engine import Engine
from errorplane.redaction._locate import Target, targets
from errorplane.redaction._result import Limits
from errorplane.redaction._shapes import SHAPES, Kind
from errorplane.redaction._values import Looked, Looker

BODY, TEXT = "(body)", "(text)"
_LIMITS = Limits()
_start = attrgetter("start")


class Seen(NamedTuple):
    """What was found in one attribute or text."""

    resource: int
    """Number of the resource group."""
    key: str
    """Attribute key, itself redacted; ``(body)`` of a log record, ``(text)`` for names, messages and other strings."""
    found: tuple[tuple[str, int], ...]
    """Entities and how often."""


class Inspector:
    """Looks as a redactor with this engine looks; safe to use from several threads. ``clock`` is monotonic."""

    def __init__(self, engine: Engine, limits: Limits = _LIMITS, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        engine.gate.prepare()
        self._limits = limits
        self._clock = clock
        self._looker = Looker(engine, limits, clock, None)

    def inspect(self, signal: Signal, body: bytes, layout: Layout) -> Iterator[Seen]:
        """Everything that is found in a valid request that was walked.

        Raises ``MalformedWire`` or IndexError where the bytes are too odd for the walk: take ``canonical`` ones.
        """
        deadline = self._clock() + self._limits.seconds
        gate = self._engine.gate
        located = list(targets(body, layout, SHAPES[signal], gate.scan(body).all))
        quiet = gate.quiet(body[each.start : each.end] for _, found in located for each in found)
        for item, found in located:
            for target in found:
                part = body[target.start : target.end]
                if part in quiet:
                    continue
                looked = self._looker.look(target.kind, part, deadline)
                if looked.found:
                    yield Seen(_resource(layout, item, target), self._key(body, target, looked), looked.found)

    def text(self, text: str) -> str:
        """A single text, redacted."""
        return self._engine.redact(text)[0]

    def _key(self, body: bytes, target: Target, looked: Looked) -> str:
        if target.kind is not Kind.KEY_VALUE:
            return BODY if target.kind is Kind.ANY_VALUE else TEXT
        held = body[target.start : target.end] if looked.new is None else looked.new
        return self.text(KeyValue.FromString(held).key)


def _resource(layout: Layout, item: int | None, target: Target) -> int:
    if item is not None:
        return layout.scope_of(item).resource
    return bisect_left(layout.resources, target.outer[0].start, key=_start)
