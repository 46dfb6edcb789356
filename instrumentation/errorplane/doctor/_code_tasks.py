"""Circuit breakers that cannot work, and Celery tasks that are lost: two mistakes that one look at the source shows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from errorplane.doctor._finding import ACKS_LATE, BREAKER, Finding
from errorplane.doctor._module import Function, Module
from errorplane.doctor._source import Project

_BREAKER: Final = "pybreaker.CircuitBreaker()"
_LATE: Final = ("acks_late", "task_acks_late", "CELERY_TASK_ACKS_LATE", "CELERY_ACKS_LATE")
_REJECT: Final = ("reject_on_worker_lost", "task_reject_on_worker_lost", "CELERY_TASK_REJECT_ON_WORKER_LOST")


def breakers_on_coroutines(project: Project) -> Iterator[Finding]:
    """Coroutine functions that pybreaker decorates or calls."""
    for function in project.functions:
        if isinstance(function.node, ast.AsyncFunctionDef):
            made = [(project.made(function.module, each), each) for each in function.node.decorator_list]
            if any(_decorates(name, each) for name, each in made):
                what = f"{function.name} is a coroutine function and decorated by pybreaker"
                yield Finding(BREAKER, what, function.module.where(function.node.decorator_list[0]))
    for module in project.modules:
        for node, caller in module.calls:
            if node.args and _last(node.func) != "calling" and _wraps(project.made(module, node.func), node.func):
                called = _coroutine(project, module, caller, node.args[0])
                if called is not None:
                    yield Finding(BREAKER, f"pybreaker calls the coroutine function {called.name}", module.where(node))


def _decorates(name: str, decorator: ast.expr) -> bool:
    """`@breaker` and `@breaker()`; with Tornado, pybreaker can wait for a coroutine if it is told to."""
    return name in (_BREAKER, f"{_BREAKER}()") and not (isinstance(decorator, ast.Call) and _waits(decorator))


def _waits(call: ast.Call) -> bool:
    return any(each.arg == "__pybreaker_call_async" for each in call.keywords)


def _wraps(name: str, callee: ast.expr) -> bool:
    """`breaker.call(f)`, `breaker(f)` and `breaker()(f)`."""
    return name == f"{_BREAKER}.call" or _decorates(name, callee)


def _coroutine(project: Project, module: Module, caller: Function | None, given: ast.expr) -> Function | None:
    """The coroutine function that an argument stands for, also in a lambda or a `partial`."""
    if isinstance(given, ast.Lambda) and isinstance(given.body, ast.Call):
        given = given.body.func
    elif isinstance(given, ast.Call) and project.name(module, given.func) == "functools.partial" and given.args:
        given = given.args[0]
    found = project.target(caller, given) if caller else project.find(project.name(module, given))
    return found if found is not None and isinstance(found.node, ast.AsyncFunctionDef) else None


def acks_late(project: Project) -> Iterator[Finding]:
    """Tasks and settings with one of `acks_late` and `reject_on_worker_lost` without the other."""
    settings = [each for module in project.modules if _uses_celery(module) for each in _settings(module)]
    late = {where for name, where in settings if name in _LATE}
    reject = {where for name, where in settings if name in _REJECT}
    for where in sorted(late) if not reject else ():
        yield Finding(ACKS_LATE, "task_acks_late is on for all tasks, and task_reject_on_worker_lost is not", where)
    for where in sorted(reject) if not late else ():
        yield Finding(ACKS_LATE, "task_reject_on_worker_lost does nothing without task_acks_late", where)
    for function in project.functions:
        yield from _task(function, bool(late), bool(reject))


def _task(function: Function, late: bool, reject: bool) -> Iterator[Finding]:
    """What the options of a task say, where they differ from the settings."""
    for decorator in function.node.decorator_list:
        if not isinstance(decorator, ast.Call) or _last(decorator.func) not in ("task", "shared_task"):
            continue
        said = {each.arg: each.value.value for each in decorator.keywords if isinstance(each.value, ast.Constant)}
        if "acks_late" not in said and "reject_on_worker_lost" not in said:
            continue
        is_late, rejects = said.get("acks_late", late), said.get("reject_on_worker_lost", reject)
        where = function.module.where(function.node)
        if is_late and not rejects:
            yield Finding(ACKS_LATE, f"the task {function.name} has acks_late without reject_on_worker_lost", where)
        elif said.get("reject_on_worker_lost") and not is_late:
            yield Finding(
                ACKS_LATE, f"reject_on_worker_lost of the task {function.name} does nothing without acks_late", where
            )


def _settings(module: Module) -> Iterator[tuple[str, str]]:
    """Celery's settings that are true here: assignments to names or attributes, keywords, keys of dicts."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Assign(targets=[target], value=ast.Constant(value=True)):
                yield _last(target), module.where(node)
            case ast.Call() if _last(node.func) not in ("task", "shared_task"):
                yield from (
                    (each.arg, module.where(node))
                    for each in node.keywords
                    if each.arg and isinstance(each.value, ast.Constant) and each.value.value is True
                )
            case ast.Dict():
                yield from (
                    (str(key.value), module.where(key))
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Constant) and value.value is True
                )


def _uses_celery(module: Module) -> bool:
    """Or is a module of settings, which imports nothing of it: then the names say so."""
    return any(origin.partition(".")[0] == "celery" for origin in module.imports.values()) or any(
        name.startswith(("task_", "CELERY_")) for name in module.values
    )


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
