"""The gate around the propagator of the process: baggage passes it by the rules, in both directions.

A propagator is not told to whom its headers go. So nothing passes outwards where the host is unknown: not through
instrumentations, not through propagators of other products. Whoever knows the host says so with `destination`, as the
transports do that `errorplane.propagation` hooks into.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry import baggage, propagate
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from errorplane.context import OWN_NAMES, bound, usable_correlation_id
from errorplane.errors import CORRELATION_ID
from errorplane.hooks import GUARD
from errorplane.propagation._rules import Rules
from errorplane.settings import BAGGAGE_KEYS

BAGGAGE_HEADER: Final = "baggage"
_log: Final = logging.getLogger("errorplane.propagation")
_PREFIXES: Final = ("ot-baggage-", "ottracebaggage-", "uberctx-")  # of OpenTracing and Jaeger
_DESTINATION: Final[ContextVar[str | None]] = ContextVar("errorplane_destination", default=None)
_BOUND_KEYS: Final = {attribute: key for key, attribute in OWN_NAMES.items()}


@contextmanager
def destination(host: str) -> Iterator[None]:
    """Say to which host the headers go that are injected inside of the `with`; allowed baggage is among them."""
    token = _DESTINATION.set(host)
    try:
        yield
    finally:
        _DESTINATION.reset(token)


def is_baggage(header: str) -> bool:
    """Whether a header carries baggage, in the format of whichever product."""
    name = header.lower()
    return name == BAGGAGE_HEADER or name.startswith(_PREFIXES)


def allowed_entries(header: str, rules: Rules) -> str:
    """The value of a header `baggage` with the entries whose keys may leave."""
    entries = (entry.strip() for entry in header.split(","))
    return ",".join(entry for entry in entries if entry.partition("=")[0].strip() in rules.outbound)


class Gate(TextMapPropagator):
    """Lets the baggage of another propagator pass by the rules; all else it leaves to that one."""

    def __init__(self, inner: TextMapPropagator, rules: Rules) -> None:
        self.inner: Final = inner
        self.rules: Final = rules
        self._said = False

    def __getattr__(self, name: str) -> Any:
        """What else the application's propagator offers."""
        if name == "inner":  # asked for by `copy` and `pickle` of one that has nothing yet
            raise AttributeError(name)
        return getattr(self.inner, name)

    @property
    def fields(self) -> set[str]:
        """The headers of the propagator inside."""
        return self.inner.fields

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Write the headers, with the baggage that may go to the destination; nothing at all if deciding that fails."""
        if not self.rules.active():
            self.inner.inject(carrier, context, setter)
            return
        leaving = GUARD.run("baggage_out", self._leaving, context)
        if leaving is not None:
            self.inner.inject(carrier, leaving[0], leaving[1](setter))

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Read the headers; of the baggage that comes in, what is not allowed is left out."""
        before = get_current() if context is None else context
        found = self.inner.extract(carrier, context, getter)
        if not self.rules.active():
            return found
        admitted = GUARD.run("baggage_in", self._admitted, before, found)
        return baggage.clear(found) if admitted is None else admitted

    def _leaving(self, context: Context | None) -> tuple[Context, Callable[[Setter[Any]], Setter[Any]]]:
        context = get_current() if context is None else context
        if _DESTINATION.get() not in self.rules.hosts:
            return (baggage.clear(context) if baggage.get_all(context) else context), _Closed
        return self._narrowed(context), self._open

    def _open(self, setter: Setter[Any]) -> Setter[Any]:
        return _Filtered(setter, self.rules)

    def _narrowed(self, context: Context) -> Context:
        """The context with what may leave of its baggage, and of the bound fields, as its baggage."""
        rules = self.rules
        found = baggage.get_all(context)
        carried = {key: value for key, value in found.items() if key in rules.outbound}
        if len(carried) < len(found) and not self._said:
            self._say(next(key for key in found if key not in carried))
        named = {_BOUND_KEYS.get(name, name): value for name, value in bound().items()}
        carried |= {key: value for key, value in named.items() if key in rules.outbound}
        narrowed = baggage.clear(context)
        for key, value in carried.items():
            narrowed = baggage.set_baggage(key, value, narrowed)
        if rules.mask and carried:
            from errorplane.masking import mask_baggage  # it brings all detectors along

            return mask_baggage(narrowed)
        return narrowed

    def _say(self, key: str) -> None:
        """An application may need what stays here. Not said of what goes to others, where it must stay."""
        self._said = True
        _log.warning("baggage %r is not sent, even to hosts of ours: %s does not list it", key[:64], BAGGAGE_KEYS)

    def _admitted(self, before: Context, found: Context) -> Context:
        after = baggage.get_all(found)
        if not after:
            return found
        own: Mapping[str, object] = baggage.get_all(before)
        for key, value in after.items():
            if (key in self.rules.inbound and _usable(key, value)) or (key in own and own[key] == value):
                continue
            found = baggage.set_baggage(key, own[key], found) if key in own else baggage.remove_baggage(key, found)
        return found


def _usable(key: str, value: object) -> bool:
    """Correlation ids are held to the same in whichever way they come."""
    return OWN_NAMES.get(key, key) != CORRELATION_ID or usable_correlation_id(str(value)) == value


class _Closed(Setter[CarrierT]):
    """Writes no header that carries baggage: propagators of other products have baggage outside of the context."""

    def __init__(self, setter: Setter[CarrierT]) -> None:
        self._setter = setter

    def set(self, carrier: CarrierT, key: str, value: str) -> None:
        if not is_baggage(key):
            self._setter.set(carrier, key, value)


class _Filtered(Setter[CarrierT]):
    """Writes of such headers what may leave."""

    def __init__(self, setter: Setter[CarrierT], rules: Rules) -> None:
        self._setter = setter
        self._rules = rules

    def set(self, carrier: CarrierT, key: str, value: str) -> None:
        name = key.lower()
        if name == BAGGAGE_HEADER:
            value = allowed_entries(value, self._rules)
            if not value:
                return
        elif (
            is_baggage(name) and name.removeprefix(next(filter(name.startswith, _PREFIXES))) not in self._rules.outbound
        ):
            return
        self._setter.set(carrier, key, value)


def install_gate(rules: Rules) -> list[Callable[[], None]]:
    """Put the gate around the global propagator, whichever it is and will be; returns what takes it away again.

    `inject` and `extract` of `opentelemetry.propagate` ask its `get_global_textmap` every time. Who has a name of
    that function from before gets the gate too, as it is made the global propagator; who has such a name of the setter
    is answered for by the function.
    """
    previous = propagate.get_global_textmap
    gates = [Gate(previous(), rules)]

    def get_global_textmap() -> TextMapPropagator:
        found = previous()
        if not rules.active() or (isinstance(found, Gate) and found.rules is rules):
            return found
        if gates[0].inner is not found:
            gates[0] = Gate(found, rules)
        return gates[0]

    def undo() -> None:
        if propagate.get_global_textmap is get_global_textmap:
            propagate.get_global_textmap = previous
        found = previous()
        if isinstance(found, Gate) and found.rules is rules:
            propagate.set_global_textmap(found.inner)

    propagate.set_global_textmap(gates[0])
    propagate.get_global_textmap = get_global_textmap
    return [undo]
