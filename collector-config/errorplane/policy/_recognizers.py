"""Which entities Presidio has pattern recognisers for, where it is installed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any


@functools.cache
def recognizers() -> Mapping[str, Callable[[], Any]]:
    """By entity what makes the recogniser, a ``presidio_analyzer.PatternRecognizer``; takes two seconds once.

    Raises ``ModuleNotFoundError`` without the extra ``presidio``.
    """
    from presidio_analyzer import PatternRecognizer, predefined_recognizers

    known: dict[str, Callable[[], Any]] = {}
    for _, found in inspect.getmembers(predefined_recognizers, inspect.isclass):
        if issubclass(found, PatternRecognizer) and found is not PatternRecognizer:
            make: Callable[[], Any] = found
            for entity in make().supported_entities:
                known.setdefault(entity, make)
    return known
