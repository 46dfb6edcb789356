"""Where processors that send to the same destinations share their day: behind one port, a file for now."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from errorplane.sampling._daily_bytes import DAY_S, Day, Spending

_LOCK_POLL_S = 0.02


class SharedDay(Protocol):
    """Adds what one processor has sent to what all have, and says what all have spent, and which shares are in force."""

    def exchange(self, sent: Mapping[str, int], now: float) -> Mapping[str, Spending]:
        """Report bytes sent since the last call, by destination; ``now`` is Unix time. Raises OSError, ValueError."""
        ...


class FileDay:
    """The day in one JSON file, which several processes may share; replaced as a whole, under a lock beside it.

    Whoever comes first after ``step_s`` adapts the shares for all. Clocks of the machines should agree to a second.
    The lock is waited for ``lock_wait_s`` at most, then ``exchange`` raises ``TimeoutError``.
    """

    def __init__(
        self, path: Path, budgets: Mapping[str, int], least: float, step_s: float, lock_wait_s: float = 5.0
    ) -> None:
        self._path = path
        self._budgets = budgets
        self._least = least
        self._step_s = step_s
        self._lock_wait_s = lock_wait_s

    def exchange(self, sent: Mapping[str, int], now: float) -> Mapping[str, Spending]:
        """See ``SharedDay``. A file that cannot be read is replaced by one that begins now, after ValueError was raised."""
        with self._locked():
            day, problem = self._read(now)
            day.spend(sent, now)
            if now - day.stepped >= self._step_s or now < day.stepped:
                day.adapt(self._budgets, now, self._least)
            self._write(day)
        if problem is not None:
            raise ValueError(f"{self._path} could not be read and begins anew: {problem}")
        return {name: spending for name, spending in day.destinations.items() if name in self._budgets}

    def _read(self, now: float) -> tuple[Day, Exception | None]:
        day = Day(number=int(now // DAY_S), stepped=now)
        try:
            return Day.unpack(self._path.read_bytes()), None
        except FileNotFoundError:
            return day, None
        except ValueError as error:
            return day, error

    def _write(self, day: Day) -> None:
        handle, name = tempfile.mkstemp(prefix=self._path.name, dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(day.pack())
            os.replace(name, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_name(self._path.name + ".lock").open("a") as lock:
            deadline = time.monotonic() + self._lock_wait_s
            while not _taken(lock.fileno()):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{lock.name} is held by another processor for {self._lock_wait_s:g} s")
                time.sleep(_LOCK_POLL_S)
            yield


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
