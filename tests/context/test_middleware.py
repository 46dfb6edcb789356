"""Requests through WSGI and ASGI, and through real applications of Flask, FastAPI and Starlette."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextvars import ContextVar
from io import BytesIO
from types import ModuleType
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import httpx
import pytest
from fastapi import FastAPI
from flask import Flask, Response
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware as OtelAsgi
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket
from tests.context.conftest import Attach

from errorplane.context import bind, fields, set_tenant
from errorplane.errors import CORRELATION_ID, TENANT
from errorplane.middleware import AsgiMiddleware, WsgiMiddleware
from errorplane.testing import Capture

ID = {"X-Request-ID": "c-17"}


@pytest.fixture
def capture() -> Iterator[Capture]:
    with Capture() as capture:
        yield capture


def traced(flask: Flask, capture: Capture) -> None:
    """As `opentelemetry-instrument` does."""
    instrumentor: Any = FlaskInstrumentor()
    instrumentor.instrument_app(flask, tracer_provider=capture.tracer_provider)


def ask_wsgi(app: Callable[..., Iterable[bytes]], **environ: str) -> tuple[list[bytes], list[tuple[str, str]]]:
    """One request as a server makes it: the parts of the body and the headers."""
    started: list[list[tuple[str, str]]] = []
    setup_testing_defaults(environ)
    body = app(environ, lambda status, headers, *_: started.append(headers))
    try:
        return list(body), started[-1]
    finally:
        if hasattr(body, "close"):
            body.close()


def ask_asgi(app: Any, path: str) -> httpx.Response:
    """One request with the id c-17."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return await client.get(path, headers=ID)

    return asyncio.run(ask())


async def connect(app: Any, path: str) -> list[Any]:
    """What an application answers to a WebSocket with the id c-17."""
    sent: list[Any] = []
    scope = {
        "type": "websocket",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(b"x-request-id", b"c-17")],
        "subprotocols": [],
    }

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


class Slow:
    """A WSGI application that makes its body later, and says what fields it has in each step."""

    def __init__(self) -> None:
        self.closed = ""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        set_tenant("acme")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self.body()

    def body(self) -> Iterator[bytes]:
        try:
            yield fields()[CORRELATION_ID].encode()
            yield fields()[TENANT].encode()
        finally:
            self.closed = fields()[TENANT]


def test_wsgi_a_body_is_made_with_the_fields_of_its_request() -> None:
    """To its end, and none is left behind in the thread of the server."""
    app = Slow()
    parts, headers = ask_wsgi(WsgiMiddleware(app), HTTP_X_REQUEST_ID="c-17")
    assert parts == [b"c-17", b"acme"]
    assert app.closed == "acme"
    assert headers == [("Content-Type", "text/plain"), ("X-Request-ID", "c-17")]
    assert not fields()


def test_wsgi_files_and_lists_reach_the_server_as_they_are() -> None:
    """Servers send files by themselves, and take the length of a list."""
    bodies: list[Any] = [FileWrapper(BytesIO(b"x")), [b"x"]]
    for body in bodies:

        def app(environ: Any, start_response: Any, body: Any = body) -> Any:
            start_response("200 OK", [])
            return body

        environ = {"wsgi.file_wrapper": FileWrapper, "HTTP_X_REQUEST_ID": "c-17"}
        setup_testing_defaults(environ)
        assert WsgiMiddleware(app)(environ, lambda *_: None) is body
    assert not fields()


