"""Attributes whose name says that their value is worth a look, such as statements: the clean ones are stepped over.

They are in every second span, and most are alike. So what was found clean is known again by its bytes, without a look at
the message around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

_LONGEST_KEY, _VALUE_TAG = 64, 0x12
_REMEMBERED = 8192
# How many bytes before the key tell how long the pair is: the last byte of its tag, and one or two of its length.
_BEFORE = 3


class CleanPairs:
    """Remembers the whole small KeyValues that ``is_clean`` says nothing is to be hidden in, at most 8,192.

    Safe to use from several threads.
    """

    def __init__(self, is_clean: Callable[[bytes, float], bool]) -> None:
        self._is_clean = is_clean
        self._known: set[bytes] = set()

    def others(self, body: bytes, ends: Iterable[int], deadline: float) -> list[int]:
        """Those of ``ends``, where names of attributes end, that are not the key of a pair that is clean."""
        known = self._known
        last = len(body) - _BEFORE
        left: list[int] = []
        length = 0  # of the last key: mostly it is the next one's too
        for end in ends:
            head = end - length - 1
            if head < 0 or body[head + 1] != length:
                head = body.rfind(b"\x0a", max(0, end - _LONGEST_KEY), end - 1)
                length = end - head - 1
            if end < last and body[head + 1] == length:
                size = body[end + 2]
                stop = end + 3 + size if size < 0x80 else end + 4 + (size & 0x7F | body[end + 3] << 7)
                # All that ``pair_around`` reads is in these bytes, which also say where in them the key ends.
                if body[head - _BEFORE : stop] in known:
                    continue
            left.append(end)
        return [end for end in left if not self._is_clean_at(body, end, deadline)]

    def _is_clean_at(self, body: bytes, end: int, deadline: float) -> bool:
        pair = pair_around(body, end)
        if pair is None or not self._is_clean(pair, deadline):
            return False
        if len(self._known) >= _REMEMBERED:
            self._known = set()
        head = end - pair[1] - 1
        self._known.add(body[head - _BEFORE : head + len(pair)])
        return True


def pair_around(body: bytes, end: int) -> bytes | None:
    """The KeyValue whose key ends with the byte at ``end``, if it is written as every SDK does: key, value, no more.

    Its own length must say so too, all of it: the byte before is the last one of a tag. Then nothing else is in it, and
    any other reading of these bytes is some text that happens to hold a whole KeyValue.
    """
    head = body.rfind(b"\x0a", max(0, end - _LONGEST_KEY), end - 1)
    if head < _BEFORE or end + 3 >= len(body) or body[head + 1] != end - head - 1 or body[end + 1] != _VALUE_TAG:
        return None
    size, start = body[end + 2], end + 3
    if size >= 0x80:
        if body[start] >= 0x80:
            return None  # of more than 16 kB
        size, start = size & 0x7F | body[start] << 7, start + 1
    stop = start + size
    length = stop - head
    if length < 0x80:
        told = body[head - 2] < 0x80 and body[head - 1] == length
    else:
        told = body[head - 3] < 0x80 and body[head - 2] - 0x80 | body[head - 1] << 7 == length
    return body[head:stop] if told and stop <= len(body) else None
