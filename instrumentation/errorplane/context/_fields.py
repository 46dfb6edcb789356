"""The fields that say on whose behalf code runs; they follow threads of control like any ContextVar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Final

from opentelemetry import trace

from errorplane.context._flags import emit_evaluation, flag_fields, flag_name
from errorplane.context._user import user_hash
from errorplane.errors import COMPONENT, CORRELATION_ID, DEPLOYMENT, DEPLOYMENT_ID, TENANT, USER_HASH

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
    `user` is the id of a user: only its pseudonym is kept (see `user_hash`). `deployment` is the environment, such as
    staging, `deployment_id` one deployment in it; `flags` are variants of feature flags by key.
    Not a `contextlib.contextmanager`: through one of those no exception passes that refuses to have attributes set.
    """

    __slots__ = ("_flags", "_given", "_tokens")

    def __init__(
        self,
        *,
        correlation_id: str | None = None,
        component: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
        deployment: str | None = None,
        deployment_id: str | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> None:
        given: dict[str, str] = {}  # one by one: this is done for each request
        if correlation_id is not None:
            given[CORRELATION_ID] = field_value(correlation_id)
        if component is not None:
            given[COMPONENT] = field_value(component)
        if tenant is not None:
            given[TENANT] = field_value(tenant)
        if user is not None and (pseudonym := user_hash(user)) is not None:
            given[USER_HASH] = pseudonym
        if deployment is not None:
            given[DEPLOYMENT] = field_value(deployment)
        if deployment_id is not None:
            given[DEPLOYMENT_ID] = field_value(deployment_id)
        self._given = given
        self._flags = flags
        self._tokens: list[Token[Mapping[str, str]]] = []

    def __enter__(self) -> Mapping[str, str]:
        before = _BOUND.get()
        given = self._given if self._flags is None else {**self._given, **_flags(self._flags, before)}
        fields = MappingProxyType({**before, **given})
        self._tokens.append(_BOUND.set(fields))
        return fields

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            for call in leaving:
                call(error, _BOUND.get())
        try:  # noqa: SIM105  # `suppress` takes longer than all the rest of this
            _BOUND.reset(self._tokens.pop())
        except ValueError:
            pass  # left in another context than it was entered in, as by a generator that nobody reads to its end


def set_correlation_id(value: str | None) -> None:
    """Set the correlation id for the current span and the rest of this request or task; None removes it from what follows."""
    _set(CORRELATION_ID, value)


def set_component(value: str | None) -> None:
    """Set the component for the current span and the rest of this request or task; None removes it from what follows."""
    _set(COMPONENT, value)


def set_tenant(value: str | None) -> None:
    """Set the tenant for the current span and the rest of this request or task; None removes it from what follows."""
    _set(TENANT, value)


def set_user(user: str | None) -> None:
    """Set the user, as a pseudonym (see `user_hash`), for the current span and the rest of this request or task; None
    removes it from what follows."""
    _set(USER_HASH, None if user is None else user_hash(user))


def set_deployment(name: str | None, id: str | None = None) -> None:
    """Set the environment, such as staging, and the deployment in it for the current span and the rest of this request or
    task; None removes it from what follows."""
    _set(DEPLOYMENT, name)
    _set(DEPLOYMENT_ID, id)


def set_flag(key: str, variant: object, *, provider: str | None = None, reason: str | None = None) -> None:
    """Set the variant of a feature flag for the current span and the rest of this request or task; None removes it from
    what follows.

    A variant that is new here is reported as well, by the event `feature_flag.evaluation` of the semantic conventions,
    with the name of the flag's `provider` and the `reason`, such as targeting_match. At most 16 flags are told apart.
    """
    name, before = flag_name(key), _BOUND.get()
    if variant is None:
        _set(name, None)
    elif (value := _flags({key: variant}, before).get(name)) is not None and before.get(name) != value:
        _set(name, value)
        emit_evaluation(key, variant, provider, reason)


def replace_bound(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Put other fields in place of all bound ones; returns those. For frameworks that say when a task begins and ends,
    and leave no room for a `with`."""
    before = _BOUND.get()
    _BOUND.set(fields)
    return before


def _set(name: str, value: str | None) -> None:
    """On the current span, too: who asks is often known only when the span of the request has started."""
    if value is None:
        _BOUND.set(MappingProxyType({key: kept for key, kept in _BOUND.get().items() if key != name}))
        return
    value = field_value(value)
    _BOUND.set(MappingProxyType({**_BOUND.get(), name: value}))
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attribute(name, value)


def _flags(flags: Mapping[str, object], before: Mapping[str, str]) -> dict[str, str]:
    return {name: field_value(value) for name, value in flag_fields(flags, before).items()}
