"""Personal data and secrets kept out of an application's own output: log lines, baggage, captured variables.

The same detectors as in the processor, for what never passes it. Set up by the settings that the policy is compiled
to, or by the defaults.
"""

from __future__ import annotations

from errorplane.masking._baggage import mask_baggage
from errorplane.masking._filter import MaskingFilter
from errorplane.masking._locals import mask_locals
from errorplane.masking._mask import Look, Mask, default_mask, look_for, mask_or_nothing, withheld
from errorplane.masking._settings import SettingsError, load_mask
from errorplane.masking._structlog import mask_event

__all__ = [
    "Look",
    "Mask",
    "MaskingFilter",
    "SettingsError",
    "default_mask",
    "load_mask",
    "look_for",
    "mask_baggage",
    "mask_event",
    "mask_locals",
    "mask_or_nothing",
    "withheld",
]
