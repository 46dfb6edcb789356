"""Which metrics there are, and how measurements get into them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from errorplane.classification import ClassifiedError, ObservedError
from errorplane.errors import (
    DEPLOYMENT,
    ERROR_CATEGORY,
    ERROR_FINGERPRINT,
    ERROR_SEVERITY,
    ERROR_TYPE,
    OPERATION,
    SERVICE_NAME,
)
from errorplane.measures._buckets import Buckets
from errorplane.measures._labels import Label, Top
from errorplane.measures._series import Count, Durations, Exemplar, Family
from errorplane.policy import Metrics

_LONGEST_NS = 10 * 366 * 86_400 * 10**9
_MAX_CANDIDATES = 10_000  # undecided traces that may become exemplars, about 3 MB


class RequestKey(NamedTuple):
    """Labels of a request; ``error_type`` only of one that failed."""

    service: str
    deployment: str | None
    operation: str | None
    error_type: str | None


class Request(NamedTuple):
    """One request: end minus start in ns, trace id, span id, its end in Unix ns."""

    duration_ns: int
    trace_id: bytes
    span_id: bytes
    end_ns: int


class Batch(NamedTuple):
    """Requests of the same labels: how long each took, in ns, and those that may become exemplars."""

    durations: list[int]
    proposed: list[Request]


Requests = Mapping[RequestKey, Batch]


class FailureKey(NamedTuple):
    """Labels of an error."""

    service: str
    deployment: str | None
    operation: str | None
    error_type: str
    category: str
    severity: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric: its name, UCUM unit, labels and meaning."""

    name: str
    unit: str
    labels: tuple[str, ...]
    meaning: str


REQUESTS = Measure(
    "errorplane.service.requests",
    "{request}",
    (SERVICE_NAME, DEPLOYMENT, OPERATION, ERROR_TYPE),
    "Requests and messages that a service has dealt with; error.type stands on those that failed.",
)
DURATIONS = Measure(
    "errorplane.service.request.duration", "s", REQUESTS.labels, "How long requests and messages took. A histogram."
)
ERRORS = Measure(
    "errorplane.service.errors",
    "{error}",
    (SERVICE_NAME, DEPLOYMENT, OPERATION, ERROR_TYPE, ERROR_CATEGORY, ERROR_SEVERITY),
    "Errors: as many as the error facts stand for.",
)
FINGERPRINTS = Measure(
    "errorplane.service.fingerprint.errors",
    "{error}",
    (SERVICE_NAME, ERROR_FINGERPRINT),
    "Errors of the fingerprints that were the most frequent of late; all others are overflow.",
)
MEASURES = (REQUESTS, DURATIONS, ERRORS, FINGERPRINTS)


@dataclass(slots=True)
class Measured:
    """What one turn of the decider measured; it counts once the turn is stored. ``kept`` says of traces what was decided."""

    requests: list[Requests] = field(default_factory=list)
    errors: list[tuple[FailureKey, ObservedError]] = field(default_factory=list)
    kept: dict[bytes, bool] = field(default_factory=dict)

    def fail(self, classified: Sequence[ClassifiedError], around: Sequence[ClassifiedError] | None = None) -> None:
        """Take errors, one for each occurrence; ``around`` are all that are known of their trace, by default the same."""
        observed = (each.observed for each in around or classified)
        spans = {(each.service, each.span_id): each for each in observed if each.source == "span"}
        for each in classified:
            if each.origin:
                seen = each.observed
                operation = operation_of(seen, spans)
                key = FailureKey(
                    seen.service, seen.environment, operation, seen.type, str(each.category), str(each.severity)
                )
                self.errors.append((key, seen))


def operation_of(error: ObservedError, spans: Mapping[tuple[str, bytes], ObservedError]) -> str | None:
    """What the service was asked to do: the name of the outermost of its failed spans around an error, if one is known."""
    outer = spans.get((error.service, error.span_id))
    for _ in range(len(spans)):  # a forged trace may hold a cycle of parents
        parent = None if outer is None else spans.get((outer.service, outer.parent_span_id))
        if parent is None:
            break
        outer = parent
    return error.operation if outer is None else outer.operation


