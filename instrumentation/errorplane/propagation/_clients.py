"""The clients that know whom they call, each changed where one request leaves for one host.

So redirects and retries are decided on anew, and it does not matter whether or when OpenTelemetry's own instrumentation
of a client is put in.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit

from errorplane.hooks import GUARD
from errorplane.hooks._replace import Undo
from errorplane.propagation._imports import Install, wrap
from errorplane.propagation._outgoing import applied, apply
from errorplane.propagation._rules import Rules

_LOCAL_TRANSPORTS: Final = frozenset(("memory", "filesystem"))
# Those of kombu in whose URLs the host is one: in the others it is a cloud's project, namespace or account.
_HOST_TRANSPORTS: Final = frozenset(
    ("amqp", "amqps", "pyamqp", "py-amqp", "librabbitmq", "redis", "rediss", "sentinel", "confluentkafka", "mongodb")
)
_NOWHERE: Final = "localhost"


def clients(rules: Rules) -> dict[str, Install]:
    """What to do with each library once it is imported, by the name of the module."""
    return {
        "urllib3.connectionpool": lambda module: _urllib3(rules, module),
        "httpx": lambda module: _httpx(rules, module),
        "httpx2": lambda module: _httpx(rules, module),
        "urllib.request": lambda module: _urllib(rules, module),
        "aiohttp.client_reqrep": lambda module: _aiohttp(rules, module),
        "kombu.messaging": lambda module: _kombu(rules, module),
    }


def _urllib3(rules: Rules, module: ModuleType) -> list[Undo]:
    """Everything that is built on it too: requests, botocore, the clients of Elasticsearch, ..."""

    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def urlopen(
            self: Any, method: str, url: str, body: Any = None, headers: Any = None, *args: Any, **kwargs: Any
        ) -> Any:
            if rules.active():
                headers = GUARD.run("urllib3", _copied, self, headers)
                GUARD.run("urllib3", _apply_to_pool, rules, self, url, headers)
            return previous(self, method, url, body, headers, *args, **kwargs)

        return urlopen

    return [wrap(module.HTTPConnectionPool, "urlopen", make)]


def _apply_to_pool(rules: Rules, pool: Any, url: str, headers: Any) -> None:
    """Only a request through a proxy names its host; that of any other is the pool's, whatever its path looks like."""
    absolute = url.lower().startswith(("http://", "https://"))
    apply(rules, lambda: urlsplit(url).hostname if absolute else pool.host, headers)


def _copied(pool: Any, headers: Any) -> Any:
    """A redirect of the pool's manager starts from the headers that the caller gave."""
    headers = pool.headers if headers is None else headers
    return headers.copy() if hasattr(headers, "copy") else dict(headers)


def _httpx(rules: Rules, module: ModuleType) -> list[Undo]:
    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def handle_request(self: Any, request: Any) -> Any:
            if not rules.active():
                return previous(self, request)
            with applied(rules, lambda: request.url.host, lambda: request.headers):
                return previous(self, request)

        return handle_request

    def make_async(previous: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_async_request(self: Any, request: Any) -> Any:
            if not rules.active():
                return await previous(self, request)
            with applied(rules, lambda: request.url.host, lambda: request.headers):
                return await previous(self, request)

        return handle_async_request

    return [
        wrap(module.HTTPTransport, "handle_request", make),
        wrap(module.AsyncHTTPTransport, "handle_async_request", make_async),
    ]


def _urllib(rules: Rules, module: ModuleType) -> list[Undo]:
    """Into the headers that urllib itself does not send along after a redirect."""

    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def do_open(self: Any, http_class: Any, req: Any, **kwargs: Any) -> Any:
            if not rules.active():
                return previous(self, http_class, req, **kwargs)
            # Not req.host, which may be a proxy.
            with applied(rules, lambda: urlsplit(req.full_url).hostname, lambda: _UrllibHeaders(req)):
                return previous(self, http_class, req, **kwargs)

        return do_open

    return [wrap(module.AbstractHTTPHandler, "do_open", make)]


class _UrllibHeaders:
    """The two dictionaries of a request of urllib as one carrier."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def items(self) -> list[tuple[str, str]]:
        """Of both."""
        return [*self._request.unredirected_hdrs.items(), *self._request.headers.items()]

    def __setitem__(self, name: str, value: str) -> None:
        self._request.add_unredirected_header(name, value)

    def __delitem__(self, name: str) -> None:
        for headers in (self._request.unredirected_hdrs, self._request.headers):
            headers.pop(name, None)


def _aiohttp(rules: Rules, module: ModuleType) -> list[Undo]:
    """A request of its own is made after each redirect, so there is nothing to take back."""

    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        async def send(self: Any, conn: Any) -> Any:
            if rules.active() and self.method != "CONNECT":  # which goes to a proxy
                GUARD.run("aiohttp", apply, rules, lambda: self.url.host, self.headers)
            return await previous(self, conn)

        return send

    return [wrap(module.ClientRequest, "send", make)]


def _kombu(rules: Rules, module: ModuleType) -> list[Undo]:
    """Celery publishes its tasks with it."""

    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def publish(self: Any, body: Any, *args: Any, **kwargs: Any) -> Any:
            if rules.active() and len(args) < 9:  # else the headers are among them: nothing is added
                headers = dict(kwargs.get("headers") or {})
                GUARD.run("kombu", apply, rules, lambda: broker_of(self), headers)
                kwargs["headers"] = headers
            return previous(self, body, *args, **kwargs)

        return publish

    return [wrap(module.Producer, "publish", make)]


def broker_of(producer: Any) -> str | None:
    """The host of a producer's broker. This machine, if it is in memory or in a folder or behind a socket in the file
    system, or if no host is given, for which kombu takes this machine; None, if the broker has no host of its own."""
    connection = producer.connection
    transport = None if connection is None else connection.transport_cls
    if transport in _LOCAL_TRANSPORTS:
        return _NOWHERE
    if transport not in _HOST_TRANSPORTS:
        return None
    host = connection.hostname or _NOWHERE
    return _NOWHERE if host.startswith("socket:") else str(host)
