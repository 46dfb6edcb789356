"""One file of an application's source: its functions, its calls, and what its names stand for, by scope."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_DOTS: Final = 8  # of names that are followed from one assignment to another
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


class _Scope(NamedTuple):
    """The lines in which a name holds, and the class in the body of which they are."""

    first: int
    last: float
    owner: str = ""

    @classmethod
    def of(cls, node: ast.ClassDef | AnyFunction) -> _Scope:
        return cls(node.lineno, node.end_lineno or node.lineno, node.name if isinstance(node, ast.ClassDef) else "")


class _Assigned(NamedTuple):
    """What a name was set to, where that holds; None for what nobody can tell, such as a parameter."""

    scope: _Scope
    value: ast.expr | None


_FILE: Final = _Scope(0, float("inf"))


@dataclass(slots=True, eq=False)
class Module:
    """One file: what its names stand for."""

    path: Path
    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[_Assigned]] = field(default_factory=dict)
    """By the text of the target, each assignment with its scope."""
    classes: dict[str, _Scope] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    calls: list[tuple[ast.Call, Function | None]] = field(default_factory=list)
    """All calls, with the function that each stands in."""
    loops: dict[Function, list[ast.For | ast.AsyncFor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read(self.tree, _FILE, _FILE, None)

    def where(self, node: ast.AST) -> str:
        """file:line"""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def dotted(self, node: ast.expr) -> str:
        """What an expression stands for, such as `requests.Session().get`; nothing for what has no name."""
        return self._dotted(node, _DOTS)

    def value(self, node: ast.expr) -> ast.expr:
        """What was assigned to a name, else the expression itself."""
        found = self._assigned(node)
        return node if found is None or found.value is None else found.value

    def attribute(self, name: str, attribute: str = "") -> ast.expr | None:
        """What a name of the file stands for; with an attribute, that of a class's objects."""
        scope = self.classes.get(name) if attribute else _FILE
        wanted = self.values.get(f"self.{attribute}" if attribute else name, ())
        return next((each.value for each in reversed(wanted) if each.scope == scope), None)

    def identity(self, node: ast.expr) -> str:
        """A name for a variable that is the same wherever it is used, and another one for another scope's."""
        text = ast.unparse(node)
        root, _, rest = text.partition(".")
        found = self._assigned(node)
        if found is not None and found.scope != _FILE:
            return f"{self.name}:{found.scope.first}.{text}"
        return f"{self.imports[root]}.{rest}".rstrip(".") if root in self.imports else f"{self.name}.{text}"

    def chain(self, node: ast.expr) -> Iterator[ast.Call]:
        """The calls that an expression is made of, the last one first, through assignments."""
        for _ in range(4 * _DOTS):
            found = self._assigned(node)
            if found is not None and found.value is not None:
                node = found.value
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
        found = self._assigned(node)
        if found is not None:
            return self._dotted(found.value, left - 1) if found.value is not None else ""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, f"{self.name}.{node.id}")
        if isinstance(node, ast.Attribute):
            before = self._dotted(node.value, left)
            return f"{before}.{node.attr}" if before else ""
        return ""

    def _assigned(self, node: ast.expr) -> _Assigned | None:
        """The assignment that a name has its value from: the last one of the innermost scope around it."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        around = [
            each
            for each in self.values.get(ast.unparse(node), ())
            if each.scope.first <= node.lineno <= each.scope.last
        ]
        return max(reversed(around), key=lambda each: each.scope.first, default=None)

    def _read(self, parent: ast.AST, scope: _Scope, owner: _Scope, function: Function | None) -> None:
        """One walk for all checks: walking the tree is what a scan takes its time for."""
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef):
                own = self.classes[node.name] = _Scope.of(node)
                self._read(node, own, own, function)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                made = Function(self, node, owner.owner)
                self.functions.setdefault(made.name, made)
                self._parameters(node)
                self._read(node, _Scope.of(node), owner, made)
            else:
                self._note(node, scope, owner, function)
                self._read(node, scope, owner, function)

    def _parameters(self, node: AnyFunction) -> None:
        """A parameter stands for an object of the class that it is annotated with, if it is."""
        arguments = node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            kind = each.annotation
            made = ast.Call(kind, [], []) if isinstance(kind, ast.Name | ast.Attribute) else None
            self._set(ast.Name(each.arg), ast.copy_location(made, each) if made else None, _Scope.of(node), _FILE)

    def _set(self, target: ast.Name | ast.Attribute, value: ast.expr | None, scope: _Scope, owner: _Scope) -> None:
        text = ast.unparse(target)
        if text.startswith("self."):
            scope = owner
        self.values.setdefault(text, []).append(_Assigned(scope, value))
        if scope.owner and isinstance(target, ast.Name):
            for before in ("self", "cls"):
                self.values.setdefault(f"{before}.{text}", []).append(_Assigned(scope, value))

    def _note(self, node: ast.AST, scope: _Scope, owner: _Scope, function: Function | None) -> None:
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
                self._set(target, value, scope, owner)
            case ast.AnnAssign(target=ast.Name() | ast.Attribute() as target, value=ast.expr() as value):
                self._set(target, value, scope, owner)
            case ast.withitem(context_expr=value, optional_vars=ast.Name() as target):
                self._set(target, value, scope, owner)
            case ast.For() | ast.AsyncFor() if function is not None:
                self.loops.setdefault(function, []).append(node)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        up = node.level - (self.path.name == "__init__.py")
        return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])
