"""Users by pseudonym: the same user is known again, and nobody without the key can tell who it is."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from typing import Final

from errorplane import settings

KEY_LENGTH: Final = 16
"""Characters that a key must have: a shorter one could be guessed from the hash of a known user."""

_log: Final = logging.getLogger("errorplane.context")
_key: Final[list[bytes]] = []
_said: Final[list[bool]] = []


def configure_user(environ: Mapping[str, str]) -> None:
    """Take the key from `ERRORPLANE_USER_KEY`; one that is too short is refused, in the log and without its value."""
    _key.clear()
    _said.clear()
    key = settings.text(environ, settings.USER_KEY)
    if len(key) >= KEY_LENGTH:
        _key.append(key.encode())
    elif key:
        _log.warning(
            "%s has fewer than %d characters and is not used: nothing about users is written",
            settings.USER_KEY,
            KEY_LENGTH,
        )
        _said.append(True)


def user_hash(user: str) -> str | None:
    """The pseudonym of a user: HMAC-SHA-256 of the id in UTF-8 under the key, 64 hex digits.

    None without a key, which is said in the log once.
    """
    if _key:
        return hmac.digest(_key[0], str(user).encode("utf-8", "surrogatepass"), "sha256").hex()
    if not _said:
        _said.append(True)
        _log.warning("%s is not set: nothing about users is written", settings.USER_KEY)
    return None
