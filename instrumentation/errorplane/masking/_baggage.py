"""Baggage without personal data and secrets, for whoever is called (`ERRORPLANE_BAGGAGE_MASK`)."""

from __future__ import annotations

from opentelemetry import baggage
from opentelemetry.context import Context, get_current

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
