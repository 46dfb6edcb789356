"""OTLP in and out: receivers, destinations, the JSON encoding, and the wire format."""

from __future__ import annotations

from errorplane.otlp._admin import AdminAnswer, AdminCall, AdminServer
from errorplane.otlp._destination import Destination
from errorplane.otlp._errors import (
    InvalidRequest,
    ListenError,
    OtlpError,
    Overloaded,
    ReceiveError,
    Refused,
    RetryLater,
    SegmentError,
    SendError,
    ShuttingDown,
    TargetError,
    TooLarge,
    Unauthenticated,
    Unexpected,
)
from errorplane.otlp._file_destination import FileDestination
from errorplane.otlp._grpc_destination import GrpcDestination
from errorplane.otlp._grpc_receiver import GrpcReceiver
from errorplane.otlp._http_destination import HttpDestination
from errorplane.otlp._http_receiver import HttpReceiver
from errorplane.otlp._intake import ReceiveLimits
from errorplane.otlp._json_in import from_json
from errorplane.otlp._json_out import to_json_line
from errorplane.otlp._sealed import read_segment
from errorplane.otlp._segments import ExpiredSegment, SegmentDestination
from errorplane.otlp._signals import Ingest, Receipt, Signal
from errorplane.otlp._tls import ClientTls, TlsFiles

__all__ = [
    "AdminAnswer",
    "AdminCall",
    "AdminServer",
    "ClientTls",
    "Destination",
    "ExpiredSegment",
    "FileDestination",
    "GrpcDestination",
    "GrpcReceiver",
    "HttpDestination",
    "HttpReceiver",
    "Ingest",
    "InvalidRequest",
    "ListenError",
    "OtlpError",
    "Overloaded",
    "Receipt",
    "ReceiveError",
    "ReceiveLimits",
    "Refused",
    "RetryLater",
    "SegmentDestination",
    "SegmentError",
    "SendError",
    "ShuttingDown",
    "Signal",
    "TargetError",
    "TlsFiles",
    "TooLarge",
    "Unauthenticated",
    "Unexpected",
    "from_json",
    "read_segment",
    "to_json_line",
]
