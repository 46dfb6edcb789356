"""A key and whoever provides it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Key:
    """32 secret bytes for one purpose. ``id``, 8 hex digits, may be stored beside what the key sealed."""

    id: str
    secret: bytes = field(repr=False)


class KeyProvider(Protocol):
    """The one way to a key."""

    def key(self, purpose: str) -> Key:
        """The key for ``purpose`` (``journal``, ``segments``, ``tokens``); the same one each time. Raises ``KeyUnavailable``."""
        ...

    def retired(self, purpose: str) -> tuple[Key, ...]:
        """Earlier keys of ``purpose``, newest first, for reading only. Raises ``KeyUnavailable``."""
        ...
