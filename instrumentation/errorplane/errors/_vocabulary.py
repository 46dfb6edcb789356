"""The words in which an error is described. Every value is lower case, except the severities."""

from __future__ import annotations

import enum


class Category(enum.StrEnum):
    """How an error behaves over time. The application only hints; the pipeline decides."""

    TRANSIENT = "transient"
    """Goes away by itself: a retry has a fair chance."""
    PERSISTENT = "persistent"
    """Stays until somebody changes code, data or configuration."""
    CASCADING = "cascading"
    """Caused by an error in another service of the same trace."""
    UNKNOWN = "unknown"


class Kind(enum.StrEnum):
    """What went wrong, independent of language and library."""

    TIMEOUT = "timeout"
    VALIDATION = "validation"
    DEPENDENCY = "dependency"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMIT = "rate_limit"
    RESOURCE = "resource"
    CANCELLED = "cancelled"
    CONFIGURATION = "configuration"
    BUSINESS = "business"
    """The product worked as it should and had to say no; see `errorplane.business`."""
    BUG = "bug"
    UNKNOWN = "unknown"


class Severity(enum.StrEnum):
    """P1 wakes somebody up; P5 is only counted."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"
