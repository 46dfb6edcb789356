"""Changing libraries that the application may import later, or never: nothing is imported for it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from errorplane.hooks import GUARD, after_import
from errorplane.hooks._replace import Undo, replace

Install = Callable[[ModuleType], list[Undo]]

_waiting: Final[dict[str, list[Callable[[ModuleType], None]]]] = {}


def when_imported(name: str, install: Install) -> Undo:
    """Run `install` on a module: now if it is imported already, else once it is. Returns what takes all of it back."""
    undo: list[Undo] = []

    def run(module: ModuleType) -> None:
        undo.extend(GUARD.run(f"patch_{name}", install, module) or ())

    def back() -> None:
        if run in _waiting[name]:
            _waiting[name].remove(run)
        while undo:
            undo.pop()()

    if name not in _waiting:
        _waiting[name] = []
        if name not in sys.modules:
            after_import(name, _imported)
    _waiting[name].append(run)
    if (module := sys.modules.get(name)) is not None:
        run(module)
    return back


def _imported(module: ModuleType) -> None:
    for run in list(_waiting[module.__name__]):
        run(module)


def wrap(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Undo:
    """Put what `make` makes of a function in its place; undone unless somebody has chained to it since."""
    previous = getattr(owner, name)
    return replace(owner, name, functools.wraps(previous)(make(previous)))
