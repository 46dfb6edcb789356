"""Sampling: which traces and log records are kept, and why."""

from __future__ import annotations

from errorplane.sampling._allowance import Allowance, BudgetLimits
from errorplane.sampling._boost import (
    MAX_BOOSTS,
    BadBoost,
    Boost,
    Raise,
    compile_boosts,
    pack_boosts,
    read_boost,
    unpack_boosts,
)
from errorplane.sampling._budget_book import BudgetBook, BudgetKind, budget_key
from errorplane.sampling._budgets import Asked, Budget, BudgetState, BudgetTotals, Ruling
from errorplane.sampling._daily_bytes import DAY_S, Day, Spending
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
from errorplane.sampling._shared_days import FileDay, SharedDay
from errorplane.sampling._sketch import Sketch
from errorplane.sampling._traces import Items, Seen, TraceState, TraceTable, items_of
from errorplane.sampling._verdict import Reason, Verdict

__all__ = [
    "DAY_S",
    "MAX_BOOSTS",
    "NO_RULE",
    "Allowance",
    "Asked",
    "BadBoost",
    "Boost",
    "Budget",
    "BudgetBook",
    "BudgetKind",
    "BudgetLimits",
    "BudgetState",
    "BudgetTotals",
    "Day",
    "Decide",
    "Deployments",
    "FileDay",
    "Items",
    "Observer",
    "Raise",
    "Reason",
    "Ruling",
    "Seen",
    "SharedDay",
    "Sketch",
    "Spending",
    "TokenBucket",
    "TraceState",
    "TraceTable",
    "Verdict",
    "budget_key",
    "chance",
    "compile_boosts",
    "compile_observer",
    "compile_rules",
    "compile_sampling",
    "erased",
    "explicit_randomness",
    "format_threshold",
    "items_of",
    "pack_boosts",
    "parse_threshold",
    "raised",
    "randomness",
    "read_boost",
    "rejection_threshold",
    "unpack_boosts",
]
