"""The smallest WSGI application; `own` in the environment lets it configure logging by itself."""

from __future__ import annotations

import logging
import logging.config
import os
from collections.abc import Callable, Iterable
from typing import Any

from errorplane.logs import dict_config

if "own" in os.environ:
    logging.config.dictConfig(dict_config("shop"))


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Always ok."""
    logging.getLogger("shop").info("served")
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
