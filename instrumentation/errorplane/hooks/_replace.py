"""Putting something of ours in the place of a part of a library, and taking it back."""

from __future__ import annotations

from collections.abc import Callable

Undo = Callable[[], None]


def replace(owner: object, name: str, new: object) -> Undo:
    """Put it in place, in a module or a class; returns what takes it back.

    Where somebody has chained to it meanwhile, only they can undo that, and it stays.
    """
    previous = vars(owner).get(name)
    inherited = getattr(owner, name)
    setattr(owner, name, new)

    def undo() -> None:
        if vars(owner).get(name) is not new:
            return
        if previous is None and isinstance(owner, type):
            delattr(owner, name)
        else:
            setattr(owner, name, inherited if previous is None else previous)

    return undo
