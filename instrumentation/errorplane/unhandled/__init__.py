"""Errors that nobody handles, wherever they end, and processes that end or fork: `attach` installs it."""

from __future__ import annotations

import atexit
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from errorplane.hooks._guard import GUARD
from errorplane.hooks._imports import after_import
from errorplane.hooks._replace import Undo
from errorplane.settings import EXIT_SECONDS, FORK, UNHANDLED, flag, number, text
from errorplane.unhandled._chain import Watch, is_error
from errorplane.unhandled._flush import flush_all
from errorplane.unhandled._forks import watch_forks
from errorplane.unhandled._hooks import watch_gevent, watch_interpreter, watch_loop
from errorplane.unhandled._processes import watch_billiard, watch_billiard_pool, watch_multiprocessing, watch_signals

__all__ = ["flush", "install", "is_error"]

_SECONDS: Final = 5.0


def install(environ: Mapping[str, str]) -> Undo:
    """Watch for what nobody handles, unless `ERRORPLANE_UNHANDLED=false`; returns what takes the hooks out again.

    Hooks that were there are called, and those that chain to ours stay. Needs `attach`, for what is reported.
    """
    watch = Watch()
    send = functools.partial(flush, number(environ, EXIT_SECONDS))
    fork = text(environ, FORK)
    if fork != "off":
        watch_forks(watch, counts_of_all=fork == "all")
    if flag(environ, UNHANDLED):
        watch_interpreter(watch)
        watch_signals(watch, send)
        for module, use in _later(watch, send).items():
            GUARD.run(f"unhandled.{module}", _once_imported, watch, module, use)
        atexit.register(_at_exit, watch, number(environ, EXIT_SECONDS))
        watch.undo.append(functools.partial(atexit.unregister, _at_exit))
    return watch.stop


def flush(seconds: float = _SECONDS) -> bool:
    """Send what waits in the providers of traces, logs and metrics; False if that took longer than `seconds`.

    For code that ends its process by `os._exit`, or is about to be killed. Never raises (see `errorplane.hooks.GUARD`).
    """
    return GUARD.run("flush", _flush, seconds) is True


def _flush(seconds: float) -> bool:
    from errorplane.hooks import _sdk_fork

    return flush_all(_sdk_fork.providers(), seconds)


def _at_exit(watch: Watch, seconds: float) -> None:
    """Providers with `shutdown_on_exit` look after themselves; the others would lose what waits in them."""
    from errorplane.hooks import _sdk_fork

    if watch.active:
        for tell in watch.at_exit:
            GUARD.run("unhandled.at_exit", tell)
        GUARD.run("flush", lambda: flush_all(_sdk_fork.left_to_flush(), seconds))


def _later(watch: Watch, send: Callable[[], object]) -> Mapping[str, Callable[[Any], None]]:
    """What is done with modules that may be imported, or not."""
    return {
        "asyncio.base_events": lambda module: watch_loop(watch, module.BaseEventLoop),
        "uvloop": lambda module: watch_loop(watch, module.Loop),  # not derived from the one above
        "gevent.hub": functools.partial(watch_gevent, watch),
        "multiprocessing.process": functools.partial(watch_multiprocessing, watch, send),
        "billiard.util": functools.partial(watch_billiard, watch, send),
        "billiard.pool": functools.partial(watch_billiard_pool, watch, send),
    }


def _once_imported(watch: Watch, module: str, use: Callable[[Any], None]) -> None:
    def imported(found: Any) -> None:
        if watch.active:
            GUARD.run(f"unhandled.{module}", use, found)

    after_import(module, imported)
