"""The few context fields that metrics may carry: each value makes series, so both are bounded."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from errorplane import settings
from errorplane.errors import COMPONENT, CORRELATION_ID, DEPLOYMENT, DEPLOYMENT_ID, TENANT, USER_HASH

OTHER: Final = "_OTHER"
"""What stands for values beyond the bound, as in the semantic conventions."""

_log: Final = logging.getLogger("errorplane.context")
_SHORT: Final = {
    "component": COMPONENT,
    "tenant": TENANT,
    "deployment": DEPLOYMENT,
    "deployment_id": DEPLOYMENT_ID,
    "correlation_id": CORRELATION_ID,
    "user": USER_HASH,
}
_UNBOUNDED: Final = frozenset((CORRELATION_ID, USER_HASH))


@dataclass(frozen=True, slots=True)
class _Limits:
    """The values that were seen of each field that is allowed, and how many of them are told apart."""

    seen: Mapping[str, set[str]]
    most: int


_limits: Final[list[_Limits]] = [_Limits({}, 0)]


def configure_metrics(environ: Mapping[str, str]) -> None:
    """Take the allow-list from `ERRORPLANE_METRIC_FIELDS` and the bound from `ERRORPLANE_METRIC_VALUES`.

    Correlation ids and users are refused: a metric leads to them through its exemplars.
    """
    names = [_SHORT.get(word, word) for word in settings.words(environ, settings.METRIC_FIELDS)]
    if refused := [name for name in names if name in _UNBOUNDED]:
        _log.warning(
            "%s: %s is different in every request and no field of metrics; exemplars lead to it",
            settings.METRIC_FIELDS,
            refused[0],
        )
    most = int(settings.number(environ, settings.METRIC_VALUES))
    _limits[0] = _Limits({name: set() for name in names if name not in _UNBOUNDED}, most)


def metric_fields_of(found: Mapping[str, str]) -> dict[str, str]:
    """Those of the fields that metrics may carry; the values that came first are told apart, others are `_OTHER`."""
    limits = _limits[0]
    return {name: _told_apart(seen, found[name], limits.most) for name, seen in limits.seen.items() if name in found}


def _told_apart(seen: set[str], value: str, most: int) -> str:
    """Without a lock, which a fork could leave locked: threads that meet here may add one value each beyond the bound."""
    if value in seen:
        return value
    if len(seen) >= most:
        return OTHER
    seen.add(value)
    return value
