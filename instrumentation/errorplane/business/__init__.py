"""Errors of the business: what a product refuses on purpose is counted and told of, and wakes nobody."""

from __future__ import annotations

from errorplane.business._bounded import OTHER
from errorplane.business._instruments import measuring_to
from errorplane.business._invalid import Invalid, invalid_of
from errorplane.business._record import business_error
from errorplane.business._scopes import BusinessError, Expecting, business_errors, validation_errors

__all__ = [
    "OTHER",
    "BusinessError",
    "Expecting",
    "Invalid",
    "business_error",
    "business_errors",
    "invalid_of",
    "measuring_to",
    "validation_errors",
]
