"""The processor's stages as parts of the OpenTelemetry SDK, for applications that have no separate processor.

They look with the full engine: Hyperscan before all detectors, those of the policy included.
"""

from __future__ import annotations

from errorplane.sdk._engine import engine_mask
from errorplane.sdk._exporters import RedactingLogExporter, RedactingMetricExporter, RedactingSpanExporter
from errorplane.sdk._processors import RedactingLogRecordProcessor, RedactingSpanProcessor

__all__ = [
    "RedactingLogExporter",
    "RedactingLogRecordProcessor",
    "RedactingMetricExporter",
    "RedactingSpanExporter",
    "RedactingSpanProcessor",
    "engine_mask",
]
