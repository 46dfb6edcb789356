"""What `errorplane.logs.ContextFilter` leaves on records of the standard library's logging, and what they were before."""

from __future__ import annotations

import logging
from copy import copy
from typing import Final

COMPOSED: Final = "errorplane_composed"
"""Attribute of a record with what was known where it was logged, as a line of JSON tells it."""
SET: Final = "errorplane_set"
"""Attribute with the names that the filter has set for format strings, which nobody gave as `extra`."""


def as_logged(record: logging.LogRecord) -> logging.LogRecord:
    """The record without what the filter has put on it: up to Python 3.11 handlers that come after it see that, too."""
    if COMPOSED not in vars(record):
        return record
    record = copy(record)
    for name in (COMPOSED, SET, *vars(record).get(SET, ())):
        vars(record).pop(name, None)
    return record
