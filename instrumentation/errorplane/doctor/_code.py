"""Checks of the application's source."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from errorplane.doctor._code_probes import liveness_calls
from errorplane.doctor._code_retries import stacked_retries
from errorplane.doctor._code_tasks import acks_late, breakers_on_coroutines
from errorplane.doctor._finding import UNREADABLE, Finding
from errorplane.doctor._source import read

_CHECKS = (breakers_on_coroutines, stacked_retries, liveness_calls, acks_late)


def check_source(paths: Iterable[Path]) -> list[Finding]:
    """What is found in these files, and in all files below these folders. Nothing of them is imported or run."""
    project, unreadable = read(paths)
    found = [finding for check in _CHECKS for finding in check(project)]
    return found + [Finding(UNREADABLE, f"cannot be read: {why}", str(path)) for path, why in unreadable]
