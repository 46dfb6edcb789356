"""The small HTTP server for people, probes and Prometheus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
_MAX_BODY_BYTES = 64 << 10
_PAGE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class AdminCall:
    """What somebody asks of a handler: ``rest`` is the path after its own, ``client`` the address it comes from.

    Names of headers are in lower case.
    """

    method: str
    rest: str
    headers: Mapping[str, str]
    body: bytes
    client: str


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """A JSON document, and the status code that it comes with."""

    code: int
    document: Mapping[str, Any]


Handler = Callable[[AdminCall], AdminAnswer]
_Answer = tuple[int, bytes, str]


class AdminServer:
    """GET /healthz, /readyz (503 while not), /metrics, /stats and the ``routes`` given, on ``address``.

    ``handlers`` answer calls by any method; one whose path ends with / answers for everything below it. A body has at
    most 64 KiB. A page that takes longer than 10 s, its body included, is answered 503.
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
        handlers: Mapping[str, Handler] | None = None,
        page_timeout_s: float = _PAGE_TIMEOUT_S,
    ) -> None:
        self._routes: dict[str, Callable[[], _Answer]] = {
            "/healthz": lambda: _health(*healthy()),
            "/readyz": lambda: _health(*ready()),
            "/metrics": lambda: (200, *metrics_page()),
            "/stats": lambda: (200, json.dumps(stats()).encode(), _JSON),
        }
        self._routes |= {path: _ok(page) for path, page in (routes or {}).items()}
        self._handlers = dict(handlers or {})
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
        code, body, kind = await self._answer(scope, receive)
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
        headers += [(b"allow", b"GET, HEAD")] if code == 405 else []
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive) -> _Answer:
        try:
            async with asyncio.timeout(self._page_timeout_s):
                page = await self._page(scope, receive)
                return await asyncio.get_running_loop().run_in_executor(self._pool, page)
        except TimeoutError:
            return 503, f"the page is not ready after {self._page_timeout_s:g} s\n".encode(), _TEXT
        except _Refused as refused:
            return refused.code, f"{refused}\n".encode(), _TEXT
        except Exception as error:  # noqa: BLE001  # the boundary guard: one page must not take the others down
            unexpected(error, f"the page /{scope['path'].split('/')[1]} failed")
            return 500, b"internal error; the log of the processor says where\n", _TEXT

    async def _page(self, scope: MutableMapping[str, Any], receive: Receive) -> Callable[[], _Answer]:
        """What makes the answer, to be called where it may wait; raises ``_Refused``."""
        path, method = scope["path"], scope["method"]
        for own, handler in self._handlers.items():
            if path == own or (own.endswith("/") and path.startswith(own)):
                call = _call(scope, path[len(own) :], await _body(receive))
                return lambda: _document(handler(call))
        page = self._routes.get(path)
        if page is None:
            raise _Refused(404, f"there is {', '.join((*self._routes, *self._handlers))}")
        if method not in ("GET", "HEAD"):
            raise _Refused(405, "only GET and HEAD")
        return page


class _Refused(Exception):
    """A call that no page answers: the status code, and why."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def _call(scope: MutableMapping[str, Any], rest: str, body: bytes) -> AdminCall:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client, _ = scope.get("client") or ("unknown", 0)
    return AdminCall(scope["method"], rest, headers, body, client)


async def _body(receive: Receive) -> bytes:
    body = b""
    event: MutableMapping[str, Any] = {"more_body": True}
    while event.get("more_body"):
        event = await receive()
        body += event.get("body", b"")
        if len(body) > _MAX_BODY_BYTES:
            raise _Refused(413, "the body is longer than 64 KiB")
    return body


def _document(answer: AdminAnswer) -> _Answer:
    return answer.code, json.dumps(answer.document).encode(), _JSON


def _health(good: bool, details: Mapping[str, Any]) -> _Answer:
    return 200 if good else 503, json.dumps(details).encode(), _JSON


def _ok(page: Page) -> Callable[[], _Answer]:
    return lambda: (200, *page())
