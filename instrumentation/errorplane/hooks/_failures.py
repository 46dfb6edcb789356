"""Our own failures as a metric of the application: what `GUARD` counts, read when metrics are collected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from errorplane.errors import HOOK
from errorplane.hooks._guard import GUARD

FAILURES: Final = "errorplane.hooks.failures"
_observed: Final[list[bool]] = []


def observe_failures() -> None:
    """Make the counter, once a process. It has a series for each hook that has failed, so normally none."""
    if _observed:
        return
    _observed.append(True)
    # A forked worker is an instance of its own and counts from zero; its parent reports what happened before.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=GUARD.forget)
    get_meter("errorplane.hooks").create_observable_counter(
        FAILURES,
        callbacks=[_failures],
        unit="{failure}",
        description="Failures of errorplane's hooks, none of which reached the application.",
    )


def _failures(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(count, {HOOK: hook}) for hook, count in GUARD.failures.items()]
