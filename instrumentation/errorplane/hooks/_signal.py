"""Which signal carries exceptions, and what a log record of one is called: OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN.

After the semantic conventions 1.44 for exceptions in logs, and those for HTTP, databases, RPC, messaging and FaaS.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry._logs import SeverityNumber
from opentelemetry.trace import SpanKind

from errorplane.errors import ErrorEvent, Kind, qualified_type
from errorplane.settings import EXCEPTION_SIGNAL, text

_log: Final = logging.getLogger("errorplane.hooks")
EXCEPTION_EVENT: Final = "exception"


class Signal(enum.Enum):
    """Where exceptions that reach a span are written: its events, log records, or both while one moves over."""

    EVENTS = ""
    LOGS = "logs"
    BOTH = "logs/dup"


_IN_WORDS: Final = {
    Signal.EVENTS: "span events",
    Signal.LOGS: "log records",
    Signal.BOTH: "span events and log records",
}


def signal_in_force(environ: Mapping[str, str]) -> Signal:
    """What the environment says; it is told once in the log, also that a value is none of those known."""
    signal = Signal(text(environ, EXCEPTION_SIGNAL))
    level = logging.INFO if environ.get(EXCEPTION_SIGNAL) else logging.DEBUG
    _log.log(level, "exceptions of spans are written as %s (%s)", _IN_WORDS[signal], EXCEPTION_SIGNAL)
    return signal


# The attributes that tell what a span is about, of these and of older conventions; the first that is there decides.
_HTTP: Final = ("http.request.method", "http.method")
_RPC: Final = ("rpc.system.name", "rpc.system", "rpc.method")
_DB: Final = ("db.system.name", "db.system")
_FAAS: Final = ("faas.trigger", "faas.invocation_id")
_MESSAGING: Final = ("messaging.system",)
_OPERATION: Final = ("messaging.operation.type", "messaging.operation")
_OPERATIONS: Final[Mapping[object, str]] = {
    "create": "create",
    "send": "send",
    "publish": "send",
    "receive": "receive",
    "process": "process",
    "deliver": "process",
    "settle": "settle",
}


def event_name(kind: SpanKind, attributes: Mapping[str, Any]) -> str:
    """`<operation>.exception` of the operation that a span is about, else `exception`."""
    return f"{operation}.exception" if (operation := _operation(kind, attributes)) else EXCEPTION_EVENT


def _operation(kind: SpanKind, attributes: Mapping[str, Any]) -> str | None:
    if kind is SpanKind.SERVER:
        return _server(attributes)
    if kind is SpanKind.CLIENT:
        return _client(attributes)
    if kind is SpanKind.PRODUCER:
        return f"messaging.{_messaging(attributes, 'send')}"
    if kind is SpanKind.CONSUMER:
        if _has(_FAAS, attributes) and not _has(_MESSAGING, attributes):
            return "faas.invocation"
        return f"messaging.{_messaging(attributes, 'process')}"
    return None


def _server(attributes: Mapping[str, Any]) -> str | None:
    if _has(_RPC, attributes):
        return "rpc.server.call"
    if _has(_FAAS, attributes):
        return "faas.invocation"
    return "http.server.request" if _has(_HTTP, attributes) else None


def _client(attributes: Mapping[str, Any]) -> str | None:
    if _has(_DB, attributes):
        return "db.client.operation"
    if _has(_MESSAGING, attributes):
        return f"messaging.{_messaging(attributes, 'receive')}"
    if _has(_RPC, attributes):
        return "rpc.client.call"
    return "http.client.request" if _has(_HTTP, attributes) else None


def _messaging(attributes: Mapping[str, Any], otherwise: str) -> str:
    said = next((attributes[name] for name in _OPERATION if name in attributes), None)
    return _OPERATIONS.get(said, otherwise)


def _has(names: tuple[str, ...], attributes: Mapping[str, Any]) -> bool:
    return any(name in attributes for name in names)


_AWAITED: Final = frozenset((SpanKind.CLIENT, SpanKind.PRODUCER))
_EXHAUSTED: Final = ("RetryError", "MaxRetryError", "MaxRetriesExceeded", "MaxRetriesExceededError")


def severity_of(event: ErrorEvent, kind: SpanKind = SpanKind.INTERNAL) -> SeverityNumber:
    """By the expected impact: DEBUG for what was only cancelled, WARN for what the application is to handle, else ERROR.

    That is what a call to others raises, what is raised when no attempt is left, and what was handled already.
    """
    if event.kind is Kind.CANCELLED:
        return SeverityNumber.DEBUG
    if event.handled or kind in _AWAITED or event.type.endswith(_EXHAUSTED):
        return SeverityNumber.WARN
    return SeverityNumber.ERROR


# Raised by applications in place of a response, or by clients for a response: no failure of the code tells of itself.
_ARTIFICIAL: Final = frozenset(
    [
        "starlette.exceptions.HTTPException",
        "werkzeug.exceptions.HTTPException",
        "aiohttp.web_exceptions.HTTPException",
        "django.http.response.Http404",
        "django.core.exceptions.PermissionDenied",
        "tornado.web.HTTPError",
        "falcon.http_error.HTTPError",
        "falcon.http_status.HTTPStatus",
        "bottle.HTTPResponse",
        "sanic.exceptions.SanicException",
        "litestar.exceptions.HTTPException",
        "litestar.exceptions.http_exceptions.HTTPException",
        "rest_framework.exceptions.APIException",
        "webob.exc.HTTPException",
        "pyramid.httpexceptions.HTTPException",
        "quart.exceptions.HTTPException",
        "blacksheep.exceptions.HTTPException",
        "cherrypy._cperror.HTTPError",
        "robyn.exceptions.HTTPException",
        "connexion.exceptions.HTTPException",
        "requests.exceptions.HTTPError",
        "httpx.HTTPStatusError",
        "aiohttp.client_exceptions.ClientResponseError",
        "urllib.error.HTTPError",
    ]
)


def is_artificial(error: BaseException) -> bool:
    """Whether the exception stands for a response with an error code; subclasses too. Imports nothing."""
    return not _ARTIFICIAL.isdisjoint(map(qualified_type, type(error).__mro__))
