"""Channels of gRPC: their target is the host."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, NamedTuple

from errorplane.hooks._replace import Undo
from errorplane.propagation._imports import Install, wrap
from errorplane.propagation._outgoing import extended
from errorplane.propagation._rules import Rules

_CHANNELS: Final = ("insecure_channel", "secure_channel")
# https://grpc.github.io/grpc/core/md_doc_naming.html
_LOCAL: Final = ("unix:", "unix-abstract:", "vsock:")
_RESOLVED: Final = ("dns:", "ipv4:", "ipv6:", "passthrough:")


def grpc_clients(rules: Rules) -> dict[str, Install]:
    """What to do with `grpc` and `grpc.aio` once they are imported."""
    return {"grpc": lambda module: _sync(rules, module), "grpc.aio": lambda module: _aio(rules, module)}


def host_of(target: str) -> str | None:
    """The host of a channel's target; None where it is not one host, or a name that only a service mesh knows.

    >>> host_of("dns:///api.example.com:443"), host_of("[::1]:50051"), host_of("unix:/run/shop.sock"), host_of("xds:///x")
    ('api.example.com', '::1', 'localhost', None)
    """
    if target.startswith(_LOCAL):
        return "localhost"
    scheme = next(filter(target.startswith, _RESOLVED), "")
    rest = target[len(scheme) :]
    if rest.startswith("//"):
        rest = rest[2:].partition("/")[2]
    if "/" in rest or "," in rest or not rest:
        return None
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    return rest if rest.count(":") > 1 else rest.partition(":")[0]


def _sync(rules: Rules, grpc: ModuleType) -> list[Undo]:
    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def channel(target: str, *args: Any, **kwargs: Any) -> Any:
            made = previous(target, *args, **kwargs)
            if not rules.active():
                return made
            return grpc.intercept_channel(made, _sync_interceptor(grpc)(rules, target))

        return channel

    return [wrap(grpc, name, make) for name in _CHANNELS]


def _aio(rules: Rules, aio: ModuleType) -> list[Undo]:
    def make(previous: Callable[..., Any]) -> Callable[..., Any]:
        def channel(target: str, *args: Any, **kwargs: Any) -> Any:
            if rules.active():
                # Last, so that it sees what others have put in. The argument may be given by place, after two others.
                ours = [kind(rules, target) for kind in _aio_interceptors(aio)]
                place = 2 if previous.__name__ == "secure_channel" else 1
                before, given, after = args[: place + 1], args[place + 1 : place + 2], args[place + 2 :]
                if given:
                    args = (*before, [*(given[0] or ()), *ours], *after)
                else:
                    kwargs["interceptors"] = [*(kwargs.get("interceptors") or ()), *ours]
            return previous(target, *args, **kwargs)

        return channel

    return [wrap(aio, name, make) for name in _CHANNELS]


class _CallDetails(NamedTuple):
    """What the interceptors of the synchronous API hand on."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


class _Interceptor:
    """What the interceptors of both APIs share: the metadata of a call for this channel's target."""

    def __init__(self, rules: Rules, target: str) -> None:
        self._rules = rules
        self._target = target

    def metadata(self, given: Any) -> tuple[Any, ...]:
        """With the headers for the host; as it was after `detach`."""
        found = tuple(given or ())
        return extended(self._rules, lambda: host_of(self._target), found) if self._rules.active() else found


@functools.cache
def _sync_interceptor(grpc: ModuleType) -> Callable[[Rules, str], Any]:
    def intercept(self: _Interceptor, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        new = _CallDetails(
            details.method,
            details.timeout,
            self.metadata(details.metadata),
            details.credentials,
            getattr(details, "wait_for_ready", None),
            getattr(details, "compression", None),
        )
        return continuation(new, request)

    kinds = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
    bases = tuple(getattr(grpc, f"{_camel(kind)}ClientInterceptor") for kind in kinds)
    return type("ErrorplaneInterceptor", (_Interceptor, *bases), {f"intercept_{kind}": intercept for kind in kinds})


@functools.cache
def _aio_interceptors(aio: ModuleType) -> list[Callable[[Rules, str], Any]]:
    """One for each kind of call: a channel takes each interceptor for one kind only."""

    async def intercept(self: _Interceptor, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        metadata = aio.Metadata(*self.metadata(details.metadata))
        new = aio.ClientCallDetails(
            details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
        )
        return await continuation(new, request)

    kinds = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
    return [
        type(
            "ErrorplaneInterceptor",
            (_Interceptor, getattr(aio, f"{_camel(kind)}ClientInterceptor")),
            {f"intercept_{kind}": intercept},
        )
        for kind in kinds
    ]


def _camel(kind: str) -> str:
    return kind.title().replace("_", "")
