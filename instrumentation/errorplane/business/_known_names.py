"""The names that a pydantic model gives to its input: these come from the program, all others from users."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args
from weakref import WeakKeyDictionary

from errorplane.errors import ask

_NOT_WALKED: Final = frozenset(("default", "metadata", "serialization", "expected", "members", "config"))
_NODES: Final = 20_000
_FRAMES: Final = 1000
_MARKS: Final = frozenset(("[key]",))  # that a key failed, and not its value
_SELF: Final = ("cls", "self", "__dataclass_self__")
_of_model: Final[WeakKeyDictionary[Any, frozenset[str]]] = WeakKeyDictionary()


def known_names(model: object) -> frozenset[str]:
    """All names of fields, aliases, classes and types in the schema of a model, dataclass or `TypeAdapter`; of a function
    its parameters, and the names in the models that annotate these."""
    known = ask(lambda: _of_model.get(model), None)
    if known is None:
        schema = _schema_of(model)
        names = known = _of_function(model) if schema is None else frozenset(_names(schema)) | _MARKS
        ask(lambda: _of_model.__setitem__(model, names), None)
    return known


def model_of(error: BaseException) -> object:
    """What was being validated when pydantic raised the error: it is at hand in the innermost frame, which is pydantic's."""
    traceback = error.__traceback__
    for _ in range(_FRAMES):
        if traceback is None or traceback.tb_next is None:
            break
        traceback = traceback.tb_next
    if traceback is None or not str(traceback.tb_frame.f_globals.get("__name__")).startswith("pydantic."):
        return None
    own = traceback.tb_frame.f_locals
    found = next((own[name] for name in _SELF if name in own), None)
    return (
        found if isinstance(found, type) or hasattr(found, "core_schema") else getattr(found, "function", type(found))
    )


def _of_function(function: Any) -> frozenset[str]:
    signature = ask(lambda: inspect.signature(function, eval_str=True), None) if inspect.isroutine(function) else None
    if signature is None:
        return frozenset()
    waiting = [each.annotation for each in signature.parameters.values()]
    names = {*signature.parameters, *_MARKS}
    for _ in range(_FRAMES):
        if not waiting:
            break
        annotation = waiting.pop()
        names.update(_names(_schema_of(annotation)))
        waiting += get_args(annotation)
    return frozenset(names)


def pydantic_types() -> frozenset[str]:
    """The types of errors that pydantic itself has; a type of somebody's own may hold anything."""
    core = sys.modules.get("pydantic_core.core_schema")
    return _types(get_args(getattr(core, "ErrorType", None)))


@functools.lru_cache(maxsize=1)
def _types(listed: tuple[object, ...]) -> frozenset[str]:
    return frozenset(each for each in listed if isinstance(each, str))


def _schema_of(model: object) -> Any:
    return ask(lambda: getattr(model, "__pydantic_core_schema__", None) or getattr(model, "core_schema", None), None)


def _names(schema: Any) -> Iterator[str]:
    """Strings only where pydantic's core schema has names: keys of `fields` and of a union's `choices`, aliases,
    names of arguments, classes and types."""
    waiting = [schema]
    for _ in range(_NODES):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, Mapping):
            yield from _own_names(node)
            waiting += [value for key, value in node.items() if key not in _NOT_WALKED]
        elif isinstance(node, list | tuple):
            waiting += node


def _own_names(node: Mapping[Any, Any]) -> Iterator[str]:
    for key in ("fields", "choices"):
        if isinstance(node.get(key), Mapping):
            yield from (name for name in node[key] if isinstance(name, str))
    for key in ("name", "type", "cls_name", "model_name"):
        if isinstance(node.get(key), str):
            yield node[key]
    if isinstance(node.get("cls"), type):
        yield node["cls"].__name__
    yield from _aliases(node.get("validation_alias", node.get("alias")))


def _aliases(alias: Any) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list | tuple):
        for each in alias:
            yield from _aliases(each)
