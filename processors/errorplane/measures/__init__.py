"""Exact counts of errors, requests and durations before sampling: a bounded number of cumulative series.

``_labels`` bounds what values from outside may take, ``_buckets`` sorts durations, ``_series`` adds up, ``_measures`` knows
which metrics there are and points from them at kept traces, ``_otlp`` and ``_page`` write them down.
"""

from __future__ import annotations

from errorplane.measures._measures import (
    MEASURES,
    Batch,
    FailureKey,
    Measure,
    Measured,
    Measures,
    Request,
    RequestKey,
    Requests,
    operation_of,
)
from errorplane.measures._otlp import write_metrics
from errorplane.measures._page import MeasuresPage, page_name

__all__ = [
    "MEASURES",
    "Batch",
    "FailureKey",
    "Measure",
    "Measured",
    "Measures",
    "MeasuresPage",
    "Request",
    "RequestKey",
    "Requests",
    "operation_of",
    "page_name",
    "write_metrics",
]
