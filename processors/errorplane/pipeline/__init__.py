"""The pipeline: receive, redact, journal, index, classify, decide, tag, route, send."""

from __future__ import annotations

from errorplane.pipeline._boosting import admin_token
from errorplane.pipeline._counters import COUNTERS, GAUGES, Counters, Metric
from errorplane.pipeline._plan import Plan, compile_plan
from errorplane.pipeline._processor import Addresses, Processor
from errorplane.pipeline._trial import Trial
from errorplane.pipeline._witness import Decided, Witness

__all__ = [
    "COUNTERS",
    "GAUGES",
    "Addresses",
    "Counters",
    "Decided",
    "Metric",
    "Plan",
    "Processor",
    "Trial",
    "Witness",
    "admin_token",
    "compile_plan",
]
