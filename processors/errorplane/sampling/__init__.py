"""Sampling: which traces and log records are kept, and why."""

from __future__ import annotations

from errorplane.sampling._allowance import Allowance, BudgetLimits
from errorplane.sampling._budget_book import BudgetBook, BudgetKind, budget_key
from errorplane.sampling._budgets import Asked, Budget, BudgetState, BudgetTotals, Ruling
from errorplane.sampling._deployments import Deployments
from errorplane.sampling._limits import TokenBucket
from errorplane.sampling._observer import Observer, compile_observer
from errorplane.sampling._probability import (
    chance,
    erased,
    explicit_randomness,
    format_threshold,
    parse_threshold,
    raised,
    randomness,
    rejection_threshold,
)
from errorplane.sampling._rules import NO_RULE, Decide, compile_rules, compile_sampling
from errorplane.sampling._sketch import Sketch
from errorplane.sampling._traces import Items, Seen, TraceState, TraceTable
from errorplane.sampling._verdict import Reason, Verdict

__all__ = [
    "NO_RULE",
    "Allowance",
    "Asked",
    "Budget",
    "BudgetBook",
    "BudgetKind",
    "BudgetLimits",
    "BudgetState",
    "BudgetTotals",
    "Decide",
    "Deployments",
    "Items",
    "Observer",
    "Reason",
    "Ruling",
    "Seen",
    "Sketch",
    "TokenBucket",
    "TraceState",
    "TraceTable",
    "Verdict",
    "budget_key",
    "chance",
    "compile_observer",
    "compile_rules",
    "compile_sampling",
    "erased",
    "explicit_randomness",
    "format_threshold",
    "parse_threshold",
    "raised",
    "randomness",
    "rejection_threshold",
]
