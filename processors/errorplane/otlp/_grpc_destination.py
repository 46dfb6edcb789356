"""OTLP/gRPC out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # googleapis ships no types

from errorplane.otlp._destination import checked_headers, is_loopback, secrets_of, shown, split_endpoint
from errorplane.otlp._errors import Refused, RetryLater, SendError, TargetError
from errorplane.otlp._responses import receipt_of
from errorplane.otlp._signals import Receipt, Signal
from errorplane.otlp._tls import ClientTls, channel_credentials

_PORT = 4317
_WANTED = "host:port, http://host:port or https://host:port"
_MAX_RESPONSE_BYTES = 4 << 20  # a larger one would look like a refusal of what has been taken
_COMPRESSION = {"gzip": grpc.Compression.Gzip, "none": grpc.Compression.NoCompression}
# OTLP specification, "OTLP/gRPC Response", "Failures"
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
_CONFIGURATION = frozenset(
    {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED}
)
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", _MAX_RESPONSE_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # the caller decides what is sent again, and when
    # A destination that comes back is found within seconds; gRPC's own back-off grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


class GrpcDestination:
    """Sends to an OTLP/gRPC receiver; ``endpoint`` is ``host:port``, ``http://host:port`` or ``https://host:port``.

    ``http://`` is plaintext, ``https://`` is TLS, and without a scheme it is TLS exactly if ``tls`` names a file.
    ``headers`` go with every call; their values appear nowhere else. The constructor raises ``TargetError``.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        tls: ClientTls | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        compression: str = "gzip",
    ) -> None:
        if compression not in _COMPRESSION:
            raise ValueError(f"compression is gzip or none, not {compression!r}")
        checked = checked_headers(headers)
        self.name = name
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._compression = _COMPRESSION[compression]
        self._metadata = tuple(checked.items())
        self._secrets = secrets_of(checked)
        self._channel = _channel(endpoint, tls or ClientTls())
        self._calls = {signal: self._channel.unary_unary(signal.grpc_method, None, None) for signal in Signal}

    def __repr__(self) -> str:
        return f"GrpcDestination({self.name!r}, {self._endpoint!r})"

    def send(self, signal: Signal, retention_class: str, payload: bytes, items: int) -> Receipt:
        """See ``Destination.send``; waits at most ``timeout_s`` seconds."""
        try:
            answer = self._calls[signal](
                payload, timeout=self._timeout_s, metadata=self._metadata, compression=self._compression
            )
        except grpc.RpcError as error:
            raise self._meaning(cast(grpc.Call, error), len(payload)) from None
        try:
            return receipt_of(signal, signal.response_type.FromString(answer))
        except DecodeError:
            return Receipt()  # it said OK

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _meaning(self, error: grpc.Call, size: int) -> SendError:
        code = error.code()
        message = f"{self._endpoint} answered {code.name}: {shown(error.details() or 'no message', self._secrets)}"
        if code in _RETRYABLE:
            return RetryLater(message, _retry_delay(error))
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            delay = _retry_delay(error)
            return Refused(f"{message} (the payload has {size} bytes)") if delay is None else RetryLater(message, delay)
        return Refused(message, payload_at_fault=code not in _CONFIGURATION)


def _channel(endpoint: str, tls: ClientTls) -> grpc.Channel:
    secure, host, port = _target(endpoint, tls)
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = [*_OPTIONS, ("grpc.enable_http_proxy", int(not is_loopback(host)))]
    if not secure:
        return grpc.insecure_channel(target, options)
    return grpc.secure_channel(target, channel_credentials(tls), options)


def _target(endpoint: str, tls: ClientTls) -> tuple[bool, str, int]:
    """Whether TLS is spoken, host and port; raises ``TargetError``."""
    parts = split_endpoint(endpoint, _WANTED)
    if parts.path.strip("/"):
        raise TargetError(f"the endpoint of OTLP/gRPC has no path: write {_WANTED}")
    secure = parts.scheme == "https" if parts.scheme else tls != ClientTls()
    return secure, parts.hostname or "", parts.port or _PORT


def _retry_delay(error: grpc.Call) -> float | None:
    """Seconds from the RetryInfo of the status details; None if there is none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return _retry_info(value)
    return None


def _retry_info(details: bytes) -> float | None:
    try:
        for detail in Status.FromString(details).details:
            info = RetryInfo()
            if detail.Unpack(info):
                delay: Duration = info.retry_delay
                return max(0.0, delay.ToNanoseconds() / 1e9)
    except DecodeError:
        return None  # not ours to mend; the code alone still says what to do
    return None
