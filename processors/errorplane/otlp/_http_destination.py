"""OTLP/HTTP out, as binary protobuf."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import httpx
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # it has no stubs

from errorplane.otlp._destination import checked_headers, is_loopback, secrets_of, shown, split_endpoint
from errorplane.otlp._errors import Refused, RetryLater, SendError, TargetError
from errorplane.otlp._responses import receipt_of
from errorplane.otlp._signals import Receipt, Signal
from errorplane.otlp._tls import ClientTls, client_context

_MAX_RESPONSE_BYTES = 64 << 10
_RETRYABLE = frozenset({429, 502, 503, 504})  # OTLP specification, "OTLP/HTTP Response", "Retryable Response Codes"
_CONFIGURATION = frozenset({401, 403, 404, 405, 407, 415})
_GZIP_LEVEL = 1  # half the time of level 3, a tenth more bytes
_PROTOBUF = "application/x-protobuf"
_WANTED = "a URL such as https://collector.example:4318"


class HttpDestination:
    """Sends to an OTLP/HTTP receiver; ``endpoint`` is its base URL, to which ``/v1/<signal>`` is appended.

    ``headers`` go with every request; their values appear nowhere else. The constructor raises ``TargetError``.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        tls: ClientTls | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        compression: str = "gzip",
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = split_endpoint(endpoint, _WANTED)
        if not parts.scheme:
            raise TargetError(f"the endpoint of OTLP/HTTP must be {_WANTED}")
        if compression not in ("gzip", "none"):
            raise ValueError(f"compression is gzip or none, not {compression!r}")
        checked = checked_headers(headers)
        self.name = name
        self._endpoint = endpoint.rstrip("/")
        self._timeout_s = timeout_s
        self._gzip = compression == "gzip"
        self._clock = clock
        self._secrets = secrets_of(checked)
        self._client = httpx.Client(
            verify=client_context(tls or ClientTls()) if parts.scheme == "https" else True,
            headers={"user-agent": "errorplane", "accept-encoding": "identity", **checked},
            timeout=timeout_s,
            trust_env=not is_loopback(parts.hostname or ""),
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"HttpDestination({self.name!r}, {self._endpoint!r})"

    def send(self, signal: Signal, retention_class: str, payload: bytes, items: int) -> Receipt:
        """See ``Destination.send``; connecting, each write and each read wait at most ``timeout_s`` seconds."""
        try:
            response, body = self._post(self._endpoint + signal.http_path, payload)
        except httpx.TransportError as error:
            raise RetryLater(f"{self._endpoint}: {type(error).__name__}: {shown(str(error), self._secrets)}") from None
        if not response.is_success:
            raise self._meaning(response, body)
        if _media_type(response) != _PROTOBUF:
            return Receipt()  # it said OK
        try:
            return receipt_of(signal, signal.response_type.FromString(body))
        except DecodeError:
            return Receipt()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, url: str, payload: bytes) -> tuple[httpx.Response, bytes]:
        """The response and the first 64 KiB of its body."""
        headers = {"content-type": _PROTOBUF}
        if self._gzip:
            headers["content-encoding"] = "gzip"
            payload = zlib.compress(payload, _GZIP_LEVEL, wbits=31)
        deadline = time.monotonic() + self._timeout_s
        with self._client.stream("POST", url, content=payload, headers=headers) as response:
            body = b""
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > _MAX_RESPONSE_BYTES or time.monotonic() > deadline:
                    break
        return response, body[:_MAX_RESPONSE_BYTES]

    def _meaning(self, response: httpx.Response, body: bytes) -> SendError:
        code = response.status_code
        message = f"{self._endpoint} answered {code}: {shown(_message(response, body), self._secrets)}"
        if code in _RETRYABLE:
            return RetryLater(message, self._retry_after(response.headers.get("retry-after")))
        return Refused(message, payload_at_fault=code not in _CONFIGURATION and not response.is_redirect)

    def _retry_after(self, value: str | None) -> float | None:
        """Seconds, from a number of seconds or an HTTP date (RFC 9110 section 10.2.3)."""
        if value is None:
            return None
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self._clock())
        except ValueError:
            return None


def _media_type(response: httpx.Response) -> str:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _message(response: httpx.Response, body: bytes) -> str:
    """What the destination says about it: the message of a google.rpc.Status, else text."""
    if _media_type(response) == _PROTOBUF:
        try:
            return str(Status.FromString(body).message) or "no message"
        except DecodeError:
            return "no readable message"
    return body.decode("utf-8", "replace").strip() or response.reason_phrase or "no message"
