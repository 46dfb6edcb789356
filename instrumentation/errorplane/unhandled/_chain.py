"""How a hook of ours joins those that are there: it calls them, exactly once, and stays out of their way."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from errorplane.errors import known_occurrence, qualified_type
from errorplane.hooks._guard import GUARD
from errorplane.hooks._replace import Undo, replace
from errorplane.hooks._report import report

_THREAD_NAME: Final = "thread.name"
_ENDINGS: Final = (SystemExit, KeyboardInterrupt, GeneratorExit)
_NAMED_ENDINGS: Final = frozenset(("asyncio.exceptions.CancelledError", "greenlet.GreenletExit", "trio.Cancelled"))
"""Of libraries that may not be there, or are dear to import."""


@dataclass(slots=True)
class Watch:
    """One installation. What it put in place stays there where others chained to it, and then only calls on."""

    active: bool = True
    undo: list[Undo] = field(default_factory=list)
    at_exit: list[Callable[[], None]] = field(default_factory=list)
    """What is left to be told when the interpreter ends."""
    _inside: threading.local = field(default_factory=threading.local)

    def tell(self, error: object, body: str, *, ends_process: bool = False, thread: str | None = None) -> None:
        """Report the error, if it is one. Not while another one is being told in this thread: that would not end."""
        if not self.active or not is_error(error) or sys.is_finalizing() or getattr(self._inside, "telling", False):
            return
        self._inside.telling = True
        try:
            GUARD.run("unhandled", _tell, error, body, ends_process, thread)
        finally:
            self._inside.telling = False

    def after(self, owner: object, name: str, see: Callable[..., None]) -> None:
        """Call `see` with the same arguments once a function has returned or raised.

        Afterwards, so that what the other hooks write of the error is known: only what is missing is added.
        """
        previous: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(previous)
        def hook(*args: Any, **kwargs: Any) -> Any:
            try:
                return previous(*args, **kwargs)
            finally:
                if self.active:
                    GUARD.run(f"unhandled.{name}", see, *args, **kwargs)

        self.replace(owner, name, hook)

    def replace(self, owner: object, name: str, new: object) -> None:
        """Put it in place until `stop`; for good where somebody has chained to it meanwhile."""
        self.undo.append(replace(owner, name, new))

    def stop(self) -> None:
        """Take everything back."""
        self.active = False
        while self.undo:
            self.undo.pop()()


def is_error(error: object) -> TypeGuard[BaseException]:
    """Whether it is an exception that nobody asked for.

    What ends a process, a task or a generator on purpose is none, whatever the exit code: `sys.exit("no such file")`
    has told its user already. A group is an error when any of its members is.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(map(is_error, error.exceptions))
    if not isinstance(error, BaseException) or isinstance(error, _ENDINGS):
        return False
    named = (qualified_type(cls) for cls in type(error).__mro__ if issubclass(cls, BaseException))
    return isinstance(error, Exception) or _NAMED_ENDINGS.isdisjoint(named)


def _tell(error: BaseException, body: str, ends_process: bool, thread: str | None) -> None:
    known = known_occurrence(error)
    if known is not None and known.logged:
        return  # by the application, by another hook or by the loop: one error is told once
    attributes = {} if thread is None else {_THREAD_NAME: thread}
    report(error, handled=False, body=body, ends_process=ends_process, attributes=attributes)
