"""What the environment says, and the one error export of the process."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from errorplane.errors import EXPORT_OUTCOME, EXPORT_REASON
from errorplane.export import Budget, Rates, Reason, Throttle, limit, rates
from errorplane.export.spans._feedback import Exporter, Watch, listen
from errorplane.export.spans._processor import ErrorSpanProcessor
from errorplane.export.spans._sampler import RecordingSampler

ERRORS: Final = "errorplane.export.errors"
SHARE: Final = "errorplane.export.share"
_ADMITTED: Final = (Reason.FIRST, Reason.WITHIN)


class Sampling(Protocol):
    """A tracer, as far as it is touched."""

    sampler: Sampler


class _Forked(Protocol):
    def after_fork(self) -> None: ...


class Insides(Protocol):
    """What an SDK does not show of itself; `errorplane.hooks` knows where it is."""

    def tracers(self, provider: TracerProvider) -> Iterable[Sampling]:
        """The tracers that the provider has made."""

    def processors(self, provider: TracerProvider) -> Sequence[SpanProcessor]:
        """The provider's span processors."""

    def fill(self, processor: SpanProcessor) -> float:
        """How full the processor's queue is: 0 to 1; 0 for one that has none."""


class ErrorExport:
    """Lets errors leave whatever head sampling says, within budgets. One of a process, for all its tracer providers.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, limits: Rates, insides: Insides, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.throttle = Throttle(clock)
        self.budget = Budget(limits, clock, self.throttle)
        self.stacks = Budget(limits, clock)
        self._insides = insides
        self._watch = Watch(self.throttle, self._exported, clock)
        self._watched: dict[int, Exporter] = {}
        self._processors: list[ErrorSpanProcessor] = []
        self._active = True
        self._undo = [listen(self.throttle), limit(self.stacks)]
        _running.append(self)

    def adopt(self, provider: TracerProvider) -> None:
        """Record what the provider's sampler drops, and export the errors in it."""
        sampler = RecordingSampler(provider.sampler, lambda: self._active)
        provider.sampler = sampler
        for tracer in self._insides.tracers(provider):
            tracer.sampler = sampler
        processor = ErrorSpanProcessor(
            self.budget,
            lambda: self._exporting(provider),
            lambda: self._has_room(provider),
            lambda: self._active,
        )
        self._processors.append(processor)
        provider.add_span_processor(processor)

    def close(self) -> None:
        """Stop: samplers decide as before, and no exporter is watched any more."""
        self._active = False
        for step in reversed(self._undo):
            step()
        self._undo.clear()
        if self in _running:
            _running.remove(self)

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        parts: tuple[_Forked, ...] = (self.throttle, self.budget, self.stacks, self._watch, *self._processors)
        for part in parts:
            part.after_fork()

    @property
    def lost(self) -> int:
        """How many errors an exporter has given up; the next ones of their fingerprints tell of them."""
        return sum(processor.lost for processor in self._processors)

    def _exported(self, batch: Sequence[ReadableSpan], arrived: bool) -> None:
        for processor in self._processors:
            processor.exported(batch, arrived)

    def _exporting(self, provider: TracerProvider) -> list[SpanProcessor]:
        """The processors that say what they export to: the SDK's, and those that are made like them."""
        found = []
        for processor in self._insides.processors(provider):
            exporter: Exporter | None = getattr(processor, "span_exporter", None)
            if exporter is not None:
                found.append(processor)
                if id(exporter) not in self._watched:
                    self._watched[id(exporter)] = exporter
                    with contextlib.suppress(AttributeError):  # one with slots works, and cannot be watched
                        self._undo.append(self._watch.watch(exporter))
        return found

    def _has_room(self, provider: TracerProvider) -> bool:
        """Not while a queue is more than half full, or an export does not end: what is sampled comes first."""
        full = any(self._insides.fill(processor) > 0.5 for processor in self._exporting(provider))
        if full:
            self.throttle.overloaded()
        return not full and not self._watch.is_stuck


_running: Final[list[ErrorExport]] = []
_measured: Final[list[bool]] = []


def start(environ: Mapping[str, str], insides: Insides) -> ErrorExport | None:
    """The error export that `ERRORPLANE_EXPORT_*` asks for, if any, with the budget of stacks (see `admit`)."""
    limits = rates(environ)
    if limits is None:
        return None
    if not _measured:
        _measured.append(True)
        measure()
    return ErrorExport(limits, insides)


def measure(provider: MeterProvider | None = None) -> None:
    """Make the instruments of the export, on the global meter provider by default."""
    meter = metrics.get_meter("errorplane.export", meter_provider=provider)
    meter.create_observable_counter(
        ERRORS, [_outcomes], "{error}", "Errors of traces that were not sampled, by what became of them."
    )
    meter.create_observable_gauge(
        SHARE,
        [_shares],
        "1",
        "The part of its rates that the export may use: less than 1 while the exporter is overloaded.",
    )


def _outcomes(_: CallbackOptions) -> Iterable[Observation]:
    for export in _running[-1:]:
        for reason, count in export.budget.counts().items():
            if count:
                outcome = "exported" if reason in _ADMITTED else "suppressed"
                yield Observation(count, {EXPORT_OUTCOME: outcome, EXPORT_REASON: str(reason)})
        if export.lost:
            yield Observation(export.lost, {EXPORT_OUTCOME: "lost", EXPORT_REASON: "exporter"})


def _shares(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(export.throttle.share) for export in _running[-1:]]


def _after_fork_in_child() -> None:
    for export in _running:
        export.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
