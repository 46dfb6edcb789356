"""Names and places in the free texts of errors, found by a spaCy model; needs the extra ``ner``."""

from __future__ import annotations

from errorplane.redaction.ner._names import ENTITIES, Names
from errorplane.redaction.ner._process import ModelProcess, NerUnavailable, TooLate
from errorplane.redaction.ner._stage import ErrorTexts
from errorplane.redaction.ner._templates import Verdicts

__all__ = ["ENTITIES", "ErrorTexts", "ModelProcess", "Names", "NerUnavailable", "TooLate", "Verdicts"]
