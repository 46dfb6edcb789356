"""A count-min sketch: how often each of any number of keys was seen, in a fixed amount of memory, never too low.

Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch and its applications" (2005), with
conservative update (Estan and Varghese, 2002) and ageing by halving (Einziger, Friedman and Manes, "TinyLFU", 2017).
"""

from __future__ import annotations

from array import array

_ROWS = 4
_SLICE = 4  # bytes of a key that choose its cell in one row


class Sketch:
    """Estimates for keys of 16 random bytes (a digest); ``width`` cells a row, a power of two.

    After as many counts as a row has cells all are halved: what was seen once is forgotten, what recurs stays.
    """

    def __init__(self, width: int = 4096) -> None:
        if width < 1 or width & (width - 1):
            raise ValueError(f"the width of a sketch is a power of two, not {width}")
        self._mask = width - 1
        self._rows = [array("I", bytes(4 * width)) for _ in range(_ROWS)]
        self._until_halving = width

    def estimate(self, key: bytes) -> int:
        """How often the key was counted since it was last forgotten; collisions may make it too high."""
        return min(row[cell] for row, cell in zip(self._rows, self._cells(key), strict=True))

    def add(self, key: bytes) -> None:
        """Count a key once more."""
        cells = self._cells(key)
        count = min(row[cell] for row, cell in zip(self._rows, cells, strict=True)) + 1
        for row, cell in zip(self._rows, cells, strict=True):
            row[cell] = max(row[cell], count)  # a cell that is higher has collided: raising it would add to the error
        self._until_halving -= 1
        if not self._until_halving:
            self._halve()

    def _cells(self, key: bytes) -> list[int]:
        return [int.from_bytes(key[at : at + _SLICE], "big") & self._mask for at in range(0, _ROWS * _SLICE, _SLICE)]

    def _halve(self) -> None:
        self._rows = [array("I", (count >> 1 for count in row)) for row in self._rows]
        self._until_halving = self._mask + 1
