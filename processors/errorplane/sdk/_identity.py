"""What is made of an object once, as long as it is the same one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_REMEMBERED = 256  # resources and scopes: a process has few


def by_identity(make: Callable[[T], R]) -> Callable[[T], R]:
    """Remember what is made of an object as long as it is the same one: to hash a resource costs more than a span."""
    made: dict[int, tuple[T, R]] = {}

    def remembered(original: T) -> R:
        found = made.get(id(original))
        if found is None:
            if len(made) >= _REMEMBERED:
                made.clear()
            found = made[id(original)] = (original, make(original))
        return found[1]

    return remembered
