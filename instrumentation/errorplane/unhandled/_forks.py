"""A fork copies what the SDK holds: the child gets locks, connections and counts of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from errorplane.hooks._guard import GUARD
from errorplane.unhandled._chain import Watch

_PAUSE_SECONDS: Final = 1.0  # what a fork waits for an export under way: a healthy endpoint answers sooner
_watches: Final[list[tuple[Watch, bool]]] = []
_resume: Final[list[Callable[[], None]]] = []
_in_vain: Final[list[bool]] = []  # the last wait was: then none waits until exports are found standing still
_registered: Final[list[bool]] = []


def watch_forks(watch: Watch, *, counts_of_all: bool) -> None:
    """Mend the SDK in every child that is forked from now on, until the watch stops."""
    _watches[:] = [(watch, counts_of_all)]
    if hasattr(os, "register_at_fork") and not _registered:
        # For good: nothing takes it back. Registered after the SDK's own, so that it runs before those in the parent,
        # and after them in the child.
        os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
        _registered.append(True)


def _before() -> None:
    for _ in _active():
        GUARD.run("fork.pause", _pause)


def _pause() -> None:
    resume, still = _sdk().pause_exports(0.0 if _in_vain else _PAUSE_SECONDS)
    _resume.append(resume)
    _in_vain[:] = [] if still else [True]


def _after() -> None:
    while _resume:
        GUARD.run("fork.resume", _resume.pop())


def _in_child() -> None:
    _resume.clear()  # their locks are replaced
    for counts_of_all in _active():
        GUARD.run("fork.mend", _mend, counts_of_all)


def _mend(counts_of_all: bool) -> None:
    _sdk().mend(counts_of_all=counts_of_all)


def _active() -> list[bool]:
    return [counts_of_all for watch, counts_of_all in _watches if watch.active]


def _sdk() -> Any:
    from errorplane.hooks import _sdk_fork  # it imports of the API what `attach` must not need to be imported

    return _sdk_fork
