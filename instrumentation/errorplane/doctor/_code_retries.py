"""Retries around retries: one layer multiplies the attempts of the other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from errorplane.doctor._finding import RETRIES, Finding
from errorplane.doctor._module import Function, Module
from errorplane.doctor._source import Call, Project

_DECORATORS: Final = {
    "tenacity.retry": "tenacity",
    "tenacity.Retrying().wraps": "tenacity",
    "tenacity.AsyncRetrying().wraps": "tenacity",
    "backoff.on_exception": "backoff",
    "backoff.on_predicate": "backoff",
    "stamina.retry": "stamina",
    "retrying.retry": "retrying",
    "retry.retry": "retry",
}
_LOOPS: Final = {
    "tenacity.Retrying()": "tenacity",
    "tenacity.AsyncRetrying()": "tenacity",
    "stamina.retry_context()": "stamina",
}
_ATTEMPTS: Final = ("stop", "max_tries", "attempts", "stop_max_attempt_number", "tries")
_BOTO: Final = ("client", "resource")
_REQUEST: Final = frozenset(
    ("get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream", "urlopen")
)


def stacked_retries(project: Project) -> Iterator[Finding]:
    """Each function or loop that tries again what itself is tried again further down."""
    mounted = frozenset(_with_adapters(project))
    for function in project.functions:
        own = _layers(project, function)
        if own:
            yield from _found(project, function, own[0], own[1:], None, mounted)
        for loop, label in _loops(project, function):
            yield from _found(project, function, label, [], loop.body, mounted)
    for function, label in _wrapped(project):
        yield from _found(project, function, label, _layers(project, function), None, mounted)


def _found(
    project: Project,
    function: Function,
    outer: str,
    more: list[str],
    nodes: Iterable[ast.AST] | None,
    mounted: frozenset[str],
) -> Iterator[Finding]:
    inner = {f"{label} on {function.name} too": function.module.where(function.node) for label in more}
    for reached in project.reached(function, nodes):
        inner |= {
            f"{label} on {reached.name}": reached.module.where(reached.node) for label in _layers(project, reached)
        }
        inner |= {f"{label} in {reached.name}": reached.module.where(loop) for loop, label in _loops(project, reached)}
    for call in project.calls(function, nodes):
        if label := _layer_of_call(project, call, mounted):
            inner.setdefault(label, call.where)
    if inner:
        listed = ", ".join(f"{label} ({where})" for label, where in sorted(inner.items()))
        yield Finding(
            RETRIES,
            f"{function.name} is retried by {outer}, and so is what it calls: {listed}",
            function.module.where(function.node),
        )


def _layers(project: Project, function: Function) -> list[str]:
    """The retries that decorators put around a function, outermost first."""
    found = []
    for decorator in function.node.decorator_list:
        name = project.name(function.module, decorator)
        call = next(function.module.chain(decorator), None)
        if label := _DECORATORS.get(name.removesuffix("()")):
            if call is None or not _once(call):
                found.append(label)
        elif (
            call is not None
            and name.removesuffix("()").rpartition(".")[2] in ("task", "shared_task")
            and (_autoretry(call) or _retries_itself(function))
        ):
            found.append("celery")
    return found


def _once(call: ast.Call) -> bool:
    """Whether it says that there is one attempt."""
    for keyword in call.keywords:
        value = keyword.value
        if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("stop_after_attempt") and value.args:
            value = value.args[0]
        if keyword.arg in _ATTEMPTS and isinstance(value, ast.Constant) and value.value == 1:
            return True
    return False


def _autoretry(call: ast.Call) -> bool:
    value = _keyword(call, "autoretry_for")
    return value is not None and not (isinstance(value, ast.Tuple | ast.List) and not value.elts)


def _retries_itself(function: Function) -> bool:
    """Whether a bound task calls `self.retry`."""
    arguments = [each.arg for each in function.node.args.args[:1]]
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "retry"
        and ast.unparse(node.func.value) in arguments
        for node in ast.walk(function.node)
    )


def _loops(project: Project, function: Function) -> Iterator[tuple[ast.For | ast.AsyncFor, str]]:
    """The loops of a function that are attempts."""
    for loop in function.module.loops.get(function, ()):
        label = _LOOPS.get(project.made(function.module, loop.iter))
        if label is not None and not _said_once(function.module, loop.iter):
            yield loop, label


def _wrapped(project: Project) -> Iterator[tuple[Function, str]]:
    """Functions that are given to a retry: `retry(...)(f)`, `Retrying(...)(f)`."""
    for module in project.modules:
        for node, caller in module.calls:
            name = project.made(module, node.func) if node.args else ""
            label = _DECORATORS.get(name.removesuffix("()")) or _LOOPS.get(name)
            if label is not None and not _said_once(module, node.func):
                given = node.args[0]
                target = project.target(caller, given) if caller else project.find(project.name(module, given))
                if target is not None:
                    yield target, label


def _said_once(module: Module, made: ast.expr) -> bool:
    call = next(module.chain(made), None)
    return call is not None and _once(call)


def _layer_of_call(project: Project, call: Call, mounted: frozenset[str]) -> str:
    """The retries that a client library makes by itself in this call; nothing if it makes none."""
    root, method = call.name.partition(".")[0], call.name.rpartition(".")[2]
    if root in ("boto3", "botocore", "aioboto3") and "()." in call.name and method not in _BOTO:
        return "" if _boto_once(call) else "botocore's own retries"
    if method not in _REQUEST or not isinstance(call.node.func, ast.Attribute):
        return ""
    if call.module.identity(call.node.func.value) in mounted or call.name.rpartition("()")[0] in mounted:
        return "urllib3 Retry of its session"
    if root == "urllib3" and not _says_none(call):
        return "urllib3's own retries"
    if root == "httpx" and any(_transport_retries(call.module, made) for made in call.module.chain(call.node.func)):
        return "retries of its httpx transport"
    return ""


def _boto_once(call: Call) -> bool:
    for made in call.module.chain(call.node.func):
        config = _keyword(made, "config")
        if config is not None:
            settings = call.module.value(config)
            retries = _keyword(settings, "retries") if isinstance(settings, ast.Call) else None
            if isinstance(retries, ast.Dict):
                said = {
                    ast.unparse(key): ast.unparse(value)
                    for key, value in zip(retries.keys, retries.values, strict=True)
                    if key
                }
                return said.get("'max_attempts'") == "0" or said.get("'total_max_attempts'") == "1"
    return False


def _says_none(call: Call) -> bool:
    return any(
        _is_none(call.module, _keyword(made, "retries")) for made in (call.node, *call.module.chain(call.node.func))
    )


def _transport_retries(module: Module, made: ast.Call) -> bool:
    given = _keyword(made, "transport")
    transport = module.value(given) if given is not None else None
    return transport is not None and _tries(module, _keyword(transport, "retries"))


def _with_adapters(project: Project) -> Iterator[str]:
    """Sessions to which an adapter with retries is mounted, and functions that make such sessions."""
    for module in project.modules:
        for call, function in module.calls:
            if isinstance(call.func, ast.Attribute) and _mounts_retries(module, call):
                yield module.identity(call.func.value)
                if function is not None:
                    yield f"{module.name}.{function.name}"


def _mounts_retries(module: Module, call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "mount" or len(call.args) < 2:
        return False
    adapter = module.value(call.args[1])
    return isinstance(adapter, ast.Call) and _tries(module, _keyword(adapter, "max_retries"))


def _tries(module: Module, value: ast.expr | None) -> bool:
    """Whether a number of retries is given that is not none."""
    return value is not None and not _is_none(module, value)


def _is_none(module: Module, value: ast.expr | None) -> bool:
    """0 or False, also as the total of a `Retry`."""
    value = value and module.value(value)
    if isinstance(value, ast.Call):
        value = _keyword(value, "total") or next(iter(value.args), None)
    return isinstance(value, ast.Constant) and value.value in (0, False)


def _keyword(call: ast.expr, name: str) -> ast.expr | None:
    if not isinstance(call, ast.Call):
        return None
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
