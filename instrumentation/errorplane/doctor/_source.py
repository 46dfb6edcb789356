"""The application's source as the checks see it: functions, what they call, and where names come from.

Names are followed through imports, assignments (`session = requests.Session()` makes `session.get` the name
`requests.Session().get`) and from one scanned file to another. Nothing is imported and nothing runs.
"""

from __future__ import annotations

import ast
import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from errorplane.doctor._module import Function, Module

_SKIPPED: Final = frozenset(("node_modules", "site-packages", "__pycache__", "venv", "env", "build", "dist"))
_FILES: Final = 20_000
_BYTES: Final = 2_000_000
_DEPTH: Final = 5  # of calls that are followed from one function into another
_DOTS: Final = 8  # of names that are followed from one file to another

_HAND_OVER: Final = frozenset(("to_thread", "run_in_executor", "run_in_threadpool", "run_sync", "submit", "call"))
"""What calls the functions that it is given: threads, executors, circuit breakers."""
_SELF: Final = frozenset(("self", "cls"))


class Call(NamedTuple):
    """A call in a scanned function: what is called by its whole name, and where."""

    name: str
    module: Module
    node: ast.Call

    @property
    def where(self) -> str:
        """file:line"""
        return self.module.where(self.node)


class Project:
    """All files of a scan."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules = tuple(modules)
        self._by_stem: dict[str, list[Module]] = {}
        for module in self.modules:
            self._by_stem.setdefault(module.name.rpartition(".")[2], []).append(module)

    @property
    def functions(self) -> Iterator[Function]:
        """The functions and methods of all files."""
        for module in self.modules:
            yield from module.functions.values()

    def calls(self, function: Function, nodes: Iterable[ast.AST] | None = None) -> Iterator[Call]:
        """What a function (or these parts of it) calls, itself and through scanned functions."""
        return self._calls(function, function.node.body if nodes is None else nodes, {function}, _DEPTH)

    def reached(self, function: Function, nodes: Iterable[ast.AST] | None = None) -> set[Function]:
        """The scanned functions that are called by a function, or by these parts of it, directly or not."""
        seen = {function}
        deque(self._calls(function, function.node.body if nodes is None else nodes, seen, _DEPTH), 0)
        return seen - {function}

    def _calls(self, function: Function, nodes: Iterable[ast.AST], seen: set[Function], depth: int) -> Iterator[Call]:
        module = function.module
        for node in (each for part in nodes for each in ast.walk(part) if isinstance(each, ast.Call)):
            if name := self.name(module, node.func):
                yield Call(name, module, node)
            for callee in (node.func, *(node.args if _last(node.func) in _HAND_OVER else ())):
                target = self.target(function, callee)
                if target is not None and target not in seen and depth:
                    seen.add(target)
                    yield from self._calls(target, target.node.body, seen, depth - 1)

    def name(self, module: Module, node: ast.expr) -> str:
        """What an expression stands for, followed from one scanned file into another."""
        dotted = module.dotted(node)
        for _ in range(_DOTS):
            found = self._in_its_module(dotted)
            if found is None or found == dotted:
                return dotted
            dotted = found
        return dotted

    def _in_its_module(self, dotted: str) -> str | None:
        plain = dotted.partition("(")[0].split(".")
        for at in range(len(plain) - 1, 0, -1):
            home = self._module(".".join(plain[:at]))
            if home is not None:
                rest = dotted[len(".".join(plain[: at + 1])) :]
                if (value := home.attribute(plain[at])) is not None:
                    return home.dotted(value) + rest
                if plain[at] in home.imports:
                    return home.imports[plain[at]] + rest
                made, attribute, after = rest.partition(".")[0], *_first(rest)
                value = home.attribute(plain[at], attribute) if made == "()" else None
                return home.dotted(value) + after if value is not None else None
        return None

    def target(self, function: Function, callee: ast.expr) -> Function | None:
        """The scanned function that a call in `function` goes to, if it is one."""
        if isinstance(callee, ast.Attribute) and isinstance(callee.value, ast.Name) and callee.value.id in _SELF:
            return function.module.functions.get(f"{function.owner}.{callee.attr}")
        return self.find(self.name(function.module, callee))

    def find(self, dotted: str) -> Function | None:
        """A scanned function by its whole name."""
        before, _, name = dotted.rpartition(".")
        if (home := self._module(before)) is not None:
            return home.functions.get(name)
        module, _, kind = before.removesuffix("()").rpartition(".")
        home = self._module(module)
        return home.functions.get(f"{kind}.{name}") if home is not None else None

    def made(self, module: Module, node: ast.expr) -> str:
        """As `name`, and what scanned functions return is followed as well: `make().get` to what `make` returns."""
        name = self.name(module, node)
        for _ in range(_DOTS):
            before, call, after = name.partition("()")
            factory = self.find(before) if call else None
            value = _returned(factory) if factory is not None else None
            if factory is None or value is None:
                break
            name = self.name(factory.module, value) + after
        return name

    def _module(self, dotted: str) -> Module | None:
        """By its name, or by its path where folders have no `__init__.py`."""
        parts = tuple(dotted.split("."))
        for module in self._by_stem.get(parts[-1], ()):
            if module.name == dotted or module.path.with_suffix("").parts[-len(parts) :] == parts:
                return module
        return None


def _last(callee: ast.expr) -> str:
    return callee.attr if isinstance(callee, ast.Attribute) else callee.id if isinstance(callee, ast.Name) else ""


def _first(rest: str) -> tuple[str, str]:
    """The first name after a call, and all that comes after it: `().a.b` gives `a` and `.b`."""
    names = rest.partition(".")[2]
    size = next((at for at, letter in enumerate(names) if letter in ".("), len(names))
    return names[:size], names[size:]


def _returned(function: Function) -> ast.expr | None:
    """What a function returns, if it does so at one place."""
    values = [each.value for each in ast.walk(function.node) if isinstance(each, ast.Return)]
    return values[0] if len(values) == 1 else None


def read(paths: Iterable[Path]) -> tuple[Project, list[tuple[Path, str]]]:
    """The files of these paths (folders with all below them), and those that cannot be read, with the reason."""
    modules, unreadable = [], []
    for path, name in _files(paths):
        try:
            modules.append(Module(path, name, ast.parse(path.read_bytes(), str(path))))
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            unreadable.append((path, f"{type(error).__name__}: {error}"))
    return Project(modules), unreadable


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    left = _FILES
    for root in paths:
        for path in [root] if root.is_file() else sorted(_walk(root)):
            left -= 1
            if left < 0:
                return
            if path.stat().st_size <= _BYTES:
                yield path, _module_name(path)


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in _SKIPPED and not each.startswith(".")]
        yield from (Path(folder, name) for name in names if name.endswith(".py"))


def _module_name(path: Path) -> str:
    """As it is imported: from the outermost folder that is a package on."""
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.resolve().parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)
