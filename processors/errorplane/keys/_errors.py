"""What can go wrong with keys.

Exception
└── KeyUnavailable    a key that cannot be had; the message says what to do and holds nothing of the key
"""

from __future__ import annotations


class KeyUnavailable(Exception):
    """The source of a key does not give one."""

    def __init__(self, purpose: str, message: str) -> None:
        super().__init__(f"keys.{purpose}: {message}")
        self.purpose = purpose
