"""A processor for structlog, which need not be installed for it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

from errorplane.errors import ask
from errorplane.hooks import GUARD
from errorplane.masking._mask import Mask, default_mask, withheld


def mask_event(logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask everything in a structlog event; put it last before the renderer.

    An exception that no earlier processor has formatted becomes the masked text ``exception``.
    """
    masked = GUARD.run("mask_event", lambda: masked_event(event_dict, default_mask()))
    event_dict.clear()
    event_dict.update({"event": withheld("error")} if masked is None else masked)
    return event_dict


def masked_event(event: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """The entries masked, names too, and what is to be said of an exception as the text ``exception``."""
    shown = {name: value for name, value in event.items() if name != "exc_info"}
    if (error := _exception(event.get("exc_info"))) is not None and "exception" not in shown:
        text = ask(lambda: "".join(traceback.format_exception(error)).rstrip("\n"), withheld("error"))
        shown["exception"] = text
    return {mask.text(name): mask.value(value, name) for name, value in shown.items()}


def _exception(given: object) -> BaseException | None:
    """What ``exc_info`` stands for: an exception, what ``sys.exc_info()`` returns, or a request for the current one."""
    if isinstance(given, tuple):
        given = given[1] if len(given) == 3 else None
    elif given and not isinstance(given, BaseException):
        given = sys.exception()
    return given if isinstance(given, BaseException) else None
