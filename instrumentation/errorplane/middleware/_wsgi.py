"""WSGI (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any

from errorplane.context import read_headers
from errorplane.hooks import GUARD
from errorplane.middleware._serving import MARK, RESPONSE_HEADER, NewId, response_id, serving

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class WsgiMiddleware:
    """Around a WSGI application: context fields of each request, and `X-Request-ID` on its response.

    A request runs in a context of its own, its response's body too, so that no field lasts longer than the request.
    Where no usable id comes in, the id of the trace stands for it; `new_id` makes one for applications without traces.
    """

    def __init__(self, app: WsgiApp, *, new_id: NewId | None = None) -> None:
        self._app = app
        self._new_id = new_id

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return serve(self._app, environ, start_response, self._new_id)


def serve(
    app: WsgiApp, environ: Environ, start_response: StartResponse, new_id: NewId | None = None
) -> Iterable[bytes]:
    """One request; as it is if a middleware is around it already."""
    if MARK in environ:
        return app(environ, start_response)
    environ[MARK] = True
    context = copy_context()
    return context.run(_serve, app, environ, start_response, context, serving(environ, new_id))


def _serve(
    app: WsgiApp, environ: Environ, start_response: StartResponse, context: Context, around: serving
) -> Iterable[bytes]:
    around.__enter__()

    def answer(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        return start_response(status, GUARD.run("middleware", _with_id, headers) or headers, *error)

    try:
        body = app(environ, answer)
    except BaseException as error:
        around.__exit__(type(error), error, error.__traceback__)
        raise
    if isinstance(body, list | tuple) or _is_file(body, environ):
        around.__exit__(None, None, None)
        return body
    return _Body(body, context, around)


def _with_id(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    found = response_id()
    if found is None or read_headers(headers, {RESPONSE_HEADER}):
        return headers
    return [*headers, ("X-Request-ID", found)]


def _is_file(body: Iterable[bytes], environ: Environ) -> bool:
    """What the server sends by itself must reach it as it is."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class _Body:
    """Makes each part of a response's body in the context of its request."""

    def __init__(self, body: Iterable[bytes], context: Context, around: serving) -> None:
        self._body = body
        self._context = context
        self._around = around
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._parts is None:
            self._parts = self._context.run(iter, self._body)
        return self._context.run(next, self._parts)

    def close(self) -> None:
        """As PEP 3333 says, which every server calls: the application's own, if it has one."""
        self._context.run(self._close)

    def _close(self) -> None:
        try:
            if (close := getattr(self._body, "close", None)) is not None:
                close()
        finally:
            self._around.__exit__(None, None, None)
