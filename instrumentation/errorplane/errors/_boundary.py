"""The boundary to objects of the application: asking them anything runs its code, which may raise anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def ask(question: Callable[[], T], otherwise: T) -> T:
    """The answer, or `otherwise` where the application's own `__str__`, property or the like fails.

    That is nobody's failure but the application's, so it is not counted as one of ours.
    """
    try:
        return question()
    except Exception:  # noqa: BLE001  # see above
        return otherwise
