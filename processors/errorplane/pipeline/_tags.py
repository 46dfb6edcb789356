"""The attributes that the pipeline appends to what it keeps."""

from __future__ import annotations

from collections.abc import Mapping

from errorplane.classification import ClassifiedError
from errorplane.errors import (
    ERROR_CATEGORY,
    ERROR_FINGERPRINT,
    ERROR_ID,
    ERROR_KIND,
    ERROR_SEVERITY,
    RETENTION_CLASS,
    SAMPLING_PROBABILITY,
    SAMPLING_RULE,
    SUPPRESSED_COUNT,
    TRACE_CUT,
    TRACE_CUT_SPANS,
)
from errorplane.retention import RetentionClass, TagValue
from errorplane.sampling import Verdict


def shared_tags(verdict: Verdict, chosen: RetentionClass, cut: int | None) -> list[tuple[str, TagValue]]:
    """What the pipeline says of every item that is kept; ``cut``: spans cut so far of a giant trace."""
    tags: list[tuple[str, TagValue]] = [(RETENTION_CLASS, chosen.name), (SAMPLING_RULE, verdict.rule)]
    if verdict.probability < 1.0:
        tags.append((SAMPLING_PROBABILITY, verdict.probability))
    if cut is not None:
        tags += [(TRACE_CUT, True), (TRACE_CUT_SPANS, cut)]
    return tags


def error_tags(error: ClassifiedError, carried: Mapping[str, int]) -> list[tuple[str, TagValue]]:
    """What the pipeline knows about an error; a key that the application wrote is not written a second time."""
    observed = error.observed
    tags: list[tuple[str, TagValue]] = [
        (ERROR_ID, error.occurrence),
        (ERROR_FINGERPRINT, observed.fingerprint),
        (ERROR_CATEGORY, str(error.category)),
        (ERROR_KIND, str(observed.kind)),
        (ERROR_SEVERITY, str(error.severity)),
    ]
    tags = [(key, value) for key, value in tags if key not in observed.known]
    if error.origin and (suppressed := carried.get(error.occurrence)):
        tags.append((SUPPRESSED_COUNT, suppressed))
    return tags
