"""The error fact: one small record for every error, whatever sampling decides about its trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from errorplane.errors import _attributes as names
from errorplane.errors._vocabulary import Category, Kind, Severity

FACT_VERSION: Final = 1
Source = Literal["span", "log"]


class MalformedFact(ValueError):
    """Attributes that are not those of an error fact; the text says which one and what was expected."""


@dataclass(frozen=True, slots=True)
class ErrorFact:
    """One error, or `count` alike ones, with what the pipeline found out about it.

    `id` and `trace_id` are 32, `span_id` 16 lower-case hex digits; `message` is a template without values
    (see `message_template`); `tier` is "1" to "4".
    """

    id: str
    time_unix_nano: int
    fingerprint: str
    type: str
    message: str
    service: str
    source: Source
    trace_id: str | None = None
    span_id: str | None = None
    category: Category = Category.UNKNOWN
    kind: Kind = Kind.UNKNOWN
    severity: Severity = Severity.P3
    component: str | None = None
    team: str | None = None
    tier: str | None = None
    zone: str | None = None
    deployment: str | None = None
    correlation_id: str | None = None
    data_class: str | None = None
    retention_class: str = ""
    policy_version: str = ""
    count: int = 1
    handled: bool | None = None
    attempt: int | None = None
    schema_version: int = FACT_VERSION

    def to_attributes(self) -> dict[str, str | int]:
        """The attributes of the OTLP log event; what is None is left out."""
        pairs = ((name, getattr(self, field)) for field, name in _FIELDS.items())
        return {name: value if isinstance(value, int) else str(value) for name, value in pairs if value is not None}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, object]) -> ErrorFact:
        """The inverse of `to_attributes`; attributes that are not of the schema are ignored.

        Raises MalformedFact when a required one is missing, a value is not of its type, or the schema is newer.
        """
        values = {
            field: _READ.get(field, _text)(name, attributes[name])
            for field, name in _FIELDS.items()
            if name in attributes
        }
        missing = [_FIELDS[field] for field in _REQUIRED if field not in values]
        if missing:
            raise MalformedFact(f"not an error fact: {', '.join(missing)} missing")
        if cast(int, values["schema_version"]) > FACT_VERSION:
            raise MalformedFact(f"schema version {values['schema_version']} is newer than {FACT_VERSION}; upgrade")
        return cls(**values)  # type: ignore[arg-type]  # each value was read by the reader of its field


_FIELDS: Final[Mapping[str, str]] = {
    "schema_version": names.SCHEMA_VERSION,
    "id": names.ERROR_ID,
    "time_unix_nano": names.ERROR_TIME,
    "trace_id": names.ERROR_TRACE_ID,
    "span_id": names.ERROR_SPAN_ID,
    "fingerprint": names.ERROR_FINGERPRINT,
    "type": names.ERROR_TYPE,
    "message": names.EXCEPTION_MESSAGE,
    "category": names.ERROR_CATEGORY,
    "kind": names.ERROR_KIND,
    "severity": names.ERROR_SEVERITY,
    "service": names.SERVICE_NAME,
    "component": names.COMPONENT,
    "team": names.OWNER_TEAM,
    "tier": names.SERVICE_TIER,
    "zone": names.ZONE,
    "deployment": names.DEPLOYMENT,
    "correlation_id": names.CORRELATION_ID,
    "data_class": names.DATA_CLASS,
    "retention_class": names.RETENTION_CLASS,
    "policy_version": names.POLICY_VERSION,
    "count": names.ERROR_COUNT,
    "handled": names.ERROR_HANDLED,
    "attempt": names.ERROR_ATTEMPT,
    "source": names.ERROR_SOURCE,
}
_REQUIRED: Final = ("schema_version", "id", "time_unix_nano", "fingerprint", "type", "message", "service", "source")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise MalformedFact(f"{name} must be a string, not {type(value).__name__}")
    return value


def _integer(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedFact(f"{name} must be an integer, not {type(value).__name__}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise MalformedFact(f"{name} must be a boolean, not {type(value).__name__}")
    return value


def _member(allowed: tuple[str, ...], make: Callable[[str], object]) -> Callable[[str, object], object]:
    def read(name: str, value: object) -> object:
        if value not in allowed:
            raise MalformedFact(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        return make(str(value))

    return read


_READ: Final[Mapping[str, Callable[[str, object], object]]] = {
    "schema_version": _integer,
    "time_unix_nano": _integer,
    "count": _integer,
    "handled": _flag,
    "attempt": _integer,
    "category": _member(tuple(Category), Category),
    "kind": _member(tuple(Kind), Kind),
    "severity": _member(tuple(Severity), Severity),
    "source": _member(("span", "log"), str),
}
