"""Baggage and context fields on their way to others: only allowed keys, only to allowed hosts, and as they come in.

Zero-code: `attach` puts it in. By hand, `destination` says to whom a carrier goes that is filled by
`opentelemetry.propagate.inject`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from errorplane.hooks._replace import Undo
from errorplane.propagation._clients import clients
from errorplane.propagation._gate import Gate, destination, install_gate
from errorplane.propagation._grpc import grpc_clients
from errorplane.propagation._imports import when_imported, wrap
from errorplane.propagation._outgoing import extended
from errorplane.propagation._rules import Hosts, Keys, Rules

__all__ = [
    "Gate",
    "Hosts",
    "Keys",
    "Rules",
    "Undo",
    "destination",
    "extended",
    "install",
    "when_imported",
    "wrap",
]


def install(environ: Mapping[str, str], active: Callable[[], bool]) -> list[Undo]:
    """Put the gate around the propagator and change the clients by the rules in the environment; returns what takes it
    back. Parts that cannot be taken out, since others have chained to them, ask `active` from then on."""
    rules = Rules.of(environ, active)
    changes = clients(rules) | grpc_clients(rules)
    return [*install_gate(rules), *(when_imported(name, change) for name, change in changes.items())]
