"""gRPC servers: both APIs, all four kinds of calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from errorplane.hooks import GUARD
from errorplane.middleware._serving import RESPONSE_HEADER, response_id, serving

if TYPE_CHECKING:
    import grpc
    import grpc.aio

T = TypeVar("T")
_KINDS: Final = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}


@functools.cache
def grpc_interceptor() -> grpc.ServerInterceptor[Any, Any]:
    """For `grpc.server(..., interceptors=[...])`: context fields of each call, and `x-request-id` in its trailing
    metadata. Put it first, so that the span of OpenTelemetry's interceptor has them."""
    import grpc

    class Interceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]  # a generic in the stubs only
        def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
            return _wrapped(continuation(handler_call_details), _call, _calls)

    return Interceptor()


@functools.cache
def grpc_aio_interceptor() -> grpc.aio.ServerInterceptor[Any, Any]:
    """The same for `grpc.aio.server(..., interceptors=[...])`."""
    from grpc import aio

    class Interceptor(aio.ServerInterceptor):  # type: ignore[type-arg]  # as above
        async def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
            return _wrapped(await continuation(handler_call_details), _aio, _aio)

    return Interceptor()


def _wrapped(handler: Any, unary: Callable[..., Any], stream: Callable[..., Any]) -> Any:
    """The handler of a method with its function wrapped; `stream` wraps those that answer with several messages."""
    if handler is None:
        return None
    import grpc

    kind = _KINDS[handler.request_streaming, handler.response_streaming]
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    behavior = (stream if handler.response_streaming else unary)(getattr(handler, kind))
    return make(
        behavior, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
    )


def _call(behavior: Callable[[Any, Any], T]) -> Callable[[Any, Any], T]:
    def call(request: Any, context: Any) -> T:
        with serving(context.invocation_metadata()):
            GUARD.run("middleware", _answer, context)
            return behavior(request, context)

    return call


def _calls(behavior: Callable[[Any, Any], Iterator[T]]) -> Callable[[Any, Any], Iterator[T]]:
    """gRPC may ask for each message in another thread, so all of them are made in one context."""

    def call(request: Any, context: Any) -> Iterator[T]:
        messages = _messages(behavior, request, context)
        own = copy_context()
        try:
            while True:
                try:
                    message = own.run(next, messages)
                except StopIteration:
                    return
                yield message
        finally:
            own.run(messages.close)  # a call that was cancelled is not asked for the rest

    return call


def _messages(behavior: Callable[[Any, Any], Iterator[T]], request: Any, context: Any) -> Generator[T, None, None]:
    with serving(context.invocation_metadata()):
        GUARD.run("middleware", _answer, context)
        yield from behavior(request, context)


def _aio(behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """gRPC looks at the function to see how it wants to be run, so each kind is wrapped by one of its kind."""
    if inspect.isasyncgenfunction(behavior):

        async def messages(request: Any, context: Any) -> AsyncIterator[Any]:
            with serving(context.invocation_metadata()):
                GUARD.run("middleware", _answer, context)
                async for message in behavior(request, context):
                    yield message

        return messages
    if inspect.iscoroutinefunction(behavior):

        async def call(request: Any, context: Any) -> Any:
            with serving(context.invocation_metadata()):
                GUARD.run("middleware", _answer, context)
                return await behavior(request, context)

        return call
    return _calls(behavior) if inspect.isgeneratorfunction(behavior) else _call(behavior)


def _answer(context: Any) -> None:
    """Before the call is run: what it sets as trailing metadata itself takes the place of this."""
    if (found := response_id()) is not None:
        context.set_trailing_metadata(((RESPONSE_HEADER, found),))
