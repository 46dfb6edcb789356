"""gRPC servers: both APIs, all four kinds of calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractContextManager
from contextvars import copy_context
from types import TracebackType
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


Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]


class _answering:
    """`x-request-id` in the trailing metadata of a call: before it runs, for what ends it at once, and after it, for what
    has put other metadata in the place of this."""

    __slots__ = ("_context",)

    def __init__(self, context: Any) -> None:
        self._context = context

    def __enter__(self) -> None:
        GUARD.run("middleware", _answer, self._context)

    def __exit__(self, *_: object) -> None:
        GUARD.run("middleware", _answer, self._context)


class _served(serving):
    """The fields of a call, and that."""

    __slots__ = ("_answering",)

    def __init__(self, context: Any) -> None:
        super().__init__(context.invocation_metadata())
        self._answering = _answering(context)

    def __enter__(self) -> None:
        super().__enter__()
        self._answering.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._answering.__exit__()
        super().__exit__(kind, error, traceback)


Around = Callable[[Any], AbstractContextManager[None]]


def grpc_interceptor() -> grpc.ServerInterceptor[Any, Any]:
    """For `grpc.server(..., interceptors=[...])`: context fields of each call, and `x-request-id` in its trailing
    metadata. Put it first, so that the span of OpenTelemetry's interceptor has them."""
    return _interceptor(functools.partial(_call, _served), _calls)


def grpc_aio_interceptor() -> grpc.aio.ServerInterceptor[Any, Any]:
    """The same for `grpc.aio.server(..., interceptors=[...])`."""
    return _aio_interceptor(functools.partial(_aio, _served, _calls))


def grpc_answering() -> grpc.ServerInterceptor[Any, Any]:
    """The answer alone. Within OpenTelemetry's interceptor it knows the id of the trace, for calls that bring none."""
    return _interceptor(functools.partial(_call, _answering), functools.partial(_stream, _answering))


def grpc_aio_answering() -> grpc.aio.ServerInterceptor[Any, Any]:
    """The same for the other API."""
    return _aio_interceptor(functools.partial(_aio, _answering, functools.partial(_stream, _answering)))


def _interceptor(unary: Wrapper, stream: Wrapper) -> grpc.ServerInterceptor[Any, Any]:
    import grpc

    class Interceptor(grpc.ServerInterceptor):  # type: ignore[type-arg]  # a generic in the stubs only
        def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
            return _wrapped(continuation(handler_call_details), unary, stream)

    return Interceptor()


def _aio_interceptor(wrapper: Wrapper) -> grpc.aio.ServerInterceptor[Any, Any]:
    from grpc import aio

    class Interceptor(aio.ServerInterceptor):  # type: ignore[type-arg]  # as above
        async def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
            return _wrapped(await continuation(handler_call_details), wrapper, wrapper)

    return Interceptor()


def _wrapped(handler: Any, unary: Wrapper, stream: Wrapper) -> Any:
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


def _call(around: Around, behavior: Callable[[Any, Any], T]) -> Callable[[Any, Any], T]:
    def call(request: Any, context: Any) -> T:
        with around(context):
            return behavior(request, context)

    return call


def _stream(
    around: Around, behavior: Callable[[Any, Any], Iterator[T]]
) -> Callable[[Any, Any], Generator[T, None, None]]:
    def messages(request: Any, context: Any) -> Generator[T, None, None]:
        with around(context):
            yield from behavior(request, context)

    return messages


def _calls(behavior: Callable[[Any, Any], Iterator[T]]) -> Callable[[Any, Any], Iterator[T]]:
    """gRPC may ask for each message in another thread, so all of them are made in one context."""
    stream = _stream(_served, behavior)

    def call(request: Any, context: Any) -> Iterator[T]:
        messages = stream(request, context)
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


def _aio(around: Around, stream: Wrapper, behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """gRPC looks at the function to see how it wants to be run, so each kind is wrapped by one of its kind; `stream`
    wraps generators that are none of asyncio's."""
    if inspect.isasyncgenfunction(behavior):

        async def messages(request: Any, context: Any) -> AsyncIterator[Any]:
            with around(context):
                async for message in behavior(request, context):
                    yield message

        return messages
    if inspect.iscoroutinefunction(behavior):

        async def call(request: Any, context: Any) -> Any:
            with around(context):
                return await behavior(request, context)

        return call
    return stream(behavior) if inspect.isgeneratorfunction(behavior) else _call(around, behavior)


def _answer(context: Any) -> None:
    found = response_id()
    given = tuple(context.trailing_metadata() or ())
    if found is not None and all(name != RESPONSE_HEADER for name, _ in given):
        context.set_trailing_metadata((*given, (RESPONSE_HEADER, found)))
