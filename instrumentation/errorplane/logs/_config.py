"""A whole configuration of the standard library's logging that writes JSON lines, also of what servers log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from errorplane.masking import Mask

SERVER_LOGGERS: Final = (
    "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi",
    "gunicorn.error", "gunicorn.access",
    "hypercorn.error", "hypercorn.access",
)  # fmt: skip
"""Loggers to which their servers give handlers of their own and no propagation, so that the root never sees them."""


def dict_config(
    service_name: str | None = None,
    *,
    level: str | int = "INFO",
    mask: Mask | bool = True,
    code: bool | None = None,
    thread: bool = False,
    stream: str = "ext://sys.stdout",
    server_loggers: Iterable[str] = SERVER_LOGGERS,
) -> dict[str, Any]:
    """For `logging.config.dictConfig`, `uvicorn.run(log_config=...)` and gunicorn's `logconfig_dict`.

    One handler at the root writes JSON lines to `stream`. The `server_loggers` lose the handlers that their servers gave
    them and propagate, so that access and error lines of a server come out alike, with the trace. Other arguments are
    those of `JsonFormatter`. The handler of OpenTelemetry stays where it is.

    >>> dict_config("shop")["root"]
    {'level': 'INFO', 'handlers': ['errorplane']}
    """
    formatter = {
        "()": "errorplane.logs.JsonFormatter",
        "service_name": service_name,
        "mask": mask,
        "code": code,
        "thread": thread,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"errorplane": formatter},
        "handlers": {"errorplane": {"class": "logging.StreamHandler", "formatter": "errorplane", "stream": stream}},
        "root": {"level": level, "handlers": ["errorplane"]},
        "loggers": {name: {"handlers": [], "propagate": True} for name in server_loggers},
    }
