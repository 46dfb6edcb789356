"""Context fields: correlation id, component and tenant of the running code, and allow-listed baggage."""

from __future__ import annotations

from errorplane.context._baggage import (
    allow_baggage,
    configure,
    error_fields,
    fields,
    service_of,
)
from errorplane.context._fields import (
    FIELD_LENGTH,
    bind,
    bound,
    leaving,
    set_component,
    set_correlation_id,
    set_tenant,
)

__all__ = [
    "FIELD_LENGTH",
    "allow_baggage",
    "bind",
    "bound",
    "configure",
    "error_fields",
    "fields",
    "leaving",
    "service_of",
    "set_component",
    "set_correlation_id",
    "set_tenant",
]
