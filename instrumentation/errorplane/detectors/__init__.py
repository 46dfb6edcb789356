"""Personal data and secrets in texts: the rules and checksums, with nothing but the standard library.

``find`` says what is in a text, ``redact`` replaces it. The processor's ``errorplane.redaction`` puts a multi-pattern
scan of raw bytes before the same detectors.

A detector finds one entity in a ``Subject``. Those of personal data are in ``identifiers``, those of secrets in
``secrets``; they rest on ``text`` (how a text is read), ``context`` (what stands around a value and says what it is) and
``services`` (the shapes of well-known services' keys), which know nothing of detectors.
"""

from __future__ import annotations

from errorplane.detectors._classes import DataClass, data_class, most_sensitive
from errorplane.detectors._engine import ALL, FOLDED_GATES, find, redact, settle
from errorplane.detectors._lazy import compile_all
from errorplane.detectors._model import Detector, Finding, Subject, Transform, replacement
from errorplane.detectors._partial import hide_most, keep_domain
from errorplane.detectors._place import TOP, Place
from errorplane.detectors.context._keys import KeyClass, key_class

__all__ = [
    "ALL",
    "FOLDED_GATES",
    "TOP",
    "DataClass",
    "Detector",
    "Finding",
    "KeyClass",
    "Place",
    "Subject",
    "Transform",
    "compile_all",
    "data_class",
    "find",
    "hide_most",
    "keep_domain",
    "key_class",
    "most_sensitive",
    "redact",
    "replacement",
    "settle",
]
