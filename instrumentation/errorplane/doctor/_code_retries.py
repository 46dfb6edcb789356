"""Retries around retries: one layer multiplies the attempts of the other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from errorplane.doctor._finding import RETRIES, Finding
from errorplane.doctor._source import Call, Function, Module, Project

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
    for loop, function, label in _loops(project):
        yield from _found(project, function, label, [], loop.body, mounted)


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
            and _autoretry(call)
        ):
            found.append("celery autoretry_for")
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


def _loops(project: Project) -> Iterator[tuple[ast.For | ast.AsyncFor, Function, str]]:
    for module in project.modules:
        for loop, function in module.loops:
            label = _LOOPS.get(project.name(module, loop.iter))
            call = next(module.chain(loop.iter), None)
            if label is not None and (call is None or not _once(call)):
                yield loop, function, label


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
    if root == "httpx" and any(_transport_retries(made) for made in call.module.chain(call.node.func)):
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
    return any(_is_none(_keyword(made, "retries")) for made in (call.node, *call.module.chain(call.node.func)))


def _transport_retries(made: ast.Call) -> bool:
    transport = _keyword(made, "transport")
    return isinstance(transport, ast.Call) and _tries(_keyword(transport, "retries"))


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
    return isinstance(adapter, ast.Call) and _tries(_keyword(adapter, "max_retries"))


def _tries(value: ast.expr | None) -> bool:
    """Whether a number of retries is given that is not none."""
    return value is not None and not _is_none(value)


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value in (0, False)


def _keyword(call: ast.expr, name: str) -> ast.expr | None:
    if not isinstance(call, ast.Call):
        return None
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
