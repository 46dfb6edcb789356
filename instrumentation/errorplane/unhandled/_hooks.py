"""Errors of the interpreter, of threads and greenlets, of event loops, and those that cannot be raised."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from errorplane.unhandled._chain import Watch


def watch_interpreter(watch: Watch) -> None:
    """`sys.excepthook`, `threading.excepthook` and `sys.unraisablehook`."""

    def uncaught(_type: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
        watch.tell(error, "unhandled exception", ends_process=_ends())

    def in_thread(args: threading.ExceptHookArgs) -> None:
        name = None if args.thread is None else args.thread.name
        watch.tell(args.exc_value, "unhandled exception in a thread", thread=name)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        watch.tell(args.exc_value, "exception that could not be raised")

    watch.after(sys, "excepthook", uncaught)
    ours = sys.excepthook
    watch.at_exit.append(lambda: _tell_of_last(watch, ours))
    watch.after(threading, "excepthook", in_thread)
    watch.after(sys, "unraisablehook", unraisable)


def watch_loop(watch: Watch, loop_class: type) -> None:
    """What a loop's exception handler is told, whether that is the loop's own or one that the application set."""

    def failed(_loop: object, context: Mapping[str, Any]) -> None:
        watch.tell(context.get("exception"), "unhandled exception in an asyncio task or callback")

    watch.after(loop_class, "call_exception_handler", failed)


def watch_gevent(watch: Watch, module: Any) -> None:
    """gevent tells its hub of a greenlet that failed, which prints it."""

    def failed(_hub: object, _context: object, _type: object, error: object, _traceback: object) -> None:
        watch.tell(error, "unhandled exception in a greenlet")

    watch.after(module.Hub, "handle_error", failed)


def _tell_of_last(watch: Watch, ours: object) -> None:
    """The error that ended the interpreter, where a hook put in place later did not call ours (typer's and rich's).

    The interpreter keeps it as `sys.last_value`, as do prompts and pytest, under which ours is still there.
    """
    if sys.excepthook is not ours and not hasattr(sys, "ps1"):
        watch.tell(getattr(sys, "last_value", None), "unhandled exception", ends_process=True)


def _ends() -> bool:
    """Whether what reaches `sys.excepthook` now ends the process: not at a prompt, and not where others call it."""
    return threading.current_thread() is threading.main_thread() and not hasattr(sys, "ps1")
