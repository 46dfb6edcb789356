"""Series that accumulate must not run backwards: a backend takes that for a restart and counts everything again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

_SERIES = 20_000
_NO_VALUE = 1  # DataPointFlags.NO_RECORDED_VALUE


class _Last(NamedTuple):
    start: int
    time: int
    value: float


class Backwards:
    """Remembers the last point of each series that masking changed; safe to use from several threads.

    Holds hashes and numbers of at most 20,000 series, the ones seen last. A forgotten series is taken for a new one.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[bytes, _Last] = OrderedDict()
        self._lock = threading.Lock()

    def admits(self, identity: Iterable[bytes], point: Any) -> bool:
        """Whether a point continues its series: later and no smaller with the same start, or with a later start.

        One that is not later than the last is a repetition or was overtaken, which backends know to handle; without a
        start nothing can be said.
        """
        value = point.count if hasattr(point, "count") else point.as_int or point.as_double
        now = _Last(point.start_time_unix_nano, point.time_unix_nano, value)
        if point.flags & _NO_VALUE or not now.start:
            return True
        key = hashlib.blake2b(b"".join(b"%d:%b" % (len(part), part) for part in identity), digest_size=16).digest()
        with self._lock:
            last = self._last.get(key)
            if last is not None:
                self._last.move_to_end(key)
                if now.time <= last.time:
                    return True
                if now.start < last.start or (now.start == last.start and now.value < last.value):
                    return False
            self._last[key] = now
            if len(self._last) > _SERIES:
                self._last.popitem(last=False)
        return True
