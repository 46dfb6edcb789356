"""OTLP in and out: receivers, senders, and the wire format."""

from __future__ import annotations

from errorplane.otlp._errors import (
    InvalidRequest,
    OtlpError,
    Overloaded,
    ReceiveError,
    Refused,
    RetryLater,
    SendError,
    ShuttingDown,
    TooLarge,
)
from errorplane.otlp._signals import Ingest, Receipt, Signal

__all__ = [
    "Ingest",
    "InvalidRequest",
    "OtlpError",
    "Overloaded",
    "Receipt",
    "ReceiveError",
    "Refused",
    "RetryLater",
    "SendError",
    "ShuttingDown",
    "Signal",
    "TooLarge",
]
