"""The few context fields that metrics may carry: each value makes series, so both are bounded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Final

from errorplane import settings
from errorplane.errors import COMPONENT, CORRELATION_ID, DEPLOYMENT, DEPLOYMENT_ID, TENANT, USER_HASH

OTHER: Final = "_OTHER"
"""What stands for values beyond the bound, as in the semantic conventions."""

_log: Final = logging.getLogger("errorplane.context")
_lock: Final = threading.Lock()
_SHORT: Final = {
    "component": COMPONENT,
    "tenant": TENANT,
    "deployment": DEPLOYMENT,
    "deployment_id": DEPLOYMENT_ID,
    "correlation_id": CORRELATION_ID,
    "user": USER_HASH,
}
_UNBOUNDED: Final = frozenset((CORRELATION_ID, USER_HASH))
_seen: Final[dict[str, set[str]]] = {}
_most: Final[list[int]] = [0]


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
    with _lock:
        _most[0] = int(settings.number(environ, settings.METRIC_VALUES))
        _seen.clear()
        _seen.update({name: set() for name in names if name not in _UNBOUNDED})


def metric_fields_of(found: Mapping[str, str]) -> dict[str, str]:
    """Those of the fields that metrics may carry; the values that came first are told apart, others are `_OTHER`."""
    return {name: _told_apart(seen, found[name]) for name, seen in _seen.items() if name in found}


def _told_apart(seen: set[str], value: str) -> str:
    if value in seen:
        return value
    with _lock:
        if len(seen) >= _most[0]:
            return OTHER
        seen.add(value)
    return value
