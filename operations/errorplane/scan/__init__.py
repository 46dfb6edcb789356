"""Recorded logs and telemetry scanned as the processor would, to try a policy and to gate a build."""

from __future__ import annotations

from errorplane.scan._checker import Checker
from errorplane.scan._lines import Lines
from errorplane.scan._model import Entity, Result, Rule, Tally
from errorplane.scan._report import Leaks, Progress, summary
from errorplane.scan._run import Batch, Runner
from errorplane.scan._scanner import FORMATS, Scanner
from errorplane.scan._setup import PACK_NAMES, checker_of, rules_of

__all__ = [
    "FORMATS",
    "PACK_NAMES",
    "Batch",
    "Checker",
    "Entity",
    "Leaks",
    "Lines",
    "Progress",
    "Result",
    "Rule",
    "Runner",
    "Scanner",
    "Tally",
    "checker_of",
    "rules_of",
    "summary",
]
