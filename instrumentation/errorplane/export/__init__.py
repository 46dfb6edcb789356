"""Budgets of errors: a storm of them does not take the application down, and none goes uncounted."""

from __future__ import annotations

from errorplane.export._admission import UNLIMITED, Admission, Reason
from errorplane.export._budget import Budget, Rates
from errorplane.export._stacks import admit, limit, rates
from errorplane.export._throttle import Throttle

__all__ = ["UNLIMITED", "Admission", "Budget", "Rates", "Reason", "Throttle", "admit", "limit", "rates"]
