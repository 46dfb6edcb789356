"""The small HTTP server for people, probes and Prometheus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from errorplane.otlp._http_receiver import Receive, Send
from errorplane.otlp._http_server import HttpServer
from errorplane.otlp._intake import unexpected

Health = Callable[[], tuple[bool, Mapping[str, Any]]]
Page = Callable[[], tuple[bytes, str]]
"""Returns a body and its content type."""

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_THREADS = 2
_MAX_CONNECTIONS = 64
_PAGE_TIMEOUT_S = 10.0


class AdminServer:
    """GET /healthz, /readyz (503 while not), /metrics, /stats and the ``routes`` given, on ``address``.

    A page that takes longer than 10 s is answered 503.
    Whoever reaches it may read it, so it belongs on a loopback address or behind something that asks who is there.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:4319",
        *,
        healthy: Health,
        ready: Health,
        metrics_page: Page,
        stats: Callable[[], Mapping[str, Any]],
        routes: Mapping[str, Page] | None = None,
        page_timeout_s: float = _PAGE_TIMEOUT_S,
    ) -> None:
        self._routes: dict[str, Callable[[], tuple[int, bytes, str]]] = {
            "/healthz": lambda: _health(*healthy()),
            "/readyz": lambda: _health(*ready()),
            "/metrics": lambda: (200, *metrics_page()),
            "/stats": lambda: (200, json.dumps(stats()).encode(), _JSON),
        }
        self._routes |= {path: _ok(page) for path, page in (routes or {}).items()}
        self._page_timeout_s = page_timeout_s
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="errorplane-admin")
        self._server = HttpServer(address, self._app, max_connections=_MAX_CONNECTIONS)

    def start(self) -> int:
        """Listen; returns the port. Raises ``ListenError``."""
        return self._server.start()

    def stop(self, grace_s: float) -> None:
        """Stop answering; waits at most about ``grace_s`` seconds for what is under way."""
        self._server.stop(grace_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _app(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        code, body, kind = await self._answer(scope)
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        headers += [(b"allow", b"GET, HEAD")] if code == 405 else []
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: MutableMapping[str, Any]) -> tuple[int, bytes, str]:
        page = self._routes.get(scope["path"])
        if page is None:
            return 404, f"there is {', '.join(self._routes)}\n".encode(), _TEXT
        if scope["method"] not in ("GET", "HEAD"):
            return 405, b"only GET and HEAD\n", _TEXT
        try:
            async with asyncio.timeout(self._page_timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, page)
        except TimeoutError:
            return 503, f"the page is not ready after {self._page_timeout_s:g} s\n".encode(), _TEXT
        except Exception as error:  # noqa: BLE001  # the boundary guard: one page must not take the others down
            unexpected(error, f"the page {scope['path']} failed")
            return 500, b"internal error; the log of the processor says where\n", _TEXT


def _health(good: bool, details: Mapping[str, Any]) -> tuple[int, bytes, str]:
    return 200 if good else 503, json.dumps(details).encode(), _JSON


def _ok(page: Page) -> Callable[[], tuple[int, bytes, str]]:
    return lambda: (200, *page())
