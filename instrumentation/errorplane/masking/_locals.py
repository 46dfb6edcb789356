"""Variables of a frame, as they may be shown beside an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Final

from errorplane.errors import ask
from errorplane.hooks import GUARD
from errorplane.masking._mask import Mask, default_mask, withheld

_VARIABLES: Final = 32
_VALUE_LENGTH: Final = 256
_LOOKED_AT: Final = 4 * _VALUE_LENGTH  # a value is masked before it is cut, else half of a number would stay
_VALUES: Final = 96  # in one variable: the shortest, with a comma and a space, fill what is shown of it


def mask_locals(variables: Mapping[str, object], mask: Mask | None = None) -> dict[str, str]:
    """The masked ``repr`` of at most 32 variables by name, each of at most 256 characters.

    Names such as ``password`` hide their whole value. Of a text longer than 1,024 characters only these are looked at.
    An object's own ``__repr__`` runs: one that is slow, or waits for a lock, holds this up.

    >>> mask_locals({"password": "hunter2", "tries": 3})
    {'password': '<PASSWORD>', 'tries': '3'}
    """
    shown = GUARD.run("mask_locals", lambda: _all(variables, default_mask() if mask is None else mask))
    return {} if shown is None else shown


def _all(variables: Mapping[str, object], mask: Mask) -> dict[str, str]:
    shown = {}
    for name, value in islice(variables.items(), _VARIABLES):
        shown[mask.text(name)] = ask(partial(_shown, mask, name, value), withheld("error"))
    return shown


def _shown(mask: Mask, name: str, value: object) -> str:
    masked = mask.beginning(_plain(mask, name, value), name, length=_LOOKED_AT)
    return masked if len(masked) <= _VALUE_LENGTH else f"{masked[: _VALUE_LENGTH - 1]}\u2026"


def _plain(mask: Mask, name: str, value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes | bytearray):
        return repr(value[: _LOOKED_AT + 1])
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        value = mask.value(value, name, values=_VALUES, length=_LOOKED_AT)
    return repr(value)
