"""The floor: a receiver that does the least that this data path needs, and nothing with the result.

gRPC in, one Hyperscan scan for nine shapes and for error states, a walk over the wire, compression. What Python and
these libraries take for that no implementation of the path can go below. ``python -m tests.bench.floor PORT``.
"""

from __future__ import annotations

import sys
import threading
from concurrent import futures

import grpc
import zstandard
from tests.bench.sink import EXPORT, LIMIT

from errorplane.multipattern import Scanner, compile_database
from errorplane.otlp import Signal
from errorplane.otlp._wire import walk

# Without boundaries, since in protobuf the bytes around a string may be anything: these only say where to look.
_SHAPES = (
    rb"@[a-zA-Z0-9-]{1,63}\.[a-zA-Z]{2}",
    rb"[0-9](?:[ -]?[0-9]){12}",
    rb"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3}",
    rb"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    rb"(?:[0-9]{1,3}\.){3}[0-9]",
    rb"\+[0-9]{1,3}[ -]?[0-9](?:[ -]?[0-9]){5}",
    rb"(?i:bearer )[A-Za-z0-9]",
    rb"eyJ[A-Za-z0-9_-]{8}",
    rb"A(?:KIA|SIA)[A-Z0-9]{16}",
    rb"\x18\x02",
)


class Least:
    """The work of one request; safe to use from several threads."""

    def __init__(self) -> None:
        self._scanner = Scanner(compile_database(_SHAPES))
        self._local = threading.local()

    def export(self, body: bytes, _: grpc.ServicerContext) -> bytes:
        hits: list[int] = []
        self._scanner.scan(body, lambda _number, _start, end, _flags, _context: hits.append(end))
        walk(Signal.TRACES, body)
        compressor: zstandard.ZstdCompressor | None = getattr(self._local, "compressor", None)
        if compressor is None:  # one for each thread: it crashes where two share one
            compressor = self._local.compressor = zstandard.ZstdCompressor(level=1)
        compressor.compress(body)
        return b""


def main() -> None:
    """Serve until killed."""
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", LIMIT)])
    handler = grpc.unary_unary_rpc_method_handler(Least().export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(EXPORT.split("/")[1], {"Export": handler}),))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
