"""Classification: what is an error, of what kind and category, how severe, and whose."""

from __future__ import annotations

from errorplane.classification._conditions import Condition, Subject, compile_when, tests_of
from errorplane.classification._facts import ClassifiedError, Classifier
from errorplane.classification._fields import ALIASES, Value, attributes, field, number, plain, text
from errorplane.classification._observe import (
    ObservedError,
    log_is_error,
    observe_log,
    observe_span,
    span_is_error,
)
from errorplane.classification._stream import FactStream, encode_facts

__all__ = [
    "ALIASES",
    "ClassifiedError",
    "Classifier",
    "Condition",
    "FactStream",
    "ObservedError",
    "Subject",
    "Value",
    "attributes",
    "compile_when",
    "encode_facts",
    "field",
    "log_is_error",
    "number",
    "observe_log",
    "observe_span",
    "plain",
    "span_is_error",
    "tests_of",
    "text",
]
