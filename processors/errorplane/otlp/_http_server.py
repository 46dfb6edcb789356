"""uvicorn in a thread, with the bounds on connections, headers and waiting that it does not have itself."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from errorplane.otlp._address import bind
from errorplane.otlp._errors import ListenError
from errorplane.otlp._tls import TlsFiles, server_context

_START_TIMEOUT_S = 10.0
_IDLE_TIMEOUT_S = 65  # longer than the idle time of common clients and proxies, so that they close first
_HEADER_TIMEOUT_S = 10.0
_MAX_HEADER_BYTES = 64 << 10
_MAX_CONNECTIONS = 1024


class HttpServer:
    """Serves an ASGI application over HTTP/1.1 on ``address`` until it is stopped.

    At most 1,024 connections are open; the next gets 503. Request headers have 10 s and 64 KiB.
    """

    def __init__(
        self,
        address: str,
        app: Any,
        tls: TlsFiles | None = None,
        *,
        max_connections: int = _MAX_CONNECTIONS,
        header_timeout_s: float = _HEADER_TIMEOUT_S,
    ) -> None:
        self._address = address
        config = Config(
            app,
            http=_bounded(max_connections, header_timeout_s),
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_IDLE_TIMEOUT_S,
        )
        self._tls = tls
        self._server = Server(config)
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Listen; returns the port. Raises ``ListenError``."""
        context = None if self._tls is None else server_context(self._tls)
        self._server.config.load()
        self._server.config.ssl = context
        sock = bind(self._address)
        port = int(sock.getsockname()[1])
        self._thread = threading.Thread(target=self._server.run, args=([sock],), name="errorplane-http", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise ListenError(f"cannot listen on {self._address}: the HTTP server did not start")
            time.sleep(0.005)
        return port

    def stop(self, grace_s: float) -> None:
        """Close idle connections, wait for requests under way for at most about ``grace_s`` seconds, then close."""
        if self._thread is None:
            return
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        self._thread.join(grace_s + 5.0)


def _bounded(max_connections: int, header_timeout_s: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, with limits that a request cannot bring itself: uvicorn makes one instance a connection."""

    class Bounded(HttpToolsProtocol):
        _timer: asyncio.TimerHandle | None = None
        _in_message = False
        _with_body = False
        _other_bytes = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                _answer_and_close(transport, 503, b"too many connections are open: send again later", b"5")
            else:
                self._expect_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unset_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            self._with_body = False
            self._unset_keepalive_if_required()
            try:
                self.parser.feed_data(data)
            except HttpParserUpgrade as upgrade:
                self._stay(data[upgrade.args[0] :])
                return
            except HttpParserError:
                self.send_400_response("this is not HTTP/1.1")
                return
            self._count(len(data))

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_message, self._other_bytes = True, 0
            self._expect_headers()

        def on_headers_complete(self) -> None:
            if self._is_upgrade():
                return
            self._unset_timer()
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._with_body = True
            super().on_body(body)

        def on_message_complete(self) -> None:
            if self._is_upgrade():
                return
            self._in_message = False
            super().on_message_complete()

        def _is_upgrade(self) -> bool:
            return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

        def _stay(self, rest: bytes) -> None:
            """Take the request that asks for another protocol as if it did not (RFC 9110 section 7.8).

            The parser believes that everything after such a head is of that protocol, the body too: it would be lost.
            Java's HTTP client asks for HTTP/2 in this way.
            """
            version = self.parser.get_http_version().encode()
            lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
            lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = HttpRequestParser(self)
            self.data_received(b"\r\n".join([*lines, b"", rest]))

        def _count(self, size: int) -> None:
            """Bound headers, trailers and chunk extensions, which are gathered or read without end otherwise."""
            self._other_bytes = 0 if self._with_body or not self._in_message else self._other_bytes + size
            if self._other_bytes > _MAX_HEADER_BYTES and not self.transport.is_closing():
                _answer_and_close(self.transport, 431, b"the request headers are larger than 64 KiB")

        def _expect_headers(self) -> None:
            self._unset_timer()
            self._timer = self.loop.call_later(header_timeout_s, self._headers_are_late)

        def _headers_are_late(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._expect_headers()  # a pipelined request waits for the answer to the one before
            elif not self.transport.is_closing():
                _answer_and_close(self.transport, 408, b"the request headers did not come in time")

        def _unset_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Bounded


def _answer_and_close(transport: asyncio.Transport, code: int, text: bytes, retry_after: bytes | None = None) -> None:
    lines = [b"HTTP/1.1 %d " % code, b"content-type: text/plain", b"content-length: %d" % len(text)]
    if retry_after is not None:
        lines.append(b"retry-after: " + retry_after)
    transport.write(b"\r\n".join([*lines, b"connection: close", b"", text]))
    transport.close()
