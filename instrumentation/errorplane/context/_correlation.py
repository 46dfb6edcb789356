"""The correlation id as it travels."""

from __future__ import annotations

import re
from typing import Final

from errorplane.context._baggage import fields
from errorplane.context._carrier import CarrierField, register
from errorplane.context._fields import bind
from errorplane.errors import CORRELATION_ID

CORRELATION_HEADER: Final = "x-request-id"
CORRELATION_LENGTH: Final = 128
# Visible ASCII, without what ends an attribute's value in HTML or a string in JSON: ids are quoted everywhere.
_USABLE: Final = re.compile(rf"(?![^\s]*[\"'<>\\`])[\x21-\x7e]{{1,{CORRELATION_LENGTH}}}")


def usable_correlation_id(value: str) -> str | None:
    """The id that a stranger sent, if it can be used: 1 to 128 visible ASCII characters other than quotes, `<`, `>` and
    the backslash. Else None, and whoever asks does as if none had been sent.

    >>> usable_correlation_id(" c-17 "), usable_correlation_id("<b>"), usable_correlation_id("c" * 129)
    ('c-17', None, None)
    """
    value = value.strip(" \t")
    return value if _USABLE.fullmatch(value) else None


def _current() -> str | None:
    return fields().get(CORRELATION_ID)


register(
    CarrierField(
        "correlation_id",
        (CORRELATION_HEADER, "x-correlation-id"),
        parse=usable_correlation_id,
        format=str,
        current=lambda: usable_correlation_id(_current() or ""),
        bind=lambda value: bind(correlation_id=value),
    )
)
