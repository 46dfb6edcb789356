"""What is to happen once a library is imported, which may never be.

Not with `wrapt.register_post_import_hook`, as OpenTelemetry's instrumentations do it: importing wrapt brings asyncio
along, and the two take longer than all of errorplane.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from errorplane.hooks._guard import GUARD

Call = Callable[[ModuleType], object]

_waiting: Final[dict[str, list[Call]]] = {}


def after_import(name: str, call: Call) -> None:
    """Call with the module of this name: now if it is imported already, else as soon as it is. A failure is ours only.

    Modules without a loader of their own (builtin and frozen ones) are not seen.
    """
    module = sys.modules.get(name)
    if module is not None:
        GUARD.run(f"import_{name}", call, module)
        return
    _waiting.setdefault(name, []).append(call)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


class _Finder:
    """Finds nothing itself: asks the others, and has what they found tell when the module is there."""

    def __init__(self) -> None:
        self._asking: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _waiting or name in self._asking:
            return None
        self._asking.add(name)  # others that do as we do ask us in turn
        try:
            for finder in list(sys.meta_path):
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find and find(name, path, target)
                if spec is not None:
                    GUARD.run("after_import", _tell, spec, name)
                    return spec
            return None
        finally:
            self._asking.discard(name)


_FINDER: Final = _Finder()


def _tell(spec: ModuleSpec, name: str) -> None:
    loader = spec.loader
    if loader is None or isinstance(loader, type) or not hasattr(loader, "exec_module"):
        return  # classes load many modules
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        for call in _waiting.pop(name, ()):
            GUARD.run(f"import_{name}", call, module)

    loader.exec_module = exec_module  # type: ignore[method-assign]  # only of this one loader
