"""How the exporter is doing: its results, how long it takes, and what its receiver asks for."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from errorplane.export import Throttle
from errorplane.export.spans._copies import certain
from errorplane.hooks import GUARD

_STUCK_S: Final = 2.0
"""An export that takes so long is being retried, or nobody answers."""
_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.grpc.exporter",  # of all signals
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)
_RETRYING: Final = "Transient error"
_SPANS: Final = frozenset(("traces", "spans"))


class Exporter(Protocol):
    """What is watched of a span exporter."""

    def export(self, spans: Sequence[ReadableSpan], /) -> SpanExportResult:
        """Send a batch; blocks until it is sent or given up."""


class Watch:
    """Watches exporters. `ended` is called with each batch, and whether its receiver has accepted it."""

    def __init__(
        self, throttle: Throttle, ended: Callable[[Sequence[ReadableSpan], bool], None], clock: Callable[[], float]
    ) -> None:
        self._throttle = throttle
        self._tell = ended
        self._clock = clock
        self._started: dict[int, float] = {}

    @property
    def is_stuck(self) -> bool:
        """Whether an export has been going on for more than two seconds; that is an overload, too."""
        if not self._started:
            return False
        now = self._clock()
        stuck = any(now - started > _STUCK_S for started in tuple(self._started.values()))
        if stuck:
            self._throttle.overloaded()
        return stuck

    def watch(self, exporter: Exporter) -> Callable[[], None]:
        """Watch one exporter; returns what takes that back."""
        previous = exporter.export

        @functools.wraps(previous)
        def export(spans: Sequence[ReadableSpan], *args: Any, **kwargs: Any) -> SpanExportResult:
            key = id(exporter)
            self._started[key] = self._clock()
            batch = GUARD.run("export", certain, spans) or spans
            result: SpanExportResult | None = None
            try:
                result = previous(batch, *args, **kwargs)
            finally:
                self._started.pop(key, None)
                GUARD.run("export", self._ended, batch, result)
            return result

        watched = cast(Any, exporter)
        watched.export = export

        def undo() -> None:
            if vars(watched).get("export") is export:  # else somebody has chained to ours
                del watched.export

        return undo

    def _ended(self, batch: Sequence[ReadableSpan], result: SpanExportResult | None) -> None:
        arrived = result is SpanExportResult.SUCCESS
        if arrived:
            self._throttle.succeeded()
        else:
            self._throttle.overloaded()
        self._tell(batch, arrived)

    def after_fork(self) -> None:
        """Begin anew in a forked child: its parent's exports are not its own."""
        self._started.clear()


class Pushback(logging.Filter):
    """Reads off the OTLP exporters' own log lines what a receiver asks for: RESOURCE_EXHAUSTED with RetryInfo, or 429
    with Retry-After. An exporter waits for that long within `export`, and tells nobody else. Lets every line through.
    """

    def __init__(self, throttle: Throttle) -> None:
        super().__init__()
        self._throttle = throttle

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True."""
        GUARD.run("pushback", self._read, record)
        return True

    def _read(self, record: logging.LogRecord) -> None:
        if not str(record.msg).startswith(_RETRYING) or not isinstance(record.args, tuple):
            return
        if any(each in _SPANS for each in record.args if isinstance(each, str)):
            self._throttle.overloaded(next((each for each in record.args if isinstance(each, float)), 0.0))


def listen(throttle: Throttle) -> Callable[[], None]:
    """Read the exporters' log lines; returns what takes that back. First of the filters: others drop repeated lines."""
    pushback = Pushback(throttle)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.filters.insert(0, pushback)

    def undo() -> None:
        for logger in loggers:
            logger.removeFilter(pushback)

    return undo
