"""Sampling: which traces and log records are kept, and why."""

from __future__ import annotations

from errorplane.sampling._rules import (
    NO_RULE,
    Decide,
    TokenBucket,
    compile_rules,
    randomness,
    rejection_threshold,
)
from errorplane.sampling._traces import Items, Seen, TraceState, TraceTable
from errorplane.sampling._verdict import Reason, Verdict

__all__ = [
    "NO_RULE",
    "Decide",
    "Items",
    "Reason",
    "Seen",
    "TokenBucket",
    "TraceState",
    "TraceTable",
    "Verdict",
    "compile_rules",
    "randomness",
    "rejection_threshold",
]
