"""What can be set in the application's environment: the one table of variables, and how their values are read."""

from __future__ import annotations

from errorplane.settings._read import flag, number, text, words
from errorplane.settings._variables import (
    BAGGAGE_SPAN_KEYS,
    COMPONENT,
    ENABLED,
    EXPORT_BURST,
    EXPORT_ERRORS,
    EXPORT_FINGERPRINTS,
    EXPORT_RATE,
    EXPORT_TOTAL_RATE,
    SETTINGS,
    VARIABLES,
    Variable,
)

__all__ = [
    "BAGGAGE_SPAN_KEYS",
    "COMPONENT",
    "ENABLED",
    "EXPORT_BURST",
    "EXPORT_ERRORS",
    "EXPORT_FINGERPRINTS",
    "EXPORT_RATE",
    "EXPORT_TOTAL_RATE",
    "SETTINGS",
    "VARIABLES",
    "Variable",
    "flag",
    "number",
    "text",
    "words",
]
