"""Redaction: personal data and secrets are masked in the raw request, before anything is written or sent.

The way of a request, which ``_redactor`` leads: ``_gate`` scans its bytes for places worth a look, ``_pairs`` takes out
those that are known to be clean, ``_locate`` says by the schema (``_shapes``) which fields these are, ``_values`` and
``_strings`` take such a field apart, ``_engine`` runs the detectors over each text, ``_marks`` notes what was hidden,
``_series`` merges what masking made the same. What cannot be looked at becomes what ``_quarantine`` says; ``_broken`` does
so for strings that are no UTF-8.

To the detectors of ``errorplane.detectors`` come those that a policy asks for: ``_custom``, ``_named``, ``_presidio``.
``_superset`` makes a gate of a regular expression, ``_automaton`` shows that one gate stands for others.

``actions`` is what is done with a finding, ``ner`` a later stage for names in errors.
"""

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
