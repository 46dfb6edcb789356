"""Servers that answer exactly what a test tells them to, as other people's do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc


@dataclass
class Script:
    """What an HTTP server answers; ``heard`` are the paths, headers and bodies of its requests."""

    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    heard: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)


@contextmanager
def http_server(script: Script) -> Iterator[str]:
    """A server of that script; yields its base URL."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            script.heard.append((self.path, headers, body))
            self.send_response(script.code)
            for name, value in {"content-length": str(len(script.body)), **script.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(script.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def grpc_server(
    code: grpc.StatusCode,
    message: str = "because",
    details: bytes | None = None,
    answer: bytes = b"",
    heard: list[bytes] | None = None,
) -> Iterator[str]:
    """A server whose every call ends with that code, with ``details`` as ``grpc-status-details-bin``.

    It adds its messages to ``heard`` as they were on the wire, compressed or not.
    """

    def behaviour(request: bytes, context: grpc.ServicerContext) -> bytes:
        if heard is not None:
            heard.append(request)
        if details is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
        if code is not grpc.StatusCode.OK:
            context.abort(code, message)
        return answer

    class Everything(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
            return grpc.unary_unary_rpc_method_handler(behaviour)

    server = grpc.server(
        ThreadPoolExecutor(2), options=[("grpc.max_send_message_length", -1), ("grpc.per_message_decompression", 0)]
    )
    server.add_generic_rpc_handlers((Everything(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait(10)
