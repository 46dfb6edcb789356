"""Raw clients: they send whatever a test tells them to, and every wait of theirs ends."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.protobuf.json_format import Parse
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # it has no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # it has no stubs
from grpc_status import rpc_status
from tests.otlp.parts import Certificates

from errorplane.otlp import Signal

TIMEOUT_S = 10.0
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One HTTP response; names of headers are lower case."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def status(self) -> Any:
        """The google.rpc.Status of a refusal, in the encoding that the answer names."""
        if self.headers["content-type"] == JSON:
            return Parse(self.body, Status())
        assert self.headers["content-type"] == PROTOBUF
        return Status.FromString(self.body)


def request(
    address: str,
    body: bytes | Iterable[bytes] | None = None,
    path: str = Signal.TRACES.http_path,
    *,
    method: str = "POST",
    kind: str = PROTOBUF,
    headers: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> HttpAnswer:
    """One request on a connection of its own."""
    host, _, port = address.rpartition(":")
    if context is None:
        connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_S)
    else:
        connection = http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_S, context=context)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"content-type": kind, **(headers or {})})
        response = connection.getresponse()
        return HttpAnswer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )


def talk(address: str, data: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
    """Send bytes, and read until the server closes the connection."""
    with dialled(address, timeout_s) as sock:
        sock.sendall(data)
        return read_all(sock)


@contextlib.contextmanager
def dialled(address: str, timeout_s: float = TIMEOUT_S) -> Iterator[socket.socket]:
    """A TCP connection."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout_s) as sock:
        yield sock


def read_all(sock: socket.socket) -> bytes:
    """What comes until the other side closes or resets the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def export(
    address: str,
    body: bytes,
    signal: Signal = Signal.TRACES,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    metadata: tuple[tuple[str, str], ...] = (),
    compression: grpc.Compression | None = None,
) -> Any:
    """One raw Export call on a channel of its own; returns the response, raises ``grpc.RpcError``."""
    with channel(address, credentials) as opened:
        call = opened.unary_unary(signal.grpc_method, None, signal.response_type.FromString)
        return call(body, timeout=TIMEOUT_S, metadata=metadata, compression=compression)


def channel(address: str, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
    """A channel of its own connection that sends messages of any size."""
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


@dataclass(frozen=True, slots=True)
class GrpcRefusal:
    """How a call failed; ``retry_after`` in seconds from RetryInfo, None where there is none."""

    code: grpc.StatusCode
    message: str
    retry_after: float | None


def refusal(address: str, body: bytes, **more: Any) -> GrpcRefusal:
    """The failure of a call that must fail."""
    try:
        export(address, body, **more)
    except grpc.RpcError as error:
        return refusal_of(error)
    raise AssertionError("the call succeeded")


def refusal_of(error: grpc.RpcError) -> GrpcRefusal:
    """What an error says."""
    call = cast(grpc.Call, error)
    status = rpc_status.from_call(call)
    delay = None
    for detail in () if status is None else status.details:
        info = RetryInfo()
        assert detail.Unpack(info)
        delay = info.retry_delay.ToNanoseconds() / 1e9
    return GrpcRefusal(call.code(), call.details() or "", delay)


def credentials_of(certificates: Certificates, pair: Any = None) -> grpc.ChannelCredentials:
    """gRPC credentials that trust the authority and show ``pair``, a certificate and its key."""
    cert, key = (None, None) if pair is None else (pair[0].read_bytes(), pair[1].read_bytes())
    return grpc.ssl_channel_credentials(certificates.ca.read_bytes(), key, cert)


def context_of(certificates: Certificates, pair: Any = None) -> ssl.SSLContext:
    """The same for HTTPS."""
    context = ssl.create_default_context(cafile=str(certificates.ca))
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


def http2_request(path: str, data: bytes, *, end: bool) -> bytes:
    """A gRPC call as bare HTTP/2 frames, so that its message may be cut off; ``end`` half-closes the stream."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    packed = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
    )
    frames = _frame(0x4, 0, 0, b"") + _frame(0x1, 0x4, 1, packed) + _frame(0x0, 0x1 if end else 0, 1, data)
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
