"""Variables of a frame, as they may be shown beside an error."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from errorplane.errors import ask
from errorplane.masking._mask import Mask, default_mask, withheld

_VARIABLES: Final = 32
_VALUE_LENGTH: Final = 256
_LOOKED_AT: Final = 4 * _VALUE_LENGTH  # a value is masked before it is cut, else half of a number would stay


def mask_locals(variables: Mapping[str, object], mask: Mask | None = None) -> dict[str, str]:
    """The masked ``repr`` of at most 32 variables by name, each of at most 256 characters.

    Names such as ``password`` hide their whole value. A value longer than 1,024 characters is cut to that first.

    >>> mask_locals({"password": "hunter2", "tries": 3})
    {'password': '<PASSWORD>', 'tries': '3'}
    """
    mask = default_mask() if mask is None else mask
    return {mask.text(name): _shown(mask, name, value) for name, value in islice(variables.items(), _VARIABLES)}


def _shown(mask: Mask, name: str, value: object) -> str:
    plain = ask(lambda: repr(mask.value(value, name)), withheld("error")) if _is_plain(value) else _repr(value)
    masked = mask.text(plain[:_LOOKED_AT], name)
    return masked if len(masked) <= _VALUE_LENGTH else f"{masked[: _VALUE_LENGTH - 1]}\u2026"


def _is_plain(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple | set | frozenset)


def _repr(value: object) -> str:
    return value if isinstance(value, str) else ask(lambda: repr(value), withheld("error"))
