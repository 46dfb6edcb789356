"""Keys that end with the process: for trials, whose tokens and files nobody is to open afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from errorplane.keys._derive import SECRET_BYTES, derive
from errorplane.keys._key import Key


class EphemeralKeys:
    """A ``KeyProvider`` of one secret in memory: what it makes looks as ever, is equal for equal values, and opens nothing."""

    def __init__(self, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._secret = random(SECRET_BYTES)

    def key(self, purpose: str) -> Key:
        """See ``KeyProvider``."""
        return derive(self._secret, purpose)

    def retired(self, purpose: str) -> tuple[Key, ...]:
        """There are none."""
        return ()
