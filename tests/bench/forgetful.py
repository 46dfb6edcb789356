"""A contender that does not do its job, for the tests: ``python -m tests.bench.forgetful PORT SINK``.

It acknowledges what it has in memory, sends it on after half a second, unredacted, and forgets every second error.
"""

from __future__ import annotations

import sys
import threading
from concurrent import futures

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.bench.sink import EXPORT, LIMIT

_HELD_S = 0.5


def main() -> None:
    """Serve until killed."""
    sink = grpc.insecure_channel(f"127.0.0.1:{sys.argv[2]}").unary_unary(
        EXPORT, request_serializer=None, response_deserializer=None
    )

    def export(body: bytes, _: grpc.ServicerContext) -> bytes:
        threading.Timer(_HELD_S, lambda: sink(_forgotten(body), timeout=30)).start()
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", LIMIT)])
    handler = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(EXPORT.split("/")[1], {"Export": handler}),))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


def _forgotten(body: bytes) -> bytes:
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        for scope in group.scope_spans:
            spans = [span for span in scope.spans if not _is_forgotten(span)]
            del scope.spans[:]
            scope.spans.extend(spans)
    return request.SerializeToString()


def _is_forgotten(span: Span) -> bool:
    return span.status.code == Status.STATUS_CODE_ERROR and span.trace_id[-1] % 2 == 1


if __name__ == "__main__":
    main()
