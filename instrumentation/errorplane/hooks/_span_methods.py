"""The methods of the SDK's spans as they are with our hooks, each made of what was there before."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Status, StatusCode

from errorplane.hooks._attachment import Attachment
from errorplane.hooks._guard import GUARD
from errorplane.hooks._sdk_spans import (
    add_event,
    caller_of,
    chain_start,
    frame_of_caller,
    is_of_the_sdk,
    leaving_codes,
    put,
)
from errorplane.hooks._spans import Caller, Recording, Writer, record, settle

__all__ = ["chain_record_exception", "chain_set_status", "chain_start"]


def chain_record_exception(attachment: Attachment, previous: Callable[..., None]) -> Callable[..., None]:
    """`Span.record_exception` that records an exception once; see `record`."""
    chain = not is_of_the_sdk(previous)
    codes = leaving_codes()
    writer = Writer(put, add_event)

    @functools.wraps(previous)
    def record_exception(
        self: Any,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        if attachment.active and isinstance(exception, BaseException):
            leaves, instrumentation = caller_of(frame_of_caller(), codes)
            caller = Caller(leaves or escaped, instrumentation)
            call = Recording(self, exception, attributes, timestamp, escaped, caller)
            record(attachment, previous, writer, call, chain=chain)
        else:
            previous(self, exception, attributes, timestamp, escaped)

    return record_exception


def chain_set_status(attachment: Attachment, previous: Callable[..., None]) -> Callable[..., None]:
    """`Span.set_status` without what is dropped, changed or too long: the SDK writes type and message there once more."""

    @functools.wraps(previous)
    def set_status(self: Any, status: Any, description: str | None = None) -> None:
        is_status = isinstance(status, Status)
        if attachment.active and (status.status_code if is_status else status) is StatusCode.ERROR:
            text = (status.description if is_status else description) or ""
            settled = GUARD.run("set_status", lambda: (settle(attachment, self, text),)) or (text,)
            if settled[0] is None:
                return
            if settled[0] != text:
                status, description = Status(StatusCode.ERROR, settled[0]), None
        previous(self, status, description)

    return set_status
