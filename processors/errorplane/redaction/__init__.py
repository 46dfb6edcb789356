"""Redaction: personal data and secrets are masked in the raw request, before anything is written or sent."""

from __future__ import annotations

from errorplane.redaction._custom import custom_detector
from errorplane.redaction._engine import Engine
from errorplane.redaction._quarantine import Seal
from errorplane.redaction._redactor import Redactor
from errorplane.redaction._result import Limits, Redacted

__all__ = ["Engine", "Limits", "Redacted", "Redactor", "Seal", "custom_detector"]
