"""Real gRPC servers and channels of both APIs, at an address of ours and at a third party's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from typing import Any, NamedTuple

import grpc
import grpc.aio
import pytest
from opentelemetry.instrumentation.grpc import (
    GrpcAioInstrumentorClient,
    GrpcAioInstrumentorServer,
    GrpcInstrumentorClient,
    GrpcInstrumentorServer,
    aio_server_interceptor,
    server_interceptor,
)
from opentelemetry.sdk.trace import TracerProvider
from tests.context.conftest import Attach

from errorplane.context import bind, fields
from errorplane.errors import CORRELATION_ID, TENANT
from errorplane.middleware import grpc_interceptor
from errorplane.testing import Capture

OURS, THIRD_PARTY = "127.0.0.1", "127.0.0.2"
HOSTS = {"ERRORPLANE_BAGGAGE_HOSTS": OURS}
KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
Told = list[tuple[Mapping[str, str], Mapping[str, str]]]
"""The metadata of each call, and the context fields in its handler."""


def _see(told: Told, context: Any) -> None:
    told.append((dict(context.invocation_metadata()), dict(fields())))


def _handlers(told: Told) -> dict[str, Callable[..., Any]]:
    def one(request: Any, context: Any) -> bytes:
        _see(told, context)
        return b"x"

    def several(request: Any, context: Any) -> Iterator[bytes]:
        for _ in range(2):
            _see(told, context)
            yield b"x"

    return {kind: several if kind.endswith("stream") else one for kind in KINDS}


def _aio_handlers(told: Told) -> dict[str, Callable[..., Any]]:
    async def one(request: Any, context: Any) -> bytes:
        _see(told, context)
        return b"x"

    async def several(request: Any, context: Any) -> AsyncIterator[bytes]:
        for _ in range(2):
            _see(told, context)
            yield b"x"

    return {kind: several if kind.endswith("stream") else one for kind in KINDS}


def _generic(handlers: Mapping[str, Callable[..., Any]]) -> grpc.GenericRpcHandler[Any, Any]:
    methods = {kind: getattr(grpc, f"{kind}_rpc_method_handler")(handler) for kind, handler in handlers.items()}
    return grpc.method_handlers_generic_handler("shop.Cart", methods)


@contextmanager
def serving(told: Told, host: str) -> Iterator[str]:
    """A server at an address; yields its target."""
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((_generic(_handlers(told)),))
    port = server.add_insecure_port(f"{host}:0")
    server.start()
    try:
        yield f"{host}:{port}"
    finally:
        server.stop(0).wait(10)


def call(target: str, kind: str = "unary_unary") -> Mapping[str, str]:
    """One call; returns the trailing metadata of the answer."""
    with grpc.insecure_channel(target) as channel:
        method = getattr(channel, kind)(f"/shop.Cart/{kind}")
        request: Any = iter((b"x",)) if kind.startswith("stream") else b"x"
        if kind.endswith("stream"):
            answer = method(request, timeout=10)
            assert list(answer) == [b"x", b"x"]
        else:
            answer = method.future(request, timeout=10)
            assert answer.result() == b"x"
        return dict(answer.trailing_metadata() if hasattr(answer, "trailing_metadata") else ())


async def call_aio(target: str, kind: str) -> Mapping[str, str]:
    """The same by the other API."""
    async with grpc.aio.insecure_channel(target) as channel:
        method = getattr(channel, kind)(f"/shop.Cart/{kind}")

        async def requests() -> AsyncIterator[bytes]:
            yield b"x"

        answer = method(requests() if kind.startswith("stream") else b"x", timeout=10)
        if kind.endswith("stream"):
            assert [message async for message in answer] == [b"x", b"x"]
        else:
            assert await answer == b"x"
        trailing = getattr(answer, "trailing_metadata", None)
        return dict(await trailing()) if trailing else {}


def assert_told(metadata: Mapping[str, str]) -> None:
    assert set(metadata["baggage"].split(",")) == {"tenant=acme", "correlation_id=c-17"}
    assert metadata["x-request-id"] == "c-17"


@pytest.fixture(params=[False, True], ids=["alone", "with OpenTelemetry's"])
def instrumented(request: pytest.FixtureRequest, attached: Attach) -> Iterator[None]:
    """Attached, and then the instrumentations of OpenTelemetry put in or not."""
    attached(HOSTS)
    kinds = (
        GrpcInstrumentorClient,
        GrpcInstrumentorServer,
        GrpcAioInstrumentorClient,
        GrpcAioInstrumentorServer,
    )
    instrumentors = [kind() for kind in kinds] if request.param else []
    for instrumentor in instrumentors:
        instrumentor.instrument()
    yield
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_each_kind(instrumented: None, carrying: None, kind: str) -> None:
    """Metadata goes to an address of ours and not to a third party's; the handler has the fields, all along its stream."""
    told: Told = []
    with bind(correlation_id="c-17"), serving(told, OURS) as ours, serving(told, THIRD_PARTY) as theirs:
        call(ours, kind)
        here = list(told)
        told.clear()
        call(theirs, kind)
    for metadata, found in here:
        assert_told(metadata)
        assert found[CORRELATION_ID] == "c-17"
    assert len(here) == len(told) == (2 if kind.endswith("stream") else 1)
    for metadata, _ in told:
        assert not {"baggage", "x-request-id"} & set(metadata)


