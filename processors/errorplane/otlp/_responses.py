"""Answers to senders: Export responses with partial_success, and google.rpc.Status for refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code  # type: ignore[import-untyped]  # it has no stubs
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # it has no stubs

from errorplane.otlp._errors import (
    InvalidRequest,
    Overloaded,
    ReceiveError,
    ShuttingDown,
    TooLarge,
    Unauthenticated,
)
from errorplane.otlp._signals import Receipt, Signal

REJECTED_FIELD = {
    Signal.TRACES: "rejected_spans",
    Signal.LOGS: "rejected_log_records",
    Signal.METRICS: "rejected_data_points",
}
_SHUTDOWN_RETRY_S = 5.0


class _Meaning(NamedTuple):
    grpc: Code
    http: int
    outcome: str


# OTLP specification, "Failures", "OTLP/gRPC Throttling" and "OTLP/HTTP Response"
_MEANINGS: Mapping[type[ReceiveError], _Meaning] = {
    InvalidRequest: _Meaning(Code.INVALID_ARGUMENT, 400, "invalid"),
    TooLarge: _Meaning(Code.RESOURCE_EXHAUSTED, 413, "too_large"),
    Unauthenticated: _Meaning(Code.UNAUTHENTICATED, 401, "unauthenticated"),
    Overloaded: _Meaning(Code.RESOURCE_EXHAUSTED, 429, "overloaded"),
    ShuttingDown: _Meaning(Code.UNAVAILABLE, 503, "shutting_down"),
    ReceiveError: _Meaning(Code.INTERNAL, 500, "internal"),
}


def export_response(signal: Signal, receipt: Receipt) -> Message:
    """The Export response for a request that was taken, wholly or in part."""
    response = signal.response_type()
    if receipt.rejected or receipt.message:
        partial = response.partial_success  # type: ignore[attr-defined]  # all three have it, Message does not know
        setattr(partial, REJECTED_FIELD[signal], receipt.rejected)
        partial.error_message = receipt.message
    return response


def status_of(error: ReceiveError) -> Status:
    """The status for a request that was not taken; with RetryInfo where it may be sent again unchanged."""
    status = Status(code=_meaning(error).grpc, message=str(error))
    delay = retry_after(error)
    if delay is not None:
        whole = math.floor(delay)
        info = RetryInfo(retry_delay=Duration(seconds=whole, nanos=int((delay - whole) * 1e9)))
        detail = Any()
        detail.Pack(info)
        status.details.append(detail)
    return status


def retry_after(error: ReceiveError) -> float | None:
    """Seconds after which the request may be sent again; None where that makes no sense."""
    if isinstance(error, Overloaded):
        return error.retry_after
    return _SHUTDOWN_RETRY_S if isinstance(error, ShuttingDown) else None


def http_code(error: ReceiveError) -> int:
    """The HTTP status code for a request that was not taken."""
    return _meaning(error).http


def outcome(error: ReceiveError) -> str:
    """The name under which such a request is counted."""
    return _meaning(error).outcome


def _meaning(error: ReceiveError) -> _Meaning:
    return next(meaning for kind, meaning in _MEANINGS.items() if isinstance(error, kind))


def receipt_of(signal: Signal, response: Message) -> Receipt:
    """What an Export response says about its ``partial_success``."""
    partial = response.partial_success  # type: ignore[attr-defined]  # every response has it
    return Receipt(getattr(partial, REJECTED_FIELD[signal]), partial.error_message)
