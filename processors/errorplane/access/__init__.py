"""One port that decides and records who may do what with error data."""

from __future__ import annotations

from errorplane.access._access import AccessPort, Actor, Decision, local_actor
from errorplane.access._audit import AllowAll

__all__ = ["AccessPort", "Actor", "AllowAll", "Decision", "local_actor"]
