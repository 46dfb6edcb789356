"""A FastAPI application in miniature, traced; `own` in the environment lets it configure logging by itself."""

from __future__ import annotations

import logging
import logging.config
import os
from typing import Any

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider

from errorplane.logs import dict_config

if "own" in os.environ:
    logging.config.dictConfig(dict_config("shop"))


async def _app(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    logging.getLogger("shop").info("served")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


app = OpenTelemetryMiddleware(_app, tracer_provider=TracerProvider())
