"""The two counters of business errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakSet

from opentelemetry import metrics
from opentelemetry.metrics import MeterProvider

from errorplane.business._bounded import Series
from errorplane.errors import BUSINESS_ERROR, VALIDATION_FIELD, VALIDATION_TYPE

SCOPE: Final = "errorplane.business"
ERRORS: Final = "errorplane.business.errors"
INVALID: Final = "errorplane.business.validation.errors"

_VALUES: Final = 100
_SERIES: Final = 1000


class Instruments:
    """Counters of one meter provider, each of a thousand series and some at most."""

    def __init__(self, meter_provider: MeterProvider | None = None, *, values: int = _VALUES, series: int = _SERIES):
        meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
        self._errors = meter.create_counter(ERRORS, "{error}", "Expected failures of the business.")
        self._invalid = meter.create_counter(INVALID, "{error}", "Fields that failed their validation.")
        self._error_series = Series(values, series, (BUSINESS_ERROR,))
        self._field_series = Series(values, series, (BUSINESS_ERROR, VALIDATION_TYPE))
        _all.add(self)

    def count(self, attributes: Mapping[str, str]) -> None:
        """Count one business error."""
        self._errors.add(1, self._error_series(attributes))

    def count_invalid(self, attributes: Mapping[str, str], field: str, kind: str) -> None:
        """Count one field that failed."""
        named = {BUSINESS_ERROR: attributes[BUSINESS_ERROR], VALIDATION_FIELD: field, VALIDATION_TYPE: kind}
        self._invalid.add(1, self._field_series(named))

    def after_fork(self) -> None:
        """Give a forked child locks that nobody holds."""
        self._error_series.after_fork()
        self._field_series.after_fork()


_all: Final[WeakSet[Instruments]] = WeakSet()
_stack: Final[list[Instruments]] = []


def instruments() -> Instruments:
    """Those in force: by default of the global meter provider, which may be set later."""
    if not _stack:
        _stack.append(Instruments())
    return _stack[-1]


def measuring_to(provider: MeterProvider) -> Callable[[], None]:
    """Count on this provider instead of the global one, until what is returned is called."""
    mine = Instruments(provider)
    instruments()  # the global ones stay below
    _stack.append(mine)

    def undo() -> None:
        if mine in _stack:
            _stack.remove(mine)

    return undo


def _after_fork_in_child() -> None:
    for each in _all:
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
