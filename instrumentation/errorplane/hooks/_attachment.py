"""What all hooks of one process share, and how it is configured from the environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from errorplane.errors import ErrorEvent, random_id
from errorplane.hooks._signal import Signal, signal_in_force
from errorplane.settings import (
    ENABLED,
    EVENT_BRIDGE,
    IGNORE,
    LOCALS,
    LOG_LINES,
    ON_ERROR,
    flag,
    number,
    text,
    words,
)

HANDLED: Final[ContextVar[BaseException | None]] = ContextVar("errorplane_handled", default=None)
"""The exception of the standard library's log record that is being turned into an OpenTelemetry one."""

BY_LIBRARY: Final[ContextVar[bool]] = ContextVar("errorplane_by_library", default=False)
"""Whether that record was written by a library's code: a framework that logs what the application let out."""


class Reported(NamedTuple):
    """The event of the log record that we are writing ourselves, and whether it is an event of the span already."""

    event: ErrorEvent
    on_span: bool


REPORTED: Final[ContextVar[Reported | None]] = ContextVar("errorplane_reported", default=None)
in_force: Final[list[Attachment]] = []
"""The attachment, if there is one."""

# Here and not in the package, so that reloading that one, as notebooks do, does not attach once more.
lock: Final = threading.Lock()
installed: Final[list[tuple[Attachment, list[Callable[[], None]]]]] = []
"""The attachment, and what takes its hooks out again."""


@dataclass(slots=True)
class Attachment:
    """One `attach()`. The hooks it installed stay where they are after `detach()`, and then do nothing.

    `ignore` are the qualified types of errors to drop, `locals` names or patterns of variables to write, `log_lines`
    how many of the lines logged before an error, `on_error` names a callback as `module:function`, "" none.
    """

    new_id: Callable[[], str] = random_id
    active: bool = True
    ignore: frozenset[str] = frozenset()
    on_error: str = ""
    locals: tuple[str, ...] = ()
    log_lines: int = 0
    signal: Signal = Signal.EVENTS
    bridge: bool = False
    adopters: list[Callable[[Any], None]] = field(default_factory=list)
    """Shown every tracer provider of the SDK, once."""

    @classmethod
    def of(cls, new_id: Callable[[], str], environ: Mapping[str, str]) -> Attachment:
        """As the environment says."""
        return cls(
            new_id,
            ignore=frozenset(words(environ, IGNORE)),
            on_error=text(environ, ON_ERROR),
            locals=words(environ, LOCALS),
            log_lines=int(number(environ, LOG_LINES)),
            signal=signal_in_force(environ),
            bridge=flag(environ, EVENT_BRIDGE),
        )


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Whether errorplane may do anything: not with `ERRORPLANE_ENABLED=false` (or 0, no, off)."""
    return flag(environ, ENABLED)