def test_wsgi_an_error_of_the_application_comes_out() -> None:
    """As it is, and no field stays."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise LookupError("no order")

    with pytest.raises(LookupError, match="no order"):
        ask_wsgi(WsgiMiddleware(app), HTTP_X_REQUEST_ID="c-17")
    assert not fields()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Request-ID": "c-17"}, "c-17"),
        ({"x-correlation-id": "c-18"}, "c-18"),
        ({"X-Correlation-ID": "c-18", "X-Request-ID": "c-17"}, "c-17"),
        ({"X-Request-ID": "c 17", "X-Correlation-ID": "c-18"}, "c-18"),
        ({"X-Request-ID": "c-17", "baggage": "correlation_id=c-19"}, "c-17"),
        ({"baggage": "correlation_id=c-19"}, "c-19"),
    ],
)
def test_which_id_wins(capture: Capture, headers: dict[str, str], expected: str) -> None:
    """X-Request-ID, then X-Correlation-ID, then baggage; what cannot be used is passed over."""
    flask = Flask("shop")
    flask.add_url_rule("/", view_func=lambda: fields()[CORRELATION_ID])
    traced(flask, capture)
    answer = flask.test_client().get("/", headers=headers)
    assert (answer.text, answer.headers["X-Request-ID"]) == (expected, expected)


@pytest.mark.parametrize("sent", ["", " ", "c" * 129, "<script>", 'a"b', "caf\u00e9", "a,b\\c", "two words"])
def test_an_id_that_cannot_be_used_is_replaced(capture: Capture, sent: str) -> None:
    """By the id of the trace: that leads to everything the request did."""
    flask = Flask("shop")
    flask.add_url_rule("/", view_func=lambda: "x")
    traced(flask, capture)
    answer = flask.test_client().get("/", headers={"X-Request-ID": sent})
    context = capture.spans["GET /"].context
    assert context is not None
    assert answer.headers["X-Request-ID"] == format(context.trace_id, "032x")


def test_where_nothing_is_traced_an_id_can_be_made() -> None:
    """The same in the application and on the answer; one that came in stays."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [fields().get(CORRELATION_ID, "none").encode()]

    made = WsgiMiddleware(app, new_id=lambda: "new")
    assert ask_wsgi(made) == ([b"new"], [("X-Request-ID", "new")])
    assert ask_wsgi(made, HTTP_X_REQUEST_ID="c-17") == ([b"c-17"], [("X-Request-ID", "c-17")])
    assert ask_wsgi(WsgiMiddleware(app)) == ([b"none"], [])
    around = WsgiMiddleware(made, new_id=lambda: "of the outermost")
    assert ask_wsgi(around)[0] == [b"of the outermost"]


def test_flask_without_a_line_of_code(capture: Capture) -> None:
    """The span of the request has the id, as have the lines that are logged in it; a streamed body has it too."""
    logger = logging.getLogger("tests.flask")
    logger.addHandler(capture.handler)
    logger.setLevel(logging.INFO)
    flask = Flask("shop")

    @flask.get("/")
    def index() -> Response:
        logger.info("asked")
        return Response(fields()[CORRELATION_ID] for _ in range(2))

    traced(flask, capture)
    answer = flask.test_client().get("/", headers=ID)
    logger.removeHandler(capture.handler)
    assert answer.text == "c-17c-17"
    assert answer.headers.getlist("X-Request-ID") == ["c-17"]
    assert (capture.spans["GET /"].attributes or {})[CORRELATION_ID] == "c-17"
    assert [record[CORRELATION_ID] for record in capture.logs] == ["c-17"]


def test_an_id_that_the_application_sets_on_its_answer_stays(capture: Capture) -> None:
    """Ours is not put beside it."""
    flask = Flask("shop")
    flask.add_url_rule("/", view_func=lambda: Response("x", headers={"x-request-id": "mine"}))
    assert flask.test_client().get("/", headers=ID).headers.getlist("X-Request-ID") == ["mine"]


def test_fastapi_without_a_line_of_code(capture: Capture) -> None:
    """In `async` functions and in those that run in threads, and on the span of the request."""
    app = FastAPI()

    @app.get("/async")
    async def asynchronous() -> str:
        return fields()[CORRELATION_ID]

    @app.get("/sync")
    def synchronous() -> str:
        set_tenant("acme")
        return fields()[CORRELATION_ID]

    FastAPIInstrumentor.instrument_app(app, tracer_provider=capture.tracer_provider)
    for path in ("/async", "/sync"):
        answer = ask_asgi(app, path)
        assert (answer.json(), answer.headers["X-Request-ID"]) == ("c-17", "c-17")
        assert (capture.spans[f"GET {path}"].attributes or {})[CORRELATION_ID] == "c-17"
    FastAPIInstrumentor.uninstrument_app(app)


def starlette() -> Starlette:
    """An application in another one, with a stream, a WebSocket and a start and an end of its own."""

    async def stream(_: Any) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for _ in range(2):
                yield fields()[CORRELATION_ID]

        return StreamingResponse(parts())

    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(fields()[CORRELATION_ID])
        await socket.close()

    inner = Starlette(routes=[Route("/stream", stream), WebSocketRoute("/socket", socket)])
    return Starlette(routes=[Mount("/inner", inner)])


@pytest.mark.parametrize("by_hand", [False, True])
def test_starlette(capture: Capture, by_hand: bool) -> None:
    """A stream and a WebSocket of a mounted application; one header on the answer, however many stand around it."""
    app: Any = AsgiMiddleware(starlette()) if by_hand else starlette()
    answer = ask_asgi(app, "/inner/stream")
    assert answer.text == "c-17c-17"
    assert answer.headers.get_list("X-Request-ID") == ["c-17"]
    accept, text, _ = asyncio.run(connect(app, "/inner/socket"))
    assert accept["headers"] == [(b"x-request-id", b"c-17")]
    assert text["text"] == "c-17"


