"""What the tests of receivers and destinations share: a pipeline that remembers, running receivers, certificates."""

from __future__ import annotations

import random
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import serialization
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from tests.support.telemetry import log, logs, metrics, span, traces

from errorplane.otlp import (
    ClientTls,
    GrpcReceiver,
    HttpReceiver,
    Ingest,
    InvalidRequest,
    Receipt,
    ReceiveLimits,
    Signal,
    TlsFiles,
)


class Pipeline:
    """An ``Ingest`` that keeps the requests it is given; ``answer`` may return a receipt, raise or wait."""

    def __init__(self, answer: Callable[[], Receipt] = Receipt) -> None:
        self.taken: list[tuple[Signal, bytes]] = []
        self.answer = answer

    def __call__(self, signal: Signal, body: bytes) -> Receipt:
        try:
            signal.request_type.FromString(body)
        except DecodeError as error:
            raise InvalidRequest("the body is not an Export request") from error
        receipt = self.answer()
        self.taken.append((signal, body))
        return receipt


class Gate:
    """An ``answer`` that waits until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self) -> Receipt:
        self.entered.release()
        assert self.opened.wait(20), "the test did not open the gate"
        return Receipt()


@contextmanager
def grpc_receiver(
    ingest: Ingest,
    limits: ReceiveLimits | None = None,
    tls: TlsFiles | None = None,
    **more: Any,
) -> Iterator[tuple[GrpcReceiver, str]]:
    """A running receiver and its ``host:port``."""
    receiver = GrpcReceiver("127.0.0.1:0", ingest, limits, tls, **more)
    port = receiver.start()
    try:
        yield receiver, f"127.0.0.1:{port}"
    finally:
        receiver.stop(0.2)


@contextmanager
def http_receiver(
    ingest: Ingest,
    limits: ReceiveLimits | None = None,
    tls: TlsFiles | None = None,
    **more: Any,
) -> Iterator[tuple[HttpReceiver, str]]:
    """A running receiver and its ``host:port``."""
    receiver = HttpReceiver("127.0.0.1:0", ingest, limits, tls, **more)
    port = receiver.start()
    try:
        yield receiver, f"127.0.0.1:{port}"
    finally:
        receiver.stop(0.2)


def raising(error: Exception) -> Callable[[], Receipt]:
    """An ``answer`` that fails."""

    def answer() -> Receipt:
        raise error

    return answer


def sample(signal: Signal) -> bytes:
    """A small valid request."""
    made: Mapping[Signal, Message] = {
        Signal.TRACES: traces([span(error=True, exception={"exception.type": "ValueError"})]),
        Signal.LOGS: logs([log("paid")]),
        Signal.METRICS: metrics(["orders"]),
    }
    return made[signal].SerializeToString(deterministic=True)


class Certificates:
    """An authority, a server certificate for loopback, a client certificate, and a client nobody vouches for."""

    def __init__(self, folder: Path) -> None:
        authority, stranger = trustme.CA(), trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server = self._issue(authority, folder / "server")
        self.client = self._issue(authority, folder / "client")
        self.stranger = self._issue(stranger, folder / "stranger")

    @staticmethod
    def _issue(authority: trustme.CA, stem: Path) -> tuple[Path, Path]:
        issued = authority.issue_cert("127.0.0.1", "localhost")
        cert, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return cert, key

    def server_files(self, *, ask_client: bool = False) -> TlsFiles:
        """What a receiver needs."""
        return TlsFiles(*self.server, self.ca if ask_client else None)

    def client_files(self, pair: tuple[Path, Path] | None = None) -> ClientTls:
        """What a destination needs to trust the server, and to show ``pair``."""
        return ClientTls(self.ca, *pair) if pair else ClientTls(self.ca)


def with_passphrase(key: Path, to: Path) -> Path:
    """A copy of a private key that takes a passphrase."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    to.write_bytes(
        loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, locked)
    )
    return to


_TEXTS = (
    "",
    "a",
    "GET /orders/{id}",
    'quote " and \\ back',
    "line\nline\ttab\x00nul\x7f",
    "héllo ☃ 🦀 \u2028",
    "x" * 300,
)
_DOUBLES = (0.0, -0.0, 1.5, -2.25, 1e300, 5e-324, 1e22, 123456789.125, float("inf"), float("-inf"), 3.0)
_BITS = {FieldDescriptor.TYPE_FIXED64: 64, FieldDescriptor.TYPE_UINT64: 64, FieldDescriptor.TYPE_SFIXED64: -64}
_BITS |= {FieldDescriptor.TYPE_INT64: -64, FieldDescriptor.TYPE_SINT64: -64, FieldDescriptor.TYPE_INT32: -32}
_BITS |= {FieldDescriptor.TYPE_SINT32: -32, FieldDescriptor.TYPE_UINT32: 32, FieldDescriptor.TYPE_FIXED32: 32}


def fill(message: Message, rnd: random.Random, depth: int = 7) -> Message:
    """Set random fields of ``message``, down to ``depth`` levels, with the extremes of every type."""
    for field in message.DESCRIPTOR.fields:
        if rnd.random() < 0.35:
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth:
                for _ in range(rnd.choice((1, 2)) if field.is_repeated else 1):
                    child = getattr(message, field.name)
                    child = child.add() if field.is_repeated else child
                    child.SetInParent()
                    fill(child, rnd, depth - 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(_scalar(field, rnd) for _ in range(rnd.randrange(4)))
        else:
            setattr(message, field.name, _scalar(field, rnd))
    return message


def _scalar(field: Any, rnd: random.Random) -> object:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return rnd.choice(_TEXTS)
        case FieldDescriptor.TYPE_BYTES:
            size = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}.get(field.name, rnd.randrange(40))
            return rnd.choice((b"", rnd.randbytes(size), b"\xff" * size))
        case FieldDescriptor.TYPE_BOOL:
            return rnd.random() < 0.5
        case FieldDescriptor.TYPE_DOUBLE:
            return rnd.choice((*_DOUBLES, struct.unpack("d", rnd.randbytes(7) + b"\x3f")[0]))
        case FieldDescriptor.TYPE_ENUM:
            return rnd.choice((*(value.number for value in field.enum_type.values), 77))
        case kind:
            bits = _BITS[kind]
            low, high = (0, (1 << bits) - 1) if bits > 0 else (-(1 << -bits - 1), (1 << -bits - 1) - 1)
            return rnd.choice((0, 1, low, high, rnd.randint(low, high)))
