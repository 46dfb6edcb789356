"""grpc.health.v1 for a receiver: SERVING as long as the pipeline is ready."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor

import grpc
from grpc_health.v1 import health, health_pb2

from errorplane.otlp._signals import Signal

_SERVICES = ("", *(signal.grpc_method.split("/")[1] for signal in Signal))
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """Overall health (service name "") and that of each Export service; they are always the same."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._stopped = False
        self._servicer = health.HealthServicer()
        self._told: int | None = None
        self._lock = threading.Lock()
        self._watchers: set[Callable[[object], None]] = set()
        self.refresh()

    def refresh(self) -> None:
        """Ask ``ready`` and tell those who watch if the answer has changed."""
        with self._lock:
            status = _SERVING if not self._stopped and self._ready() else _NOT_SERVING
            if status != self._told:
                self._told = status
                for service in _SERVICES:
                    self._servicer.set(service, status)

    def stop(self) -> None:
        """NOT_SERVING from now on; those who watch are told and let go, else the server would wait for them."""
        self._stopped = True
        self.refresh()
        for respond in tuple(self._watchers):
            respond(None)

    def handler(
        self, pool: Executor
    ) -> grpc.GenericRpcHandler[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]:
        """The service's handler; it answers on ``pool``, so that a busy receiver still tells how it is."""

        def check(request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext) -> object:
            self.refresh()
            return self._servicer.Check(request, context)

        def watch(
            request: health_pb2.HealthCheckRequest,
            context: grpc.ServicerContext,
            send_response_callback: Callable[[object], None],
        ) -> None:
            self._watchers.add(send_response_callback)
            context.add_callback(lambda: self._watchers.discard(send_response_callback))
            self._servicer.Watch(request, context, send_response_callback)

        check.experimental_thread_pool = pool  # type: ignore[attr-defined]  # read by grpc  # grpc looks for these
        watch.experimental_thread_pool = pool  # type: ignore[attr-defined]  # read by grpc
        watch.experimental_non_blocking = True  # type: ignore[attr-defined]  # read by grpc
        read = health_pb2.HealthCheckRequest.FromString
        write = health_pb2.HealthCheckResponse.SerializeToString
        return grpc.method_handlers_generic_handler(
            health.SERVICE_NAME,
            {
                "Check": grpc.unary_unary_rpc_method_handler(check, read, write),
                "Watch": grpc.unary_stream_rpc_method_handler(watch, read, write),
            },
        )
