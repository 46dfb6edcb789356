"""Who may do what with error data."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks. ``origin`` says how the name is known: ``os`` for a user of this machine."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed, and why."""

    allowed: bool
    reason: str


class AccessPort(Protocol):
    """Decides and records. Every command or endpoint that shows or changes error data asks it first."""

    def decide(self, actor: Actor, action: str, resource: str, purpose: str = "") -> Decision:
        """Whether ``actor`` may do ``action`` (such as ``traces.read``) to ``resource``; recorded before it returns.

        ``purpose`` is what the actor says that it is for.
        """
        ...


def local_actor() -> Actor:
    """The operating-system user that runs this process; ``uid:N`` where the user has no name."""
    uid = os.geteuid()
    try:
        return Actor(pwd.getpwuid(uid).pw_name, "os")
    except KeyError:
        return Actor(f"uid:{uid}", "os")