@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_each_kind_with_asyncio(instrumented: None, carrying: None, kind: str) -> None:
    """The same with `grpc.aio` on both sides."""
    told: Told = []

    async def both() -> list[int]:
        counts = []
        for host in (OURS, THIRD_PARTY):
            server = grpc.aio.server()
            server.add_generic_rpc_handlers((_generic(_aio_handlers(told)),))
            port = server.add_insecure_port(f"{host}:0")
            await server.start()
            with bind(correlation_id="c-17"):
                await asyncio.wait_for(call_aio(f"{host}:{port}", kind), 20)
            await server.stop(0)
            counts.append(len(told))
        return counts

    first, _ = asyncio.run(both())
    for metadata, found in told[:first]:
        assert_told(metadata)
        assert found[CORRELATION_ID] == "c-17"
    assert told[first:]
    for metadata, _ in told[first:]:
        assert not {"baggage", "x-request-id"} & set(metadata)


def test_metadata_of_the_code_itself_is_decided_on_too(attached: Attach) -> None:
    """Baggage that an application puts into the metadata of a call by hand."""
    attached(HOSTS)
    told: Told = []
    given = (("baggage", "tenant=acme,cart=17"), ("mine", "1"))
    for host in (OURS, THIRD_PARTY):
        with serving(told, host) as target, grpc.insecure_channel(target) as channel:
            channel.unary_unary("/shop.Cart/unary_unary", None, None)(b"x", timeout=10, metadata=given)
    (ours, _), (theirs, _) = told
    assert (ours["baggage"], ours["mine"]) == ("tenant=acme", "1")
    assert ("baggage" in theirs, theirs["mine"]) == (False, "1")


def test_messages_of_a_stream_may_be_asked_for_in_several_contexts() -> None:
    """As gRPC does from the threads of its pool: each is made with the fields of the call."""

    class Call(NamedTuple):
        metadata: tuple[tuple[str, str], ...]

        def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
            return self.metadata

        def trailing_metadata(self) -> None:
            pass

        def set_trailing_metadata(self, _: object) -> None:
            pass

    class Handlers(NamedTuple):
        request_streaming: bool
        response_streaming: bool
        request_deserializer: None
        response_serializer: None
        unary_stream: Callable[[Any, Any], Iterator[str]]

    def several(request: Any, context: Any) -> Iterator[str]:
        for _ in range(3):
            yield fields()[CORRELATION_ID]

    interceptor = grpc_interceptor()
    handler = interceptor.intercept_service(lambda _: Handlers(False, True, None, None, several), None)  # type: ignore[arg-type,return-value]  # what is asked of them
    assert handler is not None
    assert handler.unary_stream is not None
    call: Any = Call((("x-request-id", "c-17"),))
    messages = handler.unary_stream(b"x", call)
    assert [Context().run(next, messages) for _ in range(3)] == ["c-17"] * 3


def test_the_answer_says_by_which_id_the_call_can_be_found(attached: Attach) -> None:
    """In its trailing metadata; the fields end with the call."""
    attached(HOSTS)
    told: Told = []
    with serving(told, OURS) as target:
        with bind(correlation_id="c-17"):
            assert call(target)["x-request-id"] == "c-17"
        assert "x-request-id" not in call(target)
    assert [found.get(CORRELATION_ID) for _, found in told] == ["c-17", None]


