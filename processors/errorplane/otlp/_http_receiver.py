"""OTLP/HTTP in: protobuf and JSON, bounded in size, number and time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from errorplane.otlp._errors import InvalidRequest, ReceiveError, ShuttingDown, Unauthenticated
from errorplane.otlp._http_server import HttpServer
from errorplane.otlp._intake import Held, Intake, ReceiveLimits
from errorplane.otlp._json_in import from_json
from errorplane.otlp._responses import export_response, http_code, retry_after, status_of
from errorplane.otlp._signals import Ingest, Signal
from errorplane.otlp._tls import TlsFiles

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Mapping[bytes, bytes]

_READ_TIMEOUT_S = 30.0
_DRAIN_S = 5.0
_JSON_WEIGHT = 16  # bytes of memory that the parser takes for one byte of JSON
_PROTOBUF, _JSON = b"application/x-protobuf", b"application/json"
_SIGNALS = {signal.http_path: signal for signal in Signal}


class _NotOtlp(Exception):
    """A request that is not one of OTLP/HTTP: the status code, what is allowed, and the header that says so."""

    def __init__(self, code: int, message: str, header: tuple[bytes, bytes] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.header = header


class _SlowSender(Exception):
    """The body did not come in time."""


class _Gone(Exception):
    """The sender closed the connection."""


class HttpReceiver:
    """Receives the three signals on ``/v1/<signal>`` of ``address`` and hands them to ``ingest``.

    A body has 30 s to arrive. Answers are in the encoding of the request, as the OTLP/HTTP specification says.
    """

    def __init__(
        self,
        address: str,
        ingest: Ingest,
        limits: ReceiveLimits | None = None,
        tls: TlsFiles | None = None,
        *,
        read_timeout_s: float = _READ_TIMEOUT_S,
        max_connections: int = 1024,
        header_timeout_s: float = 10.0,
    ) -> None:
        limits = limits or ReceiveLimits()
        self._intake = Intake(ingest, limits)
        self._read_timeout_s = read_timeout_s
        # As many threads as requests are let in, so none waits for one.
        self._pool = ThreadPoolExecutor(limits.max_concurrent, thread_name_prefix="errorplane-http-worker")
        self._server = HttpServer(
            address,
            self._app,
            tls,
            max_connections=max_connections,
            header_timeout_s=header_timeout_s,
        )

    @property
    def outcomes(self) -> dict[str, int]:
        """Requests since the start, by how they ended: taken, invalid, too_large, overloaded, internal, ..."""
        return self._intake.outcomes

    def start(self) -> int:
        """Listen; returns the port. Raises ``ListenError``."""
        return self._server.start()

    def stop(self, grace_s: float) -> None:
        """Take no new requests, wait for those under way for at most about ``grace_s`` seconds, then close."""
        self._intake.closing = True
        self._server.stop(grace_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _app(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        answer = _Answer(send, receive, as_json=_media_type(headers) != _PROTOBUF)
        try:
            message = await self._export(scope, headers, receive)
        except _NotOtlp as error:
            self._intake.count("not_otlp")
            await answer.refuse(error.code, status_of(InvalidRequest(str(error))), error.header)
        except ReceiveError as error:
            self._intake.refused(error)
            await answer.refuse(http_code(error), status_of(error), _header(error))
        except _SlowSender:
            self._intake.count("not_received")
            late = InvalidRequest(f"the body did not arrive within {self._read_timeout_s:g} s")
            await answer.refuse(408, status_of(late), None)
        except _Gone:
            self._intake.count("not_received")
        except asyncio.CancelledError:  # the time that stop() gives has passed
            stopping = ShuttingDown("this processor is shutting down: send again, here or elsewhere")
            self._intake.refused(stopping)
            await answer.send(http_code(stopping), status_of(stopping), _header(stopping))
        else:
            await answer.send(200, message, None)

    async def _export(self, scope: MutableMapping[str, Any], headers: Headers, receive: Receive) -> Message:
        signal = _SIGNALS.get(scope["path"])
        if signal is None:
            raise _NotOtlp(404, f"OTLP/HTTP is served on {', '.join(_SIGNALS)}")
        if scope["method"] != "POST":
            raise _NotOtlp(405, "OTLP/HTTP requests are POST requests", (b"allow", b"POST"))
        self._intake.check_token(headers.get(b"authorization"))
        kind, packed = _media_type(headers), _is_gzip(headers)
        if kind not in (_PROTOBUF, _JSON):
            raise _NotOtlp(
                415, "Content-Type must be application/x-protobuf or application/json", (b"accept", _PROTOBUF)
            )
        with self._intake.enter() as held:
            body = await self._read(headers, receive, held)
            held.admit()
            run = asyncio.get_running_loop().run_in_executor
            decoded = partial(_decoded, signal, body, kind == _JSON, packed, held)
            receipt = await run(self._pool, self._intake.take, signal, decoded)
        return export_response(signal, receipt)

    async def _read(self, headers: Headers, receive: Receive, held: Held) -> bytes:
        self._intake.check_size(int(headers.get(b"content-length", b"0")))
        parts: list[bytes] = []
        size = 0
        more = True
        try:
            async with asyncio.timeout(self._read_timeout_s):
                while more:
                    event = await receive()
                    if event["type"] != "http.request":
                        raise _Gone
                    part = event["body"]
                    held.grow(len(part))
                    size += len(part)
                    self._intake.check_size(size)
                    parts.append(part)
                    more = event["more_body"]
        except TimeoutError:
            raise _SlowSender from None
        return b"".join(parts)


class _Answer:
    """Writes one response."""

    def __init__(self, send: Send, receive: Receive, *, as_json: bool) -> None:
        self._send = send
        self._receive = receive
        self._as_json = as_json

    async def send(self, code: int, message: Message, header: tuple[bytes, bytes] | None) -> None:
        """A complete response; the connection may stay open."""
        await self._start(code, message, [] if header is None else [header], more=False)

    async def refuse(self, code: int, status: Message, header: tuple[bytes, bytes] | None) -> None:
        """A google.rpc.Status, and the end of the connection.

        What the sender is still writing is read and thrown away for a while: closing at once would reset the
        connection, and the sender would never see the answer.
        """
        headers = [(b"connection", b"close"), *([] if header is None else [header])]
        await self._start(code, status, headers, more=True)
        try:
            async with asyncio.timeout(_DRAIN_S):
                event: MutableMapping[str, Any] = {"more_body": True}
                while event.get("more_body"):
                    event = await self._receive()
        except (TimeoutError, asyncio.CancelledError):
            pass  # long enough, or the server stops
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self, code: int, message: Message, headers: list[tuple[bytes, bytes]], *, more: bool) -> None:
        body = MessageToJson(message, indent=None).encode() if self._as_json else message.SerializeToString()
        kind = _JSON if self._as_json else _PROTOBUF
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *headers]
        await self._send({"type": "http.response.start", "status": code, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _decoded(signal: Signal, body: bytes, is_json: bool, packed: bool, held: Held) -> bytes:
    """The request as uncompressed protobuf."""
    if packed:
        body = held.gunzip(body)
    if is_json:
        held.grow(_JSON_WEIGHT * len(body))
        body = from_json(signal, body)
    return body


def _media_type(headers: Headers) -> bytes:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower()


def _is_gzip(headers: Headers) -> bool:
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"gzip", b"identity", b""):
        raise _NotOtlp(415, "Content-Encoding must be gzip or identity", (b"accept-encoding", b"gzip, identity"))
    return encoding == b"gzip"


def _header(error: ReceiveError) -> tuple[bytes, bytes] | None:
    if isinstance(error, Unauthenticated):
        return (b"www-authenticate", b"Bearer")
    delay = retry_after(error)
    return None if delay is None else (b"retry-after", b"%d" % max(1, math.ceil(delay)))
