"""What all hooks of one process share, and how it is configured from the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from errorplane.errors import random_id
from errorplane.settings import ENABLED, flag

HANDLED: Final[ContextVar[BaseException | None]] = ContextVar("errorplane_handled", default=None)
"""The exception of the standard library's log record that is being turned into an OpenTelemetry one."""


@dataclass(slots=True)
class Attachment:
    """One `attach()`. The hooks it installed stay where they are after `detach()`, and then do nothing."""

    new_id: Callable[[], str] = random_id
    active: bool = True
    adopters: list[Callable[[Any], None]] = field(default_factory=list)
    """Shown every tracer provider of the SDK, once."""


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Whether errorplane may do anything: not with `ERRORPLANE_ENABLED=false` (or 0, no, off)."""
    return flag(environ, ENABLED)
