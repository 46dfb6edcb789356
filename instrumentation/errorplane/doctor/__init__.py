"""`errorplane doctor`: what is attached to an application, and what is wrong with its set-up."""

from __future__ import annotations

from errorplane.doctor._code import check_source
from errorplane.doctor._finding import RULES, Finding, Rule

__all__ = ["RULES", "Finding", "Rule", "check_source"]
