"""Forks of the process: between two turns of the deciding thread, and with a new start in the child."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """What survives forks."""

    @property
    def turn(self) -> threading.RLock:
        """Held while something is at work that must not be copied half done."""
        ...

    def renew(self) -> None:
        """Start anew in a child process."""
        ...


def survive_forks(sampling: Forked) -> None:
    """Have every fork of the process wait until ``sampling`` is between two turns, and start it anew in the child."""
    if not hasattr(os, "register_at_fork"):
        return
    reference = weakref.ref(sampling)
    paused: list[threading.RLock] = []

    def pause() -> None:
        found = reference()
        if found is not None:
            paused.append(found.turn)
            paused[-1].acquire()

    def go_on() -> None:
        while paused:
            paused.pop().release()

    def renew() -> None:
        paused.clear()
        found = reference()
        if found is not None:
            found.renew()

    os.register_at_fork(before=pause, after_in_parent=go_on, after_in_child=renew)
