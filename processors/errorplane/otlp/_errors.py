"""Everything that can go wrong between an OTLP sender and receiver.

OtlpError
├── ListenError             an address cannot be listened on, or its TLS files cannot be read
├── TargetError             a destination cannot be set up: its endpoint, headers or TLS files are at fault
├── ReceiveError            what a sender is told by us
│   ├── InvalidRequest      INVALID_ARGUMENT / 400: do not send this again
│   ├── TooLarge            RESOURCE_EXHAUSTED without RetryInfo / 413: do not send this again
│   ├── Unauthenticated     UNAUTHENTICATED / 401: the bearer token is missing or wrong
│   ├── Overloaded          RESOURCE_EXHAUSTED with RetryInfo / 429: send again after ``retry_after`` seconds
│   ├── ShuttingDown        UNAVAILABLE / 503: send again, here or elsewhere
│   └── Unexpected          INTERNAL / 500: our fault; the log of the processor says more
├── SendError               what a destination tells us
│   ├── RetryLater          may succeed later (OTLP specification, "Failures")
│   └── Refused             will never succeed as it is: the payload or the configuration is at fault
└── SegmentError            a segment file cannot be read: damaged, or sealed with another key
"""

from __future__ import annotations


class OtlpError(Exception):
    """Root of this module's errors."""


class ListenError(OtlpError):
    """A receiver cannot start."""


class TargetError(OtlpError):
    """A destination cannot be set up; the message quotes neither endpoint nor header, in which secrets may be."""


class ReceiveError(OtlpError):
    """A request that was not taken; the message is sent to the sender and says what to do."""


class InvalidRequest(ReceiveError):
    """The request is not valid OTLP."""


class TooLarge(ReceiveError):
    """The request is larger than the receiver's limit, compressed or not."""


class Unauthenticated(ReceiveError):
    """The sender did not show the bearer token that the receiver asks for."""


class Overloaded(ReceiveError):
    """No room now; ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ShuttingDown(ReceiveError):
    """The processor is draining."""


class Unexpected(ReceiveError):
    """Something that should not happen did; the request was not stored."""


class SendError(OtlpError):
    """A payload that a destination did not take."""


class RetryLater(SendError):
    """The destination could not take the payload now; ``retry_after`` in seconds, if it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(SendError):
    """The destination refused for good.

    With ``payload_at_fault`` (invalid, too large) another payload may well pass; without it (credentials, address,
    a signal that the destination does not take) every payload will be refused until somebody mends that.
    """

    def __init__(self, message: str, payload_at_fault: bool = True) -> None:
        super().__init__(message)
        self.payload_at_fault = payload_at_fault


class SegmentError(OtlpError):
    """A segment that cannot be read."""
