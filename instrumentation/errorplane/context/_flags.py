"""Feature flags: which variants were in force where something failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from opentelemetry._logs import get_logger

from errorplane.errors import FEATURE_FLAG

FLAGS: Final = 16
"""Flags that one scope can have: each is an attribute of every span in it. Further ones are left out."""
_KEY_LENGTH: Final = 64
_NO_KEY: Final = re.compile(r"[^\w.-]", re.ASCII)

# https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/ (in development)
_EVENT: Final = "feature_flag.evaluation"
_EVENT_KEY: Final = "feature_flag.key"
_EVENT_VARIANT: Final = "feature_flag.result.variant"
_EVENT_PROVIDER: Final = "feature_flag.provider.name"
_EVENT_REASON: Final = "feature_flag.result.reason"


def flag_fields(flags: Mapping[str, object], bound: Mapping[str, str]) -> dict[str, object]:
    """The variants by attribute name; those that would be beyond `FLAGS` beside the bound ones are not among them."""
    taken = {name for name in bound if name.startswith(FEATURE_FLAG)}
    found: dict[str, object] = {}
    for key, variant in flags.items():
        name = flag_name(key)
        if name in taken or len(taken) < FLAGS:
            taken.add(name)
            found[name] = _text(variant)
    return found


def flag_name(key: str) -> str:
    """The attribute of a flag; what cannot stand in an attribute's name becomes an underscore.

    >>> flag_name("new cart")
    'errorplane.feature_flag.new_cart'
    """
    return FEATURE_FLAG + _NO_KEY.sub("_", key[:_KEY_LENGTH])


def emit_evaluation(key: str, variant: object, provider: str | None, reason: str | None) -> None:
    """Write the event of the semantic conventions, in the current span."""
    given = {_EVENT_KEY: key, _EVENT_VARIANT: _text(variant), _EVENT_PROVIDER: provider, _EVENT_REASON: reason}
    attributes = {name: value for name, value in given.items() if value is not None}
    get_logger("errorplane.context").emit(event_name=_EVENT, attributes=attributes)


def _text(variant: object) -> str:
    """As JSON spells it where it is a truth value, since that is what providers call their variants."""
    return str(variant).lower() if isinstance(variant, bool) else str(variant)
