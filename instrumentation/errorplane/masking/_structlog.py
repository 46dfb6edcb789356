"""A processor for structlog, which need not be installed for it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

from errorplane.errors import ask
from errorplane.masking._mask import default_mask, withheld


def mask_event(logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask everything in a structlog event; put it last before the renderer.

    An exception that no earlier processor has formatted becomes the masked text ``exception``.
    """
    _format_exception(event_dict)
    mask = default_mask()
    masked = {key: mask.value(value, key) for key, value in event_dict.items()}
    event_dict.clear()
    event_dict.update({mask.text(key): value for key, value in masked.items()})
    return event_dict


def _format_exception(event_dict: MutableMapping[str, Any]) -> None:
    given = event_dict.pop("exc_info", None)
    if not given:
        return
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else sys.exception()
    if error is not None and "exception" not in event_dict:
        text = ask(lambda: "".join(traceback.format_exception(error)).rstrip("\n"), withheld("error"))
        event_dict["exception"] = text
