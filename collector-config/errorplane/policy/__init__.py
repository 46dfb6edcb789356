"""The model of ``errorplane.yaml``: what an error is, whose it is, what is hidden, what is kept and where it goes.

``load`` reads a file and raises ``PolicyError`` with every mistake at once; ``check`` lists mistakes and warnings;
``read`` gives both. The models are frozen; durations are seconds (float), sizes bytes (int), lists tuples.
"""

from __future__ import annotations

from errorplane.policy._actions import Action
from errorplane.policy._application import application_settings
from errorplane.policy._default import default_policy
from errorplane.policy._delivery import (
    ClientTls,
    Destination,
    Errors,
    Facts,
    FileTarget,
    OtlpTarget,
    Retention,
    RetentionClass,
    RetentionRule,
    Telemetry,
)
from errorplane.policy._effective import ALWAYS_DROPPED, Detection, detection, effective_actions, leniency
from errorplane.policy._keys import Keys, KeySource
from errorplane.policy._load import LoadResult, check, load, read
from errorplane.policy._metrics import LabelBudget, MetricLabels, Metrics
from errorplane.policy._policy import Policy
from errorplane.policy._problems import PolicyError, Problem
from errorplane.policy._receiving import Journal, Listen, ServerTls
from errorplane.policy._redaction import CustomDetector, Ner, Quarantine, Redaction
from errorplane.policy._sampling import Sampling, SamplingRule, SamplingTotal
from errorplane.policy._sampling_budget import DailyBytes, SamplingBudget
from errorplane.policy._sampling_when import (
    AttributeTest,
    SamplingAlternative,
    SamplingConditions,
    SamplingWhen,
    SpanCount,
)
from errorplane.policy._schema import json_schema
from errorplane.policy._services import Service, SeverityPolicy, SeverityRule
from errorplane.policy._when import When

__all__ = [
    "ALWAYS_DROPPED",
    "Action",
    "AttributeTest",
    "ClientTls",
    "CustomDetector",
    "DailyBytes",
    "Destination",
    "Detection",
    "Errors",
    "Facts",
    "FileTarget",
    "Journal",
    "KeySource",
    "Keys",
    "LabelBudget",
    "Listen",
    "LoadResult",
    "MetricLabels",
    "Metrics",
    "Ner",
    "OtlpTarget",
    "Policy",
    "PolicyError",
    "Problem",
    "Quarantine",
    "Redaction",
    "Retention",
    "RetentionClass",
    "RetentionRule",
    "Sampling",
    "SamplingAlternative",
    "SamplingBudget",
    "SamplingConditions",
    "SamplingRule",
    "SamplingTotal",
    "SamplingWhen",
    "ServerTls",
    "Service",
    "SeverityPolicy",
    "SeverityRule",
    "SpanCount",
    "Telemetry",
    "When",
    "application_settings",
    "check",
    "default_policy",
    "detection",
    "effective_actions",
    "json_schema",
    "leniency",
    "load",
    "read",
]
