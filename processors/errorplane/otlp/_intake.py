"""What every receiver does with a request, whatever brought it: room, token, decompression, hand-over, counts."""

from __future__ import annotations

import hmac
import logging
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from errorplane.otlp._errors import (
    Overloaded,
    ReceiveError,
    ShuttingDown,
    TooLarge,
    Unauthenticated,
    Unexpected,
)
from errorplane.otlp._gunzip import gunzip
from errorplane.otlp._responses import outcome
from errorplane.otlp._signals import Ingest, Receipt, Signal

log = logging.getLogger("errorplane.otlp")

_RETRY_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class ReceiveLimits:
    """Bounds of one receiver.

    ``max_request_bytes`` holds before and after decompression. ``max_concurrent`` requests are with the pipeline at
    once. ``max_held_bytes`` bounds the bodies of all requests together (those of gRPC count once they are complete);
    a single request always fits.
    """

    max_request_bytes: int = 32 << 20
    max_concurrent: int = 64
    bearer_token: str | None = field(default=None, repr=False)
    max_held_bytes: int = 512 << 20


class Intake:
    """The part of a receiver that does not depend on its transport; safe to use from several threads."""

    def __init__(self, ingest: Ingest, limits: ReceiveLimits) -> None:
        self.limits = limits
        self.closing = False
        self._ingest = ingest
        self._token = None if limits.bearer_token is None else limits.bearer_token.encode()
        self._lock = threading.Lock()
        self._requests = 0
        self._bytes = 0
        self._outcomes: Counter[str] = Counter()

    @property
    def outcomes(self) -> dict[str, int]:
        """Requests since the start: taken, invalid, too_large, overloaded, internal, ..."""
        with self._lock:
            return dict(self._outcomes)

    def count(self, outcome: str) -> None:
        """One more request ended that way."""
        with self._lock:
            self._outcomes[outcome] += 1

    def refused(self, error: ReceiveError) -> None:
        """One more request was refused for that reason."""
        self.count(outcome(error))

    def check_token(self, authorization: bytes | None) -> None:
        """Raises ``Unauthenticated`` unless the header carries the token; takes the same time for every wrong one."""
        if self._token is None:
            return
        scheme, _, token = (authorization or b"").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
            raise Unauthenticated("this receiver asks for the header `authorization: Bearer <token>` with its token")

    def enter(self) -> Held:
        """Room for one request's bytes; raises ``ShuttingDown``."""
        if self.closing:
            raise ShuttingDown("this processor is shutting down: send again, here or elsewhere")
        return Held(self)

    def take(self, signal: Signal, decoded: Callable[[], bytes]) -> Receipt:
        """Hand over the uncompressed protobuf request that ``decoded`` makes; raises ``ReceiveError`` only."""
        try:
            receipt = self._ingest(signal, decoded())
        except ReceiveError:
            raise
        except Exception as error:  # noqa: BLE001  # the boundary guard: a fault of ours must reach the sender
            raise unexpected(error) from None
        self.count("taken")
        return receipt

    def check_size(self, size: int) -> None:
        """Raises ``TooLarge`` for a body of that many bytes."""
        if size > self.limits.max_request_bytes:
            raise TooLarge(
                f"the request has {size} bytes, the limit is {self.limits.max_request_bytes}: send fewer items a request"
            )

    def _grow(self, count: int, held: int) -> None:
        with self._lock:
            if self._bytes > held and self._bytes + count > self.limits.max_held_bytes:
                raise Overloaded("the requests being received fill the memory set aside for them", _RETRY_AFTER_S)
            self._bytes += count

    def _admit(self) -> None:
        with self._lock:
            if self._requests >= self.limits.max_concurrent:
                raise Overloaded(f"{self._requests} requests are being stored, the limit", _RETRY_AFTER_S)
            self._requests += 1

    def _leave(self, held: int, admitted: bool) -> None:
        with self._lock:
            self._requests -= admitted
            self._bytes -= held


class Held:
    """The room that one request takes; a context manager that gives it back."""

    __slots__ = ("_admitted", "_bytes", "_intake")

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._bytes = 0
        self._admitted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._intake._leave(self._bytes, self._admitted)

    def admit(self) -> None:
        """Take one of the places with the pipeline, once the body is here; raises ``Overloaded``."""
        self._intake._admit()
        self._admitted = True

    def grow(self, count: int) -> None:
        """Take room for ``count`` more bytes; raises ``Overloaded``."""
        self._intake._grow(count, self._bytes)
        self._bytes += count

    def gunzip(self, data: bytes) -> bytes:
        """Decompress within this receiver's limits."""
        return gunzip(data, self._intake.limits.max_request_bytes, self.grow)


def unexpected(error: Exception, what: str = "a request was not stored") -> Unexpected:
    """Log what and where it was, but not its message, which may hold telemetry; returns what to tell the sender."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s: unexpected %s\n%s", what, type(error).__qualname__, frames)
    return Unexpected("internal error: the request was not stored; the log of the processor says where")