class Measures:
    """All series of one processor, exact since ``start_ns``; safe to read while it is added to.

    Series come in the order of the journal, so the same traffic gets the same series. ``clock`` gives Unix ns.
    """

    def __init__(self, policy: Metrics, clock: Callable[[], int]) -> None:
        self.start_ns = clock()
        self.buckets = Buckets(None if policy.histogram == "exponential" else policy.buckets)
        self._clock = clock
        self._lock = threading.Lock()
        budgets = policy.labels
        self._service = Label("service", budgets.service)
        self._deployment = Label("deployment", budgets.deployment)
        self._operation = Label("operation", budgets.operation)
        self._error_type = Label("error_type", budgets.error_type)
        self._top = Top(budgets.fingerprint)
        shared = (self._service, self._deployment, self._operation, self._error_type)
        self.durations: Family[Durations] = Family(shared, policy.max_series, Durations)
        self.errors: Family[Count] = Family((*shared, None, None), policy.max_series, Count)
        self.fingerprints: Family[Count] = Family((self._service, None), policy.max_series, Count)
        self._exemplars = policy.exemplars
        self._candidates: dict[bytes, tuple[Durations, Request]] = {}  # exemplars, if their traces are kept

    @property
    def lock(self) -> threading.Lock:
        """To be held while series are read."""
        return self._lock

    def add(self, measured: Measured) -> None:
        """Count what a stored turn has measured."""
        if not (measured.requests or measured.errors or measured.kept):
            return
        with self._lock:
            for requests in measured.requests:
                self._add_requests(requests)
            for key, seen in measured.errors:
                self._add_error(key, seen, kept=measured.kept.get(seen.trace_id, False))
            if self._candidates:
                self._settle(measured.kept)

    def overflowed(self) -> Mapping[str, int]:
        """Measurements in overflow series, by the label that had no place, or ``series`` for want of room for one."""
        labels = (self._service, self._deployment, self._operation, self._error_type)
        counts = {label.name: label.overflowed for label in labels} | {"fingerprint": self._top.overflowed}
        counts["series"] = sum(family.overflowed for family in (self.durations, self.errors, self.fingerprints))
        return {name: count for name, count in counts.items() if count}

    def _add_requests(self, requests: Requests) -> None:
        for key, batch in requests.items():
            series = self.durations.get(key, self.start_ns)
            durations = _plausible(batch.durations)
            series.count += len(durations)
            series.sum_ns += sum(durations)
            series.buckets.update(self.buckets.of(durations))
            if self._exemplars and len(self._candidates) < _MAX_CANDIDATES:
                for request in batch.proposed:
                    self._candidates.setdefault(request.trace_id, (series, request))

    def _add_error(self, key: FailureKey, seen: ObservedError, *, kept: bool) -> None:
        series = self.errors.get(key, self.start_ns)
        series.count += 1 + seen.suppressed
        top = self._top_series(seen)
        top.count += 1 + seen.suppressed
        if kept and self._exemplars:
            series.exemplar = top.exemplar = Exemplar(1, seen.trace_id, seen.span_id, seen.time_ns)

    def _top_series(self, seen: ObservedError) -> Count:
        inside, ended = self._top.count(seen.fingerprint)
        if ended is not None:
            # What an ended series has counted stays in the sum of all.
            for values, series in self.fingerprints.end(lambda values: values[1] == ended):
                self.fingerprints.overflow((values[0], None), self.start_ns).count += series.count
        if inside:
            return self.fingerprints.get((seen.service, seen.fingerprint), self._clock())
        service = seen.service if self._service.admits(seen.service) else None
        return self.fingerprints.overflow((service, None), self.start_ns)

    def _settle(self, kept: Mapping[bytes, bool]) -> None:
        """Of the traces that were decided, those that are kept become exemplars."""
        for trace_id, keep in kept.items():
            candidate = self._candidates.pop(trace_id, None)
            if candidate is not None and keep:
                series, request = candidate
                (duration_ns,) = _plausible([request.duration_ns])
                (bucket,) = self.buckets.of((duration_ns,))
                series.exemplars[bucket] = Exemplar(duration_ns / 1e9, trace_id, request.span_id, request.end_ns)


def _plausible(durations: list[int]) -> list[int]:
    """0 for those that end before they start, or have no start, which clocks and applications get wrong."""
    if min(durations) < 0 or max(durations) > _LONGEST_NS:
        return [duration if 0 <= duration <= _LONGEST_NS else 0 for duration in durations]
    return durations
