"""The one boundary between errorplane and the application it is in."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_log: Final = logging.getLogger("errorplane.hooks")


class Guard:
    """Runs our code inside the application's: a failure of ours is counted, said once, and never raised there.

    Under pytest it is raised, so that our mistakes show in tests; `reraise` overrides that.
    """

    def __init__(self, reraise: bool | None = None) -> None:
        self.reraise = reraise
        self._failures: Counter[str] = Counter()

    @property
    def failures(self) -> Mapping[str, int]:
        """How often each hook failed so far."""
        return dict(self._failures)

    def forget(self) -> None:
        """Count from zero again."""
        self._failures.clear()

    def run(self, hook: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What the function returns, or None when it failed."""
        try:
            return function(*args, **kwargs)
        except Exception as failure:  # noqa: BLE001  # the one place that keeps our failures from the application
            self._failed(hook, failure)
            return None

    def _failed(self, hook: str, failure: Exception) -> None:
        self._failures[hook] += 1
        if self.reraise if self.reraise is not None else "PYTEST_CURRENT_TEST" in os.environ:
            raise failure
        if self._failures[hook] == 1:
            # Only the type: the message of a failure may hold values of the application.
            _log.warning(
                "the hook %s failed with %s and is passed over; please report it", hook, type(failure).__name__
            )


GUARD: Final = Guard()
