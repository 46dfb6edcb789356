"""ASGI 3."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from errorplane.context import bind, read_headers, usable_correlation_id
from errorplane.hooks import GUARD
from errorplane.middleware._serving import MARK, RESPONSE_HEADER, NewId, response_id, serving

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_SERVED: Final = frozenset(("http", "websocket"))
_ANSWERS: Final = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
_HEADER: Final = RESPONSE_HEADER.encode()


class AsgiMiddleware:
    """Around an ASGI application: context fields of each request and WebSocket, and `X-Request-ID` on its response.

    Messages pass as they come, none is held back. Within asgi-correlation-id's middleware it takes that one's id.
    Where no usable id comes in, the id of the trace stands for it; `new_id` makes one for applications without traces.
    """

    def __init__(self, app: AsgiApp, *, new_id: NewId | None = None) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve(self._app, scope, receive, send, self._new_id)


async def serve(app: AsgiApp, scope: Scope, receive: Receive, send: Send, new_id: NewId | None = None) -> None:
    """One request; as it is if a middleware is around it already, or if it is none."""
    if scope["type"] not in _SERVED:
        await app(scope, receive, send)
        return
    theirs = _of_asgi_correlation_id()
    if theirs is not None:
        with serving(scope.get("headers")), bind(correlation_id=theirs):
            await app(scope, receive, send)  # that one puts the header on every answer itself
        return
    if MARK in scope:
        await app(scope, receive, send)
        return
    scope[MARK] = True

    async def answer(message: Message) -> None:
        if message["type"] in _ANSWERS:
            message = GUARD.run("middleware", _with_id, message) or message
        await send(message)

    with serving(scope.get("headers"), new_id):
        await app(scope, receive, answer)


def _with_id(message: Message) -> Message:
    headers = list(message.get("headers") or ())
    found = response_id()
    if found is None or read_headers(headers, {RESPONSE_HEADER}):
        return message
    return {**message, "headers": [*headers, (_HEADER, found.encode())]}


def _of_asgi_correlation_id() -> str | None:
    """The id in the `ContextVar` of the package asgi-correlation-id, where its middleware is around us."""
    module = sys.modules.get("asgi_correlation_id")
    variable = getattr(module, "correlation_id", None)
    found = variable.get(None) if variable is not None else None
    return usable_correlation_id(found) if isinstance(found, str) else None
