"""What spans and log records were seen to have, as bits: one for each condition that has to look at them.

A bit keeps its meaning for the life of the process, so that a trace that was seen under one policy can be decided
under the next. A condition that comes with a reload holds for what arrives after it.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable

_lock = threading.Lock()
_bits: dict[Hashable, int] = {}


def hit_bit(condition: Hashable) -> int:
    """The bit of a condition, a power of two; equal conditions have the same one."""
    with _lock:
        return _bits.setdefault(condition, 1 << len(_bits))
