"""Values that may become attributes of metrics: so many different ones, then `_OTHER`."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Final, NamedTuple

OTHER: Final = "_OTHER"
"""What OpenTelemetry's semantic conventions write for a value that is not on the list."""

_LENGTH: Final = 100
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9_.]+")


def name_of(name: str) -> str:
    """The name as it is written: like an event name of the semantic conventions, in lower case and of 100 characters
    at most.

    >>> name_of("Payment declined!"), name_of("payment.declined")
    ('payment_declined', 'payment.declined')
    """
    return _NOT_IN_NAMES.sub("_", str(name)[:_LENGTH].lower()).strip("_.") or OTHER


class Bounded:
    """The first `limit` values pass, later ones become `_OTHER`. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value, cut to 100 characters, or `_OTHER`."""
        value = value[:_LENGTH]
        if value in self._known:
            return value
        with self._lock:
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(value)
            return value

    def after_fork(self) -> None:
        """Give a forked child a lock that nobody holds."""
        self._lock = threading.Lock()


class Series:
    """Bounds how many combinations of attributes there are.

    Each attribute has its own `values`; of combinations beyond `most`, only the attributes in `kept` stay what they are.
    """

    def __init__(self, values: int, most: int, kept: tuple[str, ...]) -> None:
        self._values = values
        self._most = most
        self._kept = kept
        self._lock = threading.Lock()
        self._bounds: dict[str, Bounded] = {}
        self._known: set[_Combination] = set()

    def __call__(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """The attributes that may stand on a measurement."""
        found = {name: self._bound(name)(value) for name, value in attributes.items()}
        combination = _Combination(tuple(found.items()))
        if combination in self._known:
            return found
        with self._lock:
            if len(self._known) < self._most:
                self._known.add(combination)
                return found
        return {name: value if name in self._kept else OTHER for name, value in found.items()}

    def _bound(self, name: str) -> Bounded:
        bound = self._bounds.get(name)
        return self._bounds.setdefault(name, Bounded(self._values)) if bound is None else bound

    def after_fork(self) -> None:
        """Give a forked child locks that nobody holds."""
        self._lock = threading.Lock()
        for bound in self._bounds.values():
            bound.after_fork()


class _Combination(NamedTuple):
    pairs: tuple[tuple[str, str], ...]
