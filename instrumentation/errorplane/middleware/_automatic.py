"""The middlewares put in where the application's framework is imported, without a line of the application's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from errorplane import settings
from errorplane.context import bind, usable_correlation_id
from errorplane.middleware import _asgi, _wsgi
from errorplane.middleware._celery import connect_celery, disconnect_celery
from errorplane.middleware._grpc import grpc_aio_answering, grpc_aio_interceptor, grpc_answering, grpc_interceptor
from errorplane.propagation import Undo, when_imported, wrap

_INTERCEPTORS: Final = 2  # their place among the arguments of both APIs' `server`


def install(environ: Mapping[str, str], active: Callable[[], bool]) -> list[Undo]:
    """Serve what Flask, Starlette, FastAPI, gRPC and Celery are asked for through the middlewares, unless
    `ERRORPLANE_MIDDLEWARE` says no; returns what takes it back."""
    if not settings.flag(environ, settings.MIDDLEWARE):
        return []

    def flask(module: ModuleType) -> list[Undo]:
        def make(previous: Callable[..., Any]) -> Callable[..., Any]:
            def __call__(self: Any, environ: Any, start_response: Any) -> Any:
                if not active():
                    return previous(self, environ, start_response)
                return _wsgi.serve(previous.__get__(self), environ, start_response)

            return __call__

        return [wrap(module.Flask, "__call__", make)]

    def starlette(module: ModuleType) -> list[Undo]:
        def make(previous: Callable[..., Any]) -> Callable[..., Any]:
            async def __call__(self: Any, scope: Any, receive: Any, send: Any) -> None:
                if active():
                    await _asgi.serve(previous.__get__(self), scope, receive, send)
                else:
                    await previous(self, scope, receive, send)

            return __call__

        return [wrap(module.Starlette, "__call__", make)]

    def grpc(module: ModuleType) -> list[Undo]:
        return [wrap(module, "server", _serving_with(grpc_interceptor, grpc_answering, active))]

    def grpc_aio(module: ModuleType) -> list[Undo]:
        return [wrap(module, "server", _serving_with(grpc_aio_interceptor, grpc_aio_answering, active))]

    def celery(_: ModuleType) -> list[Undo]:
        connect_celery()
        return [disconnect_celery]

    return [
        when_imported("flask.app", flask),
        when_imported("starlette.applications", starlette),
        when_imported("grpc", grpc),
        when_imported("grpc.aio", grpc_aio),
        when_imported("celery.signals", celery),
        when_imported("asgi_correlation_id.middleware", lambda module: _asgi_correlation_id(module, active)),
    ]


def _serving_with(first: Callable[[], Any], last: Callable[[], Any], active: Callable[[], bool]) -> Callable[..., Any]:
    """A server with interceptors of ours around all others, and within; the argument may be given by its place, too."""

    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def server(*args: Any, **kwargs: Any) -> Any:
            if active():
                if len(args) > _INTERCEPTORS:
                    given = args[_INTERCEPTORS]
                    args = (*args[:_INTERCEPTORS], [first(), *(given or ()), last()], *args[_INTERCEPTORS + 1 :])
                else:
                    kwargs["interceptors"] = [first(), *(kwargs.get("interceptors") or ()), last()]
            return previous(*args, **kwargs)

        return server

    return make


def _asgi_correlation_id(module: ModuleType, active: Callable[[], bool]) -> list[Undo]:
    """Within that package's middleware its id is ours: it may have refused the one that came, and made another."""

    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(self: Any, app: Any, *args: Any, **kwargs: Any) -> None:
            async def inside(scope: Any, receive: Any, send: Any) -> None:
                found = module.correlation_id.get() if active() else None
                with bind(correlation_id=usable_correlation_id(found) if found else None):
                    await app(scope, receive, send)

            previous(self, inside, *args, **kwargs)

        return __init__

    return [wrap(module.CorrelationIdMiddleware, "__init__", make)]
