"""Liveness probes that call dependencies: handlers of /health, /healthz, /livez and the like, and what they reach."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from errorplane.doctor._finding import LIVENESS, Finding
from errorplane.doctor._module import Function, Module
from errorplane.doctor._source import Call, Project

_LIVENESS: Final = frozenset(
    ("health", "healthz", "healthy", "livez", "live", "liveness", "alive", "healthcheck", "health-check")
)
_REGISTER: Final = frozenset(
    [
        "add_url_rule",
        "add_api_route",
        "add_route",
        "add_get",
        "add_view",
        "add_resource",
        "Route",
        "APIRoute",
        "path",
        "re_path",
        "get",
        "view",
        "route",
    ]
)
_METHODS: Final = ("get", "head", "dispatch", "on_get", "on_head")
_INJECT: Final = ("Depends", "Security")
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
    **dict.fromkeys(("psycopg", "psycopg2", "psycopg_pool", "asyncpg", "aiopg", "oracledb", "pyodbc"), _SQL),
    **dict.fromkeys(("pymysql", "MySQLdb", "mysql", "aiomysql", "aiosqlite"), _SQL),
    **dict.fromkeys(("sqlalchemy", "flask_sqlalchemy", "sqlmodel", "databases", "django"), _SQL),
    **dict.fromkeys(("redis", "valkey", "pymongo", "flask_pymongo", "motor", "pymemcache", "pylibmc"), _ANY),
    **dict.fromkeys(("boto3", "elasticsearch", "opensearchpy", "kafka", "confluent_kafka", "cassandra"), _ANY),
    "socket": frozenset(("create_connection", "connect")),
    "asyncio": frozenset(("open_connection",)),
    "smtplib": frozenset(("SMTP", "SMTP_SSL")),
    "pika": frozenset(("BlockingConnection",)),
}
"""Packages that talk to other services, and the methods that do; without any, all methods of what they make."""


_OBJECTS: Final = frozenset(("count", "exists", "first", "last", "get", "create")) | {
    "acount",
    "aexists",
    "afirst",
    "alast",
    "aget",
}
"""Methods of Django's managers that ask the database at once."""


def liveness_calls(project: Project) -> Iterator[Finding]:
    """Each liveness handler from which a call to another service can be reached."""
    seen = set()
    for path, function in _handlers(project):
        if function in seen:
            continue
        seen.add(function)
        calls: dict[str, str] = {}
        for each in _with_dependencies(project, function):
            calls |= {each.module.where(node): ast.unparse(node.func) for node in _injected(each)}
            calls |= {call.where: call.name for call in project.calls(each) if _leaves(project, call)}
        if calls:
            listed = ", ".join(f"{name.replace('()', '')} ({where})" for where, name in calls.items())
            yield Finding(LIVENESS, f"{path} ({function.name}) calls {listed}", function.module.where(function.node))


def _handlers(project: Project) -> Iterator[tuple[str, Function]]:
    for function in project.functions:
        for decorator in function.node.decorator_list:
            if isinstance(decorator, ast.Call) and (path := _liveness_path(function.module, decorator)):
                yield path, function
    for module in project.modules:
        for node, _ in module.calls:
            if _last(node.func) in _REGISTER and (path := _liveness_path(module, node)):
                for given in (*node.args, *(keyword.value for keyword in node.keywords)):
                    for handler in _functions(project, module, given):
                        yield path, handler


def _functions(project: Project, module: Module, node: ast.expr) -> Iterator[Function]:
    """A function, or the methods of a class for reading: `Health`, `Health()` or `Health.as_view()`."""
    if isinstance(node, ast.Call):
        node = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "as_view" else node.func
    if isinstance(node, ast.Name | ast.Attribute):
        name = project.name(module, node)
        yield from filter(None, (project.find(name), *(project.find(f"{name}.{method}") for method in _METHODS)))


def _liveness_path(module: Module, call: ast.Call) -> str:
    """The path that a call registers, if its last part says liveness."""
    given = [*call.args[:2], *(keyword.value for keyword in call.keywords if keyword.arg in ("path", "rule", "route"))]
    for value in map(module.value, given):
        path = value.value if isinstance(value, ast.Constant) else None
        if isinstance(path, str):
            path = path if path.strip("/") else _prefix(module, call.func)
            if path.strip("^$/?").rpartition("/")[2].lower() in _LIVENESS:
                return path
    return ""


def _prefix(module: Module, register: ast.expr) -> str:
    """The prefix of the router or blueprint with which a path is registered."""
    for made in module.chain(register):
        for keyword in made.keywords:
            if keyword.arg in ("prefix", "url_prefix") and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return ""


def _with_dependencies(project: Project, function: Function) -> list[Function]:
    """A handler, and the scanned functions that its framework calls before it: `Depends(f)`, also in an alias."""
    found = [function]
    for each in found:
        for part in _declared(each):
            for node in ast.walk(part):
                if isinstance(node, ast.Call) and _last(node.func) in _INJECT and node.args:
                    given = project.find(project.name(each.module, node.args[0]))
                    if given is not None and given not in found:
                        found.append(given)
    return found


def _declared(function: Function) -> Iterator[ast.expr]:
    """What a framework reads of a function: decorators, defaults and annotations of parameters."""
    arguments = function.node.args
    yield from (*function.node.decorator_list, *arguments.defaults, *filter(None, arguments.kw_defaults))
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if each.annotation is not None:
            yield function.module.value(each.annotation)


def _leaves(project: Project, call: Call) -> bool:
    root, _, rest = project.made(call.module, call.node.func).partition(".")
    if ".objects." in f".{rest}":
        return rest.rpartition(".")[2] in _OBJECTS
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
        if each.annotation and "Depends(" in ast.unparse(function.module.value(each.annotation))
    }
    for node in ast.walk(function.node):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if name in injected:
                if method in _SQL:
                    yield node


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
