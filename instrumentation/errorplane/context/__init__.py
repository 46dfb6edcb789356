"""Context fields: on whose behalf code runs, from where a request came, and how that travels to whoever is called."""

from __future__ import annotations

from errorplane.context._baggage import (
    OWN_NAMES,
    allow_baggage,
    configure,
    error_fields,
    fields,
    metric_fields,
    service_of,
)
from errorplane.context._carrier import (
    CarrierField,
    extract,
    outgoing,
    read_headers,
    received,
    register,
    remove_headers,
    write_headers,
)
from errorplane.context._correlation import CORRELATION_HEADER, CORRELATION_LENGTH, usable_correlation_id
from errorplane.context._fields import (
    FIELD_LENGTH,
    bind,
    bound,
    leaving,
    replace_bound,
    set_component,
    set_correlation_id,
    set_deployment,
    set_flag,
    set_tenant,
    set_user,
)
from errorplane.context._flags import FLAGS
from errorplane.context._metrics import OTHER
from errorplane.context._user import user_hash

__all__ = [
    "CORRELATION_HEADER",
    "CORRELATION_LENGTH",
    "FIELD_LENGTH",
    "FLAGS",
    "OTHER",
    "OWN_NAMES",
    "CarrierField",
    "allow_baggage",
    "bind",
    "bound",
    "configure",
    "error_fields",
    "extract",
    "fields",
    "leaving",
    "metric_fields",
    "outgoing",
    "read_headers",
    "received",
    "register",
    "remove_headers",
    "replace_bound",
    "service_of",
    "set_component",
    "set_correlation_id",
    "set_deployment",
    "set_flag",
    "set_tenant",
    "set_user",
    "usable_correlation_id",
    "user_hash",
    "write_headers",
]
