"""OTLP/gRPC in: raw bytes, bounded in size, number and time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_status import rpc_status

from errorplane.otlp._address import split_address
from errorplane.otlp._errors import ListenError, Overloaded, ReceiveError
from errorplane.otlp._grpc_health import Health
from errorplane.otlp._gunzip import GZIP_MAGIC
from errorplane.otlp._intake import Intake, ReceiveLimits
from errorplane.otlp._responses import export_response, status_of
from errorplane.otlp._signals import Ingest, Signal
from errorplane.otlp._tls import TlsFiles, server_credentials
from errorplane.otlp._watchdog import Watchdog

_READ_TIMEOUT_S = 30.0
_CALLS_PER_SLOT = 4  # calls that may be open, most of them still receiving their message
_MAX_CONNECTIONS = 1024
_HANDSHAKE_TIMEOUT_S = 10.0
_RETRY_AFTER_S = 1.0
_IDENTITY_AND_GZIP = (1 << 0) | (1 << 2)  # bits of grpc_compression_algorithm; deflate has no signature to know it by


def _options(limits: ReceiveLimits, max_connections: int, handshake_timeout_s: float) -> Sequence[tuple[str, int]]:
    return (
        ("grpc.max_allowed_incoming_connections", max_connections),
        ("grpc.server_handshake_timeout_ms", round(1000 * handshake_timeout_s)),
        ("grpc.so_reuseport", 0),  # else two processors share a port and nobody notices
        ("grpc.max_receive_message_length", limits.max_request_bytes),
        # The core would decompress before anybody has looked at the size; older ones without a bound.
        ("grpc.per_message_decompression", 0),
        ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_AND_GZIP),
        ("grpc.max_concurrent_streams", _CALLS_PER_SLOT * limits.max_concurrent),
        ("grpc.max_metadata_size", 16 << 10),
        # A dead peer is noticed; a peer that pings often (the Collector's keepalive) is not sent away.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
    )


class GrpcReceiver:
    """Receives the three signals on ``address`` and hands them to ``ingest``; also serves grpc.health.v1.

    A call holds a thread from its start. As many calls may be open as four times ``limits.max_concurrent``; one that
    does not send its message within 30 s is cancelled, further ones are told to come back. At most 1,024 connections
    are open; one that does not begin HTTP/2 within 10 s is closed.
    """

    def __init__(
        self,
        address: str,
        ingest: Ingest,
        limits: ReceiveLimits | None = None,
        tls: TlsFiles | None = None,
        ready: Callable[[], bool] = lambda: True,
        *,
        read_timeout_s: float = _READ_TIMEOUT_S,
        max_connections: int = _MAX_CONNECTIONS,
        handshake_timeout_s: float = _HANDSHAKE_TIMEOUT_S,
    ) -> None:
        self._address = address
        self._limits = limits or ReceiveLimits()
        self._tls = tls
        self._read_timeout_s = read_timeout_s
        self._intake = Intake(ingest, self._limits)
        self._health = Health(ready)
        self._max_open = _CALLS_PER_SLOT * self._limits.max_concurrent
        self._pool = ThreadPoolExecutor(self._max_open, thread_name_prefix="errorplane-grpc")
        self._side_pool = ThreadPoolExecutor(2, thread_name_prefix="errorplane-grpc-side")
        self._watchdog = Watchdog(self._health.refresh)
        self._server = grpc.server(self._pool, options=_options(self._limits, max_connections, handshake_timeout_s))
        self._server.add_generic_rpc_handlers((_Export(self), self._health.handler(self._side_pool)))
        self._open = 0
        self._lock = threading.Lock()

    @property
    def outcomes(self) -> dict[str, int]:
        """Requests since the start, by how they ended: taken, invalid, too_large, overloaded, internal, ..."""
        return self._intake.outcomes

    def start(self) -> int:
        """Listen; returns the port. Raises ``ListenError``."""
        split_address(self._address)
        try:
            if self._tls is None:
                port = self._server.add_insecure_port(self._address)
            else:
                port = self._server.add_secure_port(self._address, server_credentials(self._tls))
        except RuntimeError as error:
            raise ListenError(f"cannot listen on {self._address}: is the port in use?") from error
        self._server.start()
        self._watchdog.start()
        return port

    def stop(self, grace_s: float) -> None:
        """Take no new requests, wait for those under way for at most ``grace_s`` seconds, then close."""
        self._intake.closing = True
        self._health.stop()
        self._server.stop(grace_s).wait(grace_s + 1.0)
        self._watchdog.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._side_pool.shutdown(wait=False, cancel_futures=True)

    def _try_open(self) -> bool:
        with self._lock:
            if self._open >= self._max_open:
                return False
            self._open += 1
            return True

    def _close_call(self) -> None:
        with self._lock:
            self._open -= 1

    def _export(self, signal: Signal, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        try:
            return self._take(signal, messages, context)
        except ReceiveError as error:
            self._intake.refused(error)
            context.abort_with_status(rpc_status.to_status(status_of(error)))
            raise AssertionError("abort_with_status raises") from error
        finally:
            self._close_call()

    def _take(self, signal: Signal, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        self._intake.check_token(_authorization(context))
        try:
            with self._watchdog.limit(self._read_timeout_s, context.cancel):
                message = next(messages)
        except (StopIteration, grpc.RpcError):
            # The sender gave up, was too slow, or sent too much, and the core has told it already; or it sent nothing.
            self._intake.count("not_received")
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call ended without a message")
        with self._intake.enter() as held:
            held.grow(len(message))
            held.admit()
            receipt = self._intake.take(
                signal, lambda: held.gunzip(message) if message.startswith(GZIP_MAGIC) else message
            )
        return export_response(signal, receipt).SerializeToString()

    def _refuse(self, request: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        error = Overloaded(f"{self._max_open} calls are open, the limit", _RETRY_AFTER_S)
        self._intake.refused(error)
        context.abort_with_status(rpc_status.to_status(status_of(error)))
        raise AssertionError("abort_with_status raises") from error


class _Export(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """The three Export methods, as raw bytes.

    They are registered as client streams (same bytes on the wire): the handler of a unary call is not called before
    its message is complete, so nobody could cancel a sender that never completes it.
    """

    def __init__(self, receiver: GrpcReceiver) -> None:
        self._receiver = receiver
        self._handlers = {signal.grpc_method: self._handler(signal) for signal in Signal}
        refuse = receiver._refuse

        def refusing(messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            return refuse(messages, context)

        refusing.experimental_thread_pool = receiver._side_pool  # type: ignore[attr-defined]  # grpc looks for it
        self._refusing = grpc.stream_unary_rpc_method_handler(refusing)

    def _handler(self, signal: Signal) -> grpc.RpcMethodHandler[bytes, bytes]:
        export = self._receiver._export

        def behaviour(messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
            return export(signal, messages, context)

        return grpc.stream_unary_rpc_method_handler(behaviour)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        handler = self._handlers.get(handler_call_details.method)
        if handler is None:
            return None
        return handler if self._receiver._try_open() else self._refusing


def _authorization(context: grpc.ServicerContext) -> bytes | None:
    for key, value in context.invocation_metadata():
        if key == "authorization":
            return value if isinstance(value, bytes) else value.encode()
    return None
