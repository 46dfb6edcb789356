"""Budgets of labels: so many values, of so many bytes together; the first ones have series, the rest is overflow."""

from __future__ import annotations

from errorplane.policy import LabelBudget


class Label:
    """The values of one label that have series; who comes first is in, so the same input gives the same series."""

    def __init__(self, name: str, budget: LabelBudget) -> None:
        self.name = name
        self.overflowed = 0
        """Measurements whose value had no place."""
        self._values: set[str] = set()
        self._places = budget.values
        self._bytes = budget.bytes

    def admits(self, value: str) -> bool:
        """Whether a value has a place, or would get one."""
        return value in self._values or (bool(self._places) and len(value.encode()) <= self._bytes)

    def take(self, value: str) -> None:
        """Give a value that is admitted its place."""
        if value not in self._values:
            self._values.add(value)
            self._places -= 1
            self._bytes -= len(value.encode())


class Top:
    """The fingerprints that were the most frequent of late: as many as the budget has places.

    Who is not among them is counted as in Metwally, Agrawal and El Abbadi, "Efficient computation of frequent and top-k
    elements in data streams" (2005), and takes the place of the rarest one once it was certainly seen more often. All
    counts are halved after every ``64 * places`` errors, so that what was frequent once does not stay for ever.
    """

    def __init__(self, budget: LabelBudget) -> None:
        self.overflowed = 0
        self._places = budget.values
        self._bytes = budget.bytes
        self._in: dict[str, int] = {}
        self._waiting: dict[str, tuple[int, int]] = {}
        self._age_every = self._until_ageing = 64 * budget.values

    def count(self, value: str) -> tuple[bool, str | None]:
        """Count a value once: whether it is among the top, and the value whose place it took, if any."""
        self._until_ageing -= 1
        if not self._until_ageing:
            self._age()
        if value in self._in:
            self._in[value] += 1
            return True, None
        size = len(value.encode())
        if self._places and size <= self._bytes:
            self._enter(value, 1)
            return True, None
        seen = self._seen(value)
        rarest = min(self._in, key=self._in.__getitem__, default=None)
        if rarest is None or seen <= self._in[rarest] or size > self._bytes + len(rarest.encode()):
            self.overflowed += 1
            return False, None
        del self._in[rarest], self._waiting[value]
        self._places += 1
        self._bytes += len(rarest.encode())
        self._enter(value, seen)
        return True, rarest

    def _enter(self, value: str, count: int) -> None:
        self._in[value] = count
        self._places -= 1
        self._bytes -= len(value.encode())

    def _seen(self, value: str) -> int:
        """Count a value that waits; how often it was seen at least."""
        if value in self._waiting:
            count, inherited = self._waiting[value]
        elif len(self._waiting) < self._age_every // 64:
            count = inherited = 0
        else:
            least = min(self._waiting, key=lambda each: self._waiting[each][0])
            count = inherited = self._waiting.pop(least)[0]
        self._waiting[value] = (count + 1, inherited)
        return count + 1 - inherited

    def _age(self) -> None:
        self._until_ageing = self._age_every
        self._in = {value: count >> 1 for value, count in self._in.items()}
        halved = ((value, count >> 1, inherited >> 1) for value, (count, inherited) in self._waiting.items())
        self._waiting = {value: (count, inherited) for value, count, inherited in halved if count}
