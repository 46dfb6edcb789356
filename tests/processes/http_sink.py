"""The same receiver over OTLP/HTTP, with connections that are kept."""

from __future__ import annotations

import gzip
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.instrumentation.sink import Sink, attributes

_REQUESTS: dict[str, type[Any]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class HttpSink(Sink):
    """Listens on a free loopback port for the length of a `with` block.

    `senders` are the instances of the service that wrote into each connection, by its other end.
    """

    def __init__(self) -> None:
        super().__init__()
        sink = self
        self.senders: dict[tuple[str, int], set[str]] = defaultdict(set)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = _REQUESTS[self.path].FromString(body)
                with sink._lock:
                    sink._requests.append(request)
                    sink.senders[self.client_address] |= _instances(request)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is said of requests."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()


def _instances(request: Any) -> set[str]:
    (listed,) = (field for _, field in request.ListFields())
    return {attributes(each.resource.attributes)["service.instance.id"] for each in listed}
