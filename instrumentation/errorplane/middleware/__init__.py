"""Context fields of what a process is asked for: WSGI, ASGI, gRPC and Celery.

Zero-code for Flask, Starlette, FastAPI, gRPC and Celery: `attach` puts them in. For others, one line.
"""

from __future__ import annotations

from errorplane.middleware._asgi import AsgiMiddleware
from errorplane.middleware._automatic import install
from errorplane.middleware._celery import connect_celery, disconnect_celery
from errorplane.middleware._grpc import grpc_aio_interceptor, grpc_interceptor
from errorplane.middleware._serving import response_id
from errorplane.middleware._wsgi import WsgiMiddleware

__all__ = [
    "AsgiMiddleware",
    "WsgiMiddleware",
    "connect_celery",
    "disconnect_celery",
    "grpc_aio_interceptor",
    "grpc_interceptor",
    "install",
    "response_id",
]
