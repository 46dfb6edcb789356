"""What is attached to a process, as plain values that go from the process to the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from errorplane.settings import is_secret

HIDDEN = "(not shown)"


@dataclass(frozen=True, slots=True)
class Exporter:
    """One exporter: the signal, its class, and the URL it sends to (nothing where it does not say)."""

    signal: str
    type: str
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One process at the end of its start-up."""

    python: str = ""
    program: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    distros: tuple[str, ...] = ()
    distro: str = ""
    configurators: tuple[str, ...] = ()
    attached: bool = False
    enabled: bool = True
    hooks: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    exporters: tuple[Exporter, ...] = ()
    propagator: str = ""
    propagated: tuple[str, ...] = ()
    baggage_gate: bool = False
    frameworks: tuple[str, ...] = ()
    exception_signal: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    defaults: tuple[str, ...] = ()
    """Those of the variables that OpenTelemetry's start-up has set by itself, such as a distro."""
    messages: tuple[str, ...] = ()
    settings_problem: str = ""
    breakers: tuple[str, ...] = ()
    """file:line and name of coroutine functions that pybreaker decorates."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Facts:
        """From the JSON that a watched process wrote."""
        return cls(
            **{
                **document,
                "exporters": tuple(Exporter(**each) for each in document["exporters"]),
                **{name: tuple(document[name]) for name in _TUPLES},
            }
        )


_TUPLES = ("distros", "configurators", "propagated", "frameworks", "defaults", "messages", "breakers")


def plain(name: str) -> str:
    """The name of a distro or configurator without the package behind it."""
    return name.partition(" (")[0]


def shown(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of OpenTelemetry and errorplane, those that may hold a secret without their values."""
    return {
        name: HIDDEN if is_secret(name) else without_login(value)
        for name, value in sorted(variables.items())
        if name.startswith(("OTEL_", "ERRORPLANE_"))
    }


def without_login(value: str) -> str:
    """A URL without user and password, which may stand before the host."""
    scheme, mark, rest = value.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{HIDDEN}@{host.rpartition('@')[2]}{slash}{path}" if mark and "@" in host else value
