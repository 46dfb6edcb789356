"""Redaction: personal data and secrets are masked in the raw request, before anything is written or sent."""

from __future__ import annotations

from errorplane.redaction._custom import custom_detector
from errorplane.redaction._engine import Engine
from errorplane.redaction._redactor import Redactor
from errorplane.redaction._result import CannotScan, Limits, Quarantined, Redacted

__all__ = ["CannotScan", "Engine", "Limits", "Quarantined", "Redacted", "Redactor", "custom_detector"]
