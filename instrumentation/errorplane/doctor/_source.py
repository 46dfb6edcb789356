"""The application's source as the checks see it: functions, what they call, and where names come from.

Names are followed through imports, assignments (`session = requests.Session()` makes `session.get` the name
`requests.Session().get`) and from one scanned file to another. Nothing is imported and nothing runs.
"""

from __future__ import annotations

import ast
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_SKIPPED: Final = frozenset(("node_modules", "site-packages", "__pycache__", "venv", "env", "build", "dist"))
_FILES: Final = 20_000
_BYTES: Final = 2_000_000
_DEPTH: Final = 5  # of calls that are followed from one function into another
_DOTS: Final = 8  # of names that are followed from one assignment to another

_SELF: Final = frozenset(("self", "cls"))

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or a method, in its module and, if it has one, its class."""

    module: Module
    node: AnyFunction
    owner: str

    @property
    def name(self) -> str:
        """With the class before it."""
        return f"{self.owner}.{self.node.name}" if self.owner else self.node.name


@dataclass(slots=True, eq=False)
class Module:
    """One file: what its names stand for."""

    path: Path
    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    calls: list[tuple[ast.Call, Function | None]] = field(default_factory=list)
    """All calls, with the function that each stands in."""
    loops: list[tuple[ast.For | ast.AsyncFor, Function]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._read(self.tree, "", None)

    def where(self, node: ast.AST) -> str:
        """file:line"""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def dotted(self, node: ast.expr) -> str:
        """What an expression stands for, such as `requests.Session().get`; nothing for what has no name."""
        return self._dotted(node, _DOTS)

    def value(self, node: ast.expr) -> ast.expr:
        """What was assigned to a name, else the expression itself."""
        return self.values.get(ast.unparse(node), node) if isinstance(node, ast.Name | ast.Attribute) else node

    def identity(self, node: ast.expr) -> str:
        """A name for a variable that is the same wherever it is used."""
        text = ast.unparse(node)
        root, _, rest = text.partition(".")
        return f"{self.imports[root]}.{rest}".rstrip(".") if root in self.imports else f"{self.name}.{text}"

    def chain(self, node: ast.expr) -> Iterator[ast.Call]:
        """The calls that an expression is made of, the last one first, through assignments."""
        for _ in range(4 * _DOTS):
            if isinstance(node, ast.Name | ast.Attribute) and (made := self.values.get(ast.unparse(node))) is not None:
                node = made
            elif isinstance(node, ast.Call):
                yield node
                node = node.func
            elif isinstance(node, ast.Attribute | ast.Await | ast.Subscript):
                node = node.value
            else:
                return

    def _dotted(self, node: ast.expr, left: int) -> str:
        if not left:
            return ""
        if isinstance(node, ast.Await | ast.Subscript):
            return self._dotted(node.value, left)
        if isinstance(node, ast.Call):
            callee = self._dotted(node.func, left - 1)
            return f"{callee}()" if callee else ""
        if isinstance(node, ast.Name | ast.Attribute) and (made := self.values.get(ast.unparse(node))) is not None:
            return self._dotted(made, left - 1)
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, f"{self.name}.{node.id}")
        if isinstance(node, ast.Attribute):
            before = self._dotted(node.value, left)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def _read(self, parent: ast.AST, owner: str, function: Function | None) -> None:
        """One walk for all checks: walking the tree is what a scan takes its time for."""
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef):
                self._read(node, node.name, function)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                made = Function(self, node, owner)
                self.functions.setdefault(made.name, made)
                self._read(node, owner, made)
            else:
                self._note(node, function)
                self._read(node, owner, function)

    def _note(self, node: ast.AST, function: Function | None) -> None:
        match node:
            case ast.Call():
                self.calls.append((node, function))
            case ast.Import():
                for each in node.names:
                    self.imports[each.asname or each.name.partition(".")[0]] = (
                        each.name if each.asname else each.name.partition(".")[0]
                    )
            case ast.ImportFrom():
                for each in node.names:
                    self.imports[each.asname or each.name] = f"{self._absolute(node)}.{each.name}"
            case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=value):
                self.values[ast.unparse(target)] = value
            case ast.AnnAssign(target=ast.Name() | ast.Attribute() as target, value=ast.expr() as value):
                self.values[ast.unparse(target)] = value
            case ast.withitem(context_expr=value, optional_vars=ast.Name() as target):
                self.values[target.id] = value
            case ast.For() | ast.AsyncFor() if function is not None:
                self.loops.append((node, function))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        up = node.level - (self.path.name == "__init__.py")
        return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


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
            target = self.target(function, node.func)
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
                if plain[at] in home.values:
                    return home.dotted(home.values[plain[at]]) + rest
                return home.imports[plain[at]] + rest if plain[at] in home.imports else None
        return None

    def target(self, function: Function, callee: ast.expr) -> Function | None:
        """The scanned function that a call in `function` goes to, if it is one."""
        if isinstance(callee, ast.Attribute) and isinstance(callee.value, ast.Name) and callee.value.id in _SELF:
            return function.module.functions.get(f"{function.owner}.{callee.attr}")
        return self.find(self.name(function.module, callee))

    def find(self, dotted: str) -> Function | None:
        """A scanned function by its whole name."""
        module, _, name = dotted.rpartition(".")
        home = self._module(module)
        return home.functions.get(name) if home is not None else None

    def _module(self, dotted: str) -> Module | None:
        """By its name, or by its path where folders have no `__init__.py`."""
        parts = tuple(dotted.split("."))
        for module in self._by_stem.get(parts[-1], ()):
            if module.name == dotted or module.path.with_suffix("").parts[-len(parts) :] == parts:
                return module
        return None


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
