"""Baggage that may become attributes: an allow-list, since baggage comes from whoever called us."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final

from opentelemetry import baggage
from opentelemetry.context import Context

from errorplane import settings
from errorplane.context._fields import bound, field_value
from errorplane.context._metrics import configure_metrics, metric_fields_of
from errorplane.context._user import configure_user
from errorplane.errors import COMPONENT, CORRELATION_ID, SERVICE_NAME, TENANT

OWN_NAMES: Final[Mapping[str, str]] = {"correlation_id": CORRELATION_ID, "tenant": TENANT}
"""Keys of baggage that are not named as their attributes are."""
_NAMELESS: Final = "unknown_service"  # what the SDK writes there otherwise

_allowed: Final[dict[str, str]] = {}
_component: Final[list[str]] = []


def allow_baggage(keys: Iterable[str]) -> None:
    """Replace the allow-list of baggage keys.

    `correlation_id` and `tenant` become our attributes, any other key becomes an attribute of its own name.
    """
    _allowed.clear()
    _allowed.update({key: OWN_NAMES.get(key, key) for key in keys})


def configure(environ: Mapping[str, str]) -> None:
    """Take the allow-list from `OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS` (comma separated, default correlation_id,tenant) and
    the component of errors for which none is bound from `ERRORPLANE_COMPONENT` (default: the service); the key of users'
    pseudonyms from `ERRORPLANE_USER_KEY`, and what metrics may carry from `ERRORPLANE_METRIC_FIELDS`."""
    allow_baggage(settings.words(environ, settings.BAGGAGE_SPAN_KEYS))
    _component[:] = [field_value(name) for name in (settings.text(environ, settings.COMPONENT),) if name]
    configure_user(environ)
    configure_metrics(environ)


configure(os.environ)


def fields(context: Context | None = None) -> Mapping[str, str]:
    """All context fields by attribute name: allowed baggage of the context (default: the current), then what is bound.

    Not to be changed by the caller.
    """
    mine = bound()
    theirs = baggage.get_all(context)
    if not theirs:
        return mine
    found = {name: field_value(theirs[key]) for key, name in _allowed.items() if key in theirs}
    return {**found, **mine} if found else mine


def metric_fields(context: Context | None = None) -> dict[str, str]:
    """The context fields that an instrument of ours may carry: those of `ERRORPLANE_METRIC_FIELDS`, with a bounded number
    of values each, after which the value is `_OTHER`."""
    return metric_fields_of(fields(context))


def service_of(resource_attributes: Mapping[str, object]) -> str | None:
    """`service.name` of a resource, if somebody gave it one."""
    name = resource_attributes.get(SERVICE_NAME)
    return name if isinstance(name, str) and not name.startswith(_NAMELESS) else None


def error_fields(found: Mapping[str, str], service: str | None, trace_id: int) -> dict[str, str]:
    """The context fields of an error: those found, with component and correlation id (the trace id, if none is)."""
    found = dict(found)
    if COMPONENT not in found and (component := _component[0] if _component else service):
        found[COMPONENT] = component
    if CORRELATION_ID not in found and trace_id:
        found[CORRELATION_ID] = f"{trace_id:032x}"
    return found
