"""Liveness probes that call dependencies: handlers of /health, /healthz, /livez and the like, and what they reach."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from errorplane.doctor._finding import LIVENESS, Finding
from errorplane.doctor._source import Call, Function, Module, Project

_LIVENESS: Final = frozenset(("health", "healthz", "livez", "live", "liveness", "alive", "healthcheck", "health-check"))
_REGISTER: Final = frozenset(
    ("add_url_rule", "add_api_route", "add_route", "add_get", "Route", "APIRoute", "path", "re_path", "get", "route")
)
_HTTP: Final = frozenset(
    ("get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream", "fetch", "urlopen")
)
_SQL: Final = frozenset(
    [
        "connect",
        "connection",
        "begin",
        "execute",
        "executemany",
        "exec",
        "fetch",
        "fetchrow",
        "fetchval",
        "fetch_one",
        "fetch_all",
        "scalar",
        "scalars",
        "cursor",
    ]
)
_ANY: Final[frozenset[str]] = frozenset()
_CALLS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("requests", "httpx", "aiohttp", "urllib3", "urllib"), _HTTP),
    **dict.fromkeys(("psycopg", "psycopg2", "asyncpg", "pymysql", "MySQLdb", "aiomysql", "oracledb", "pyodbc"), _SQL),
    **dict.fromkeys(("sqlalchemy", "sqlmodel", "databases", "django", "aiosqlite"), _SQL),
    **dict.fromkeys(("redis", "valkey", "pymongo", "motor", "boto3", "pymemcache", "elasticsearch", "kafka"), _ANY),
    "socket": frozenset(("create_connection", "connect")),
    "smtplib": frozenset(("SMTP", "SMTP_SSL")),
    "pika": frozenset(("BlockingConnection",)),
}
"""Packages that talk to other services, and the methods that do; without any, all methods of what they make."""


def liveness_calls(project: Project) -> Iterator[Finding]:
    """Each liveness handler from which a call to another service can be reached."""
    seen = set()
    for path, function in _handlers(project):
        if function in seen:
            continue
        seen.add(function)
        calls = {call.name: call.where for call in project.calls(function) if _leaves(call)}
        calls |= {ast.unparse(node.func): function.module.where(node) for node in _injected(function)}
        if calls:
            listed = ", ".join(f"{name.replace('()', '')} ({where})" for name, where in sorted(calls.items()))
            yield Finding(LIVENESS, f"{path} ({function.name}) calls {listed}", function.module.where(function.node))


def _handlers(project: Project) -> Iterator[tuple[str, Function]]:
    for function in project.functions:
        for decorator in function.node.decorator_list:
            if isinstance(decorator, ast.Call) and (path := _liveness_path(decorator)):
                yield path, function
    for module in project.modules:
        for node, _ in module.calls:
            if _last(node.func) in _REGISTER and (path := _liveness_path(node)):
                for given in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
                    if (handler := _function(project, module, given)) is not None:
                        yield path, handler


def _function(project: Project, module: Module, node: ast.expr) -> Function | None:
    return project.find(project.name(module, node)) if isinstance(node, ast.Name | ast.Attribute) else None


def _liveness_path(call: ast.Call) -> str:
    """The path that a call registers, if its last part says liveness."""
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in ("path", "rule", "route"))]
    for value in given:
        path = value.value if isinstance(value, ast.Constant) else None
        if isinstance(path, str) and path.strip("^$/").rpartition("/")[2].lower() in _LIVENESS:
            return path
    return ""


def _leaves(call: Call) -> bool:
    root, _, rest = call.name.partition(".")
    methods = _CALLS.get(root)
    if methods is None:
        return False
    return "()." in rest if methods is _ANY else rest.rpartition(".")[2] in methods


def _injected(function: Function) -> Iterator[ast.Call]:
    """Calls of database methods on what the framework injects: parameters with `Depends(...)`."""
    arguments = function.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = dict(zip([each.arg for each in positional][::-1], arguments.defaults[::-1], strict=False))
    defaults |= {
        each.arg: value for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value
    }
    injected = {
        name for name, value in defaults.items() if isinstance(value, ast.Call) and _last(value.func) == "Depends"
    }
    injected |= {
        each.arg
        for each in (*positional, *arguments.kwonlyargs)
        if each.annotation and "Depends(" in ast.unparse(each.annotation)
    }
    for node in ast.walk(function.node):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if name in injected:
                if method in _SQL:
                    yield node


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
