"""The way from the application's threads to ours: a bounded queue of what ended or was emitted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class ItemQueue(Generic[T]):
    """Takes items from any thread without waiting; ``wake`` is set once ``batch`` of them wait.

    Beyond ``most`` only items that ``failed`` are taken, twice as many at most; for each other one ``left_out`` is called.
    """

    def __init__(
        self,
        most: int,
        batch: int,
        wake: threading.Event,
        failed: Callable[[T], bool],
        left_out: Callable[[], None],
    ) -> None:
        self._failed = failed
        self._left_out = left_out
        self._most = most
        self._batch = batch
        self._wake = wake
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item; a few threads at once may go beyond the bound by as many items."""
        items = self._items
        waiting = len(items)
        if waiting >= self._most and not (waiting < 2 * self._most and self._failed(item)):
            self._left_out()
            return
        items.append(item)
        if waiting + 1 >= self._batch and not self._wake.is_set():
            self._wake.set()

    def take(self) -> list[T]:
        """Up to a batch of the oldest items."""
        items = self._items
        return [items.popleft() for _ in range(min(self._batch, len(items)))]