def test_asgi_parts_of_an_answer_are_not_held_back() -> None:
    """Each message is out before the application goes on."""
    sent: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        set_tenant("acme")
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        assert sent == ["http.response.start", "http.response.body"]
        await send({"type": "http.response.body", "body": b"b"})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        raise AssertionError("nobody asked for it")

    async def serve() -> None:
        await AsgiMiddleware(app)({"type": "http", "headers": [(b"x-request-id", b"c-17")]}, receive, send)
        assert not fields(), "the next request on this connection may run in the same task"

    asyncio.run(serve())
    assert len(sent) == 3


def test_asgi_an_id_that_the_application_sets_on_its_answer_stays() -> None:
    """Ours is not put beside it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Request-Id", b"mine")]})
        await send({"type": "http.response.body"})

    assert ask_asgi(AsgiMiddleware(app), "/").headers.get_list("X-Request-ID") == ["mine"]


def test_asgi_other_scopes_are_left_alone() -> None:
    """A lifespan has no headers and no answer."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    scope, receive, send = {"type": "lifespan"}, object(), object()
    asyncio.run(AsgiMiddleware(app)(scope, receive, send))  # type: ignore[arg-type]  # never called
    assert seen == [(scope, receive, send)]
    assert scope == {"type": "lifespan"}


def test_asgi_requests_at_the_same_time_keep_apart(capture: Capture) -> None:
    """Each task has its own fields, inside OpenTelemetry's middleware too."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        set_tenant(scope["path"])
        await asyncio.sleep(0)
        body = f"{fields()[CORRELATION_ID]} {fields()[TENANT]}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    served = AsgiMiddleware(OtelAsgi(app, tracer_provider=capture.tracer_provider))

    async def both() -> list[str]:
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            paths = [f"/{number}" for number in range(10)]
            answers = await asyncio.gather(*(client.get(path, headers={"X-Request-ID": path[1:]}) for path in paths))
        return [answer.text for answer in answers]

    assert asyncio.run(both()) == [f"{number} /{number}" for number in range(10)]


class CorrelationIdMiddleware:
    """What asgi-correlation-id 5 does, by its published names: it makes an id, sets its variable, adds its header."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        THEIRS.set("made-by-them")

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"X-Request-ID", b"made-by-them")]}
            await send(message)

        await self.app(scope, receive, answer)


THEIRS: ContextVar[str | None] = ContextVar("correlation_id", default=None)


@pytest.mark.parametrize("ours", ["inside", "around"])
def test_the_id_of_asgi_correlation_id_is_ours(attached: Attach, monkeypatch: pytest.MonkeyPatch, ours: str) -> None:
    """It may have refused the id that came; there is one header on the answer, whichever stands around the other."""
    for name in ("asgi_correlation_id", "asgi_correlation_id.middleware"):
        module = ModuleType(name)
        vars(module).update(correlation_id=THEIRS, CorrelationIdMiddleware=CorrelationIdMiddleware)
        monkeypatch.setitem(sys.modules, name, module)
    attached({})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": fields()[CORRELATION_ID].encode()})

    inside = CorrelationIdMiddleware(AsgiMiddleware(app))
    around = AsgiMiddleware(CorrelationIdMiddleware(app))
    answer = ask_asgi(inside if ours == "inside" else around, "/")
    assert answer.text == "made-by-them"
    assert answer.headers.get_list("X-Request-ID") == ["made-by-them"]


def test_it_can_be_switched_off(attached: Attach) -> None:
    """ERRORPLANE_MIDDLEWARE=false: nothing comes in and nothing goes out; one put in by hand still works."""
    attached({"ERRORPLANE_MIDDLEWARE": "false"})
    flask = Flask("shop")
    flask.add_url_rule("/", view_func=lambda: fields().get(CORRELATION_ID, "none"))
    answer = flask.test_client().get("/", headers=ID)
    assert (answer.text, "X-Request-ID" in answer.headers) == ("none", False)
    flask.wsgi_app = WsgiMiddleware(flask.wsgi_app)  # type: ignore[method-assign]  # as Flask's pages say
    assert flask.test_client().get("/", headers=ID).headers["X-Request-ID"] == "c-17"


def test_what_was_bound_around_the_application_stays(capture: Capture) -> None:
    """The fields of a request come beside it, and go."""
    with bind(component="front"):
        app = Slow()
        ask_wsgi(WsgiMiddleware(app), HTTP_X_REQUEST_ID="c-17")
        assert dict(fields()) == {"errorplane.component": "front"}
