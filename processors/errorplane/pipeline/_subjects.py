"""What the rules look at: a trace, or a log record without one, with all that is known of its errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from errorplane.classification import ClassifiedError, Subject
from errorplane.detectors import DataClass
from errorplane.pipeline._index import LoneLog
from errorplane.sampling import TraceState

_NOTHING: frozenset[str] = frozenset()


def trace_subject(state: TraceState, classified: Sequence[ClassifiedError]) -> Subject:
    """A trace whose errors are these."""
    return Subject(
        "trace",
        state.error,
        state.duration_s,
        state.services,
        *_of_errors(classified, state.data_classes),
        spans=state.spans,
        size=state.size,
        hits=state.hits,
    )


def log_subject(log: LoneLog, classified: Sequence[ClassifiedError]) -> Subject:
    """A log record without a trace; ``classified`` is its error, if it is one."""
    return Subject(
        "log",
        log.error is not None,
        0.0,
        frozenset((log.service,)),
        *_of_errors(classified, log.data_classes),
        size=log.size,
        hits=log.hits,
    )


def _of_errors(
    classified: Sequence[ClassifiedError], data_classes: frozenset[DataClass]
) -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """Kinds, categories and severities of errors, the classes of what was hidden, fingerprints."""
    return (
        _each(classified, lambda each: str(each.observed.kind)),
        _each(classified, lambda each: str(each.category)),
        _each(classified, lambda each: str(each.severity)),
        frozenset(data_classes),
        _each(classified, lambda each: each.observed.fingerprint),
    )


def _each(classified: Sequence[ClassifiedError], value: Callable[[ClassifiedError], str]) -> frozenset[str]:
    return frozenset(map(value, classified)) if classified else _NOTHING
