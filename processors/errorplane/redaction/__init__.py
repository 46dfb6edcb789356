"""Redaction: personal data and secrets are masked in the raw request, before anything is written or sent."""

from __future__ import annotations

from errorplane.redaction._backwards import Backwards
from errorplane.redaction._custom import custom_detector
from errorplane.redaction._engine import Engine
from errorplane.redaction._inspect import Inspector, Seen
from errorplane.redaction._quarantine import Seal
from errorplane.redaction._redactor import Redactor
from errorplane.redaction._result import Limits, Redacted
from errorplane.redaction._series import merge_series
from errorplane.redaction._unavailable import ExtraUnavailable

__all__ = [
    "Backwards",
    "Engine",
    "ExtraUnavailable",
    "Inspector",
    "Limits",
    "Redacted",
    "Redactor",
    "Seal",
    "Seen",
    "custom_detector",
    "merge_series",
]
