"""Values of the environment: a wrong one is reported once, and the default holds in its place."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Final

from errorplane.settings._variables import BY_NAME

_log: Final = logging.getLogger("errorplane.settings")
_ON: Final = frozenset(("true", "1", "yes", "on"))
_OFF: Final = frozenset(("false", "0", "no", "off"))


def text(environ: Mapping[str, str], name: str) -> str:
    """The value without the white space around it; where some are allowed one of those, in lower case."""
    variable = BY_NAME[name]
    value = environ.get(name, "").strip() or variable.default
    if not variable.allowed or not value:
        return value
    if value.lower() in variable.allowed:
        return value.lower()
    return _refused(name, value, " or ".join(variable.allowed))


def words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The parts between commas. A variable that is set to nothing means none, and not the default."""
    listed = environ.get(name, BY_NAME[name].default)
    return tuple(part for part in map(str.strip, listed.split(",")) if part)


def flag(environ: Mapping[str, str], name: str) -> bool:
    """True for true, 1, yes and on, False for false, 0, no and off, in any case."""
    value = environ.get(name, "").strip().lower()
    if value in _ON or value in _OFF:
        return value in _ON
    return (_refused(name, value, "true or false") if value else BY_NAME[name].default) in _ON


def number(environ: Mapping[str, str], name: str) -> float:
    """A finite number of 0 or more."""
    value = environ.get(name, "").strip() or BY_NAME[name].default
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    return found if math.isfinite(found) and found >= 0 else float(_refused(name, value, "a number of 0 or more"))


def _refused(name: str, value: str, allowed: str) -> str:
    default = BY_NAME[name].default
    _log.warning("%s is %r and must be %s; %r holds instead", name, value, allowed, default)
    return default
