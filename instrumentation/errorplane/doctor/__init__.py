"""`errorplane doctor`: what is attached to an application, and what is wrong with its set-up.

Needs no more than an application has: OpenTelemetry and the standard library.
"""

from __future__ import annotations

from errorplane.doctor._code import check_source
from errorplane.doctor._collect import collect
from errorplane.doctor._command import DESCRIPTION, EPILOG, add_arguments, main, run, split
from errorplane.doctor._endpoint import check_endpoints
from errorplane.doctor._facts import Exporter, Facts
from errorplane.doctor._finding import RULES, Finding, Rule
from errorplane.doctor._run import CannotWatch, watch
from errorplane.doctor._setup import check_setup, check_variables

__all__ = [
    "DESCRIPTION",
    "EPILOG",
    "RULES",
    "CannotWatch",
    "Exporter",
    "Facts",
    "Finding",
    "Rule",
    "add_arguments",
    "check_endpoints",
    "check_setup",
    "check_source",
    "check_variables",
    "collect",
    "main",
    "run",
    "split",
    "watch",
]
