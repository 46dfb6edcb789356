"""Baggage leaves with every request, to whoever is called."""

from __future__ import annotations

from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import CarrierT, Setter, default_setter

from errorplane.hooks import GUARD
from errorplane.masking._mask import Mask, default_mask


def mask_baggage(context: Context | None = None, mask: Mask | None = None) -> Context:
    """The context (default: the current) with its baggage masked; an entry whose key must be hidden is removed."""
    mask = default_mask() if mask is None else mask
    masked = get_current() if context is None else context
    found = baggage.get_all(masked)
    for key, value in found.items():
        if mask.text(key) != key:
            masked = baggage.remove_baggage(key, masked)
        elif (shown := mask.value(value, key)) is not value:
            masked = baggage.set_baggage(key, shown, masked)
    return masked


class MaskedBaggagePropagator(W3CBaggagePropagator):
    """The W3C propagator that masks what it sends. What it receives it takes as it is."""

    def __init__(self, mask: Mask | None = None) -> None:
        self._mask = mask

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """Write the masked baggage into the carrier; none at all if masking fails."""
        masked = GUARD.run("mask_baggage", mask_baggage, context, self._mask)
        if masked is not None:
            super().inject(carrier, masked, setter)
