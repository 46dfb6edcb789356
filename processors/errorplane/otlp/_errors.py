"""Everything that can go wrong between an OTLP sender and receiver.

    OtlpError
    ├── ReceiveError            what a sender is told by us
    │   ├── InvalidRequest      INVALID_ARGUMENT / 400: do not send this again
    │   ├── TooLarge            RESOURCE_EXHAUSTED without RetryInfo / 413: do not send this again
    │   ├── Overloaded          RESOURCE_EXHAUSTED with RetryInfo / 429: send again after ``retry_after`` seconds
    │   └── ShuttingDown        UNAVAILABLE / 503: send again, here or elsewhere
    └── SendError               what a destination tells us
        ├── RetryLater          may succeed later (OTLP specification, "Failures")
        └── Refused             will never succeed with this payload
"""

from __future__ import annotations


class OtlpError(Exception):
    """Root of this module's errors."""


class ReceiveError(OtlpError):
    """A request that was not taken; the message is sent to the sender and says what to do."""


class InvalidRequest(ReceiveError):
    """The request is not valid OTLP."""


class TooLarge(ReceiveError):
    """The request is larger than the receiver's limit, compressed or not."""


class Overloaded(ReceiveError):
    """No room now; ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ShuttingDown(ReceiveError):
    """The processor is draining."""


class SendError(OtlpError):
    """A payload that a destination did not take."""


class RetryLater(SendError):
    """The destination could not take the payload now; ``retry_after`` in seconds, if it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(SendError):
    """The destination refused the payload for good."""
