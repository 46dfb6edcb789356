"""The processor's stages as parts of the OpenTelemetry SDK, for applications that have no separate processor.

Redaction looks with the full engine: Hyperscan before all detectors. Tail sampling decides by the policy's rules, in
memory: what an application holds undecided is lost when it is killed.
"""

from __future__ import annotations

from errorplane.sdk._engine import engine_mask
from errorplane.sdk._exporters import RedactingLogExporter, RedactingMetricExporter, RedactingSpanExporter
from errorplane.sdk._processors import RedactingLogRecordProcessor, RedactingSpanProcessor
from errorplane.sdk._tail_sampling import TailSampling
from errorplane.sdk._tail_sampling_processors import TailSamplingLogRecordProcessor, TailSamplingSpanProcessor

__all__ = [
    "RedactingLogExporter",
    "RedactingLogRecordProcessor",
    "RedactingMetricExporter",
    "RedactingSpanExporter",
    "RedactingSpanProcessor",
    "TailSampling",
    "TailSamplingLogRecordProcessor",
    "TailSamplingSpanProcessor",
    "engine_mask",
]
