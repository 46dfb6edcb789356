"""Expressions that are made when they are first used: an application pays at its start for none of them, and later only
for those that its texts need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, AnyStr, cast, overload
from weakref import WeakSet

_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "split")


class _Lazy:
    """Stands for a compiled expression. Its methods are that one's own once they were asked for, at no further cost."""

    __slots__ = ("__weakref__", "_flags", "pattern", *_METHODS)

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name not in _METHODS:
            raise AttributeError(name)
        self.compile()
        return object.__getattribute__(self, name)

    def compile(self) -> None:
        """Take the compiled expression's methods."""
        compiled = re.compile(self.pattern, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        _waiting.discard(self)


_waiting: WeakSet[_Lazy] = WeakSet()


def lazy(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """``re.compile``, when the expression is first used; it has the methods for looking, ``sub`` and ``pattern``."""
    made = _Lazy(pattern, flags)
    _waiting.add(made)
    return cast("re.Pattern[AnyStr]", made)


class Gates(Sequence[bytes]):
    """Hyperscan expressions, which only the processor needs."""

    def __init__(self, make: Callable[[], tuple[bytes, ...]]) -> None:
        self._make: Callable[[], tuple[bytes, ...]] | None = make
        self._made: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[bytes, ...]: ...
    def __getitem__(self, at: int | slice) -> bytes | tuple[bytes, ...]:
        return self._all()[at]

    def _all(self) -> tuple[bytes, ...]:
        if self._make is not None:
            self._made, self._make = self._make(), None
        return self._made


def compile_all() -> None:
    """Compile every expression now: for a server, which has time at its start and not in its first requests."""
    for each in tuple(_waiting):
        each.compile()
