"""The fields that say on whose behalf code runs; they follow threads of control like any ContextVar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Final

from errorplane.errors import COMPONENT, CORRELATION_ID, TENANT

FIELD_LENGTH: Final = 256
"""Longer values are cut: they come from other parties and go onto every span."""

_BOUND: Final[ContextVar[Mapping[str, str]]] = ContextVar("errorplane_fields", default=MappingProxyType({}))
bound: Final = _BOUND.get
"""The bound fields by attribute name. Not to be changed."""

leaving: Final[list[Callable[[BaseException, Mapping[str, str]], None]]] = []
"""Called with each exception that leaves a `bind` block, and with all fields that were bound in it."""


def field_value(value: object) -> str:
    """The value as it is written: text of a bounded length."""
    return str(value)[:FIELD_LENGTH]


class bind:
    """Bind fields for the code inside the `with`; what is not given stays as it was.

    Every span started and every log record written there carries them. Yields all bound fields by attribute name.
    Not a `contextlib.contextmanager`: through one of those no exception passes that refuses to have attributes set.
    """

    __slots__ = ("_given", "_tokens")

    def __init__(
        self, *, correlation_id: str | None = None, component: str | None = None, tenant: str | None = None
    ) -> None:
        self._given = {CORRELATION_ID: correlation_id, COMPONENT: component, TENANT: tenant}
        self._tokens: list[Token[Mapping[str, str]]] = []

    def __enter__(self) -> Mapping[str, str]:
        fields = _with(self._given)
        self._tokens.append(_BOUND.set(fields))
        return fields

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            for call in leaving:
                call(error, _BOUND.get())
        _BOUND.reset(self._tokens.pop())


def set_correlation_id(value: str | None) -> None:
    """Set the correlation id for the rest of this request or task; None removes it."""
    _set(CORRELATION_ID, value)


def set_component(value: str | None) -> None:
    """Set the component for the rest of this request or task; None removes it."""
    _set(COMPONENT, value)


def set_tenant(value: str | None) -> None:
    """Set the tenant for the rest of this request or task; None removes it."""
    _set(TENANT, value)


def _set(name: str, value: str | None) -> None:
    if value is None:
        _BOUND.set(MappingProxyType({key: kept for key, kept in _BOUND.get().items() if key != name}))
    else:
        _BOUND.set(_with({name: value}))


def _with(given: Mapping[str, str | None]) -> Mapping[str, str]:
    added = {name: field_value(value) for name, value in given.items() if value is not None}
    return MappingProxyType({**_BOUND.get(), **added})