class _Status(NamedTuple):
    """What `abort_with_status` takes."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str], ...]


def _fails(request: Any, context: Any) -> bytes:
    raise ValueError(request)


def _ends_with_status(request: Any, context: Any) -> bytes:
    context.abort_with_status(_Status(grpc.StatusCode.NOT_FOUND, "no cart", (("cart", "17"),)))
    return b""


def _sets_metadata(request: Any, context: Any) -> bytes:
    context.set_trailing_metadata((("cart", "17"),))
    return b"x"


async def _fails_aio(request: Any, context: Any) -> bytes:
    raise ValueError(request)


async def _ends_aio(request: Any, context: Any) -> bytes:
    await context.abort(grpc.StatusCode.NOT_FOUND)
    return b""


@pytest.mark.parametrize("handler", [_fails, _ends_with_status, _sets_metadata])
def test_each_answer_leads_to_its_trace_where_no_id_came(attached: Attach, handler: Callable[..., bytes]) -> None:
    """An error too, and beside the metadata of the call itself; OpenTelemetry's interceptor starts the trace."""
    attached(HOSTS)
    with Capture() as capture:
        theirs = server_interceptor(tracer_provider=capture.tracer_provider)  # type: ignore[no-untyped-call]  # it has no types
        server = grpc.server(ThreadPoolExecutor(1), interceptors=[theirs])
        server.add_generic_rpc_handlers((_generic({"unary_unary": handler}),))
        port = server.add_insecure_port(f"{OURS}:0")
        server.start()
        with grpc.insecure_channel(f"{OURS}:{port}") as channel:
            answer = channel.unary_unary("/shop.Cart/unary_unary", None, None).future(b"x", timeout=10)
            metadata = dict(answer.trailing_metadata())
        server.stop(0).wait(10)
        context = capture.spans["/shop.Cart/unary_unary"].context
    assert context is not None
    assert metadata["x-request-id"] == f"{context.trace_id:032x}"
    assert ("cart" in metadata) is (handler is not _fails)


@pytest.mark.parametrize("handler", [_fails_aio, _ends_aio])
def test_each_answer_leads_to_its_trace_with_asyncio(attached: Attach, handler: Callable[..., Any]) -> None:
    """The same by the other API."""
    attached(HOSTS)

    async def ask(tracer_provider: TracerProvider) -> Mapping[str, Any]:
        theirs = aio_server_interceptor(tracer_provider=tracer_provider)  # type: ignore[no-untyped-call]  # it has no types
        server = grpc.aio.server(interceptors=[theirs])
        server.add_generic_rpc_handlers((_generic({"unary_unary": handler}),))
        port = server.add_insecure_port(f"{OURS}:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"{OURS}:{port}") as channel:
            answer = channel.unary_unary("/shop.Cart/unary_unary", None, None)(b"x", timeout=10)
            metadata = dict(await answer.trailing_metadata())
        await server.stop(0)
        return metadata

    with Capture() as capture:
        metadata = asyncio.run(ask(capture.tracer_provider))
        context = capture.spans["/shop.Cart/unary_unary"].context
    assert context is not None
    assert metadata["x-request-id"] == f"{context.trace_id:032x}"


def test_the_span_of_the_server_has_the_fields(attached: Attach, carrying: None) -> None:
    """Ours stands around OpenTelemetry's interceptor, which starts it; the tenant is among the baggage."""
    attached(HOSTS)
    with Capture() as capture:
        told: Told = []
        theirs = server_interceptor(tracer_provider=capture.tracer_provider)  # type: ignore[no-untyped-call]  # it has no types
        server = grpc.server(ThreadPoolExecutor(1), interceptors=[theirs])
        server.add_generic_rpc_handlers((_generic(_handlers(told)),))
        port = server.add_insecure_port(f"{OURS}:0")
        server.start()
        with bind(correlation_id="c-17"):
            call(f"{OURS}:{port}")
        server.stop(0).wait(10)
        attributes = capture.spans["/shop.Cart/unary_unary"].attributes or {}
    assert (attributes[CORRELATION_ID], attributes[TENANT]) == ("c-17", "acme")


def test_a_method_that_is_not_there_stays_so(attached: Attach) -> None:
    """The error of gRPC itself."""
    attached(HOSTS)
    with serving([], OURS) as target, grpc.insecure_channel(target) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/shop.Cart/none", None, None)(b"x", timeout=10)
        assert isinstance(raised.value, grpc.Call)
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
