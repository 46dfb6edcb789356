"""One contender as processes of the machine: started, watched from outside, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.contenders import ROOT

_TICKS = os.sysconf("SC_CLK_TCK")
_WATCH_S = 0.25
_END_S = 30.0


class Broken(Exception):
    """A contender did not do what it is there for; says what."""


@dataclass(frozen=True, slots=True)
class Use:
    """What all processes of a contender together have used by ``at`` (monotonic seconds)."""

    at: float
    cpu_s: float
    """User and system time since they started, with that of children that have ended."""
    memory: int
    """Proportional set size in bytes: every mapped page, those shared with others by their share."""


class Contestant:
    """A command in a session of its own; whatever it starts there belongs to it."""

    def __init__(self, command: Sequence[str], log: IO[bytes], env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        self.uses: list[Use] = []

    def pin(self, cores: Collection[int]) -> None:
        """Keep all its threads, and what they start from now on, on these cores."""
        for pid in _session(self._process.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # has ended meanwhile
                for thread in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(thread), cores)

    def check(self) -> None:
        """Raises Broken if it has ended."""
        if self._process.poll() is not None:
            raise Broken(f"ended with {self._process.returncode} during the run")

    def use(self) -> Use:
        """What it has used until now; raises Broken if it has ended."""
        self.check()
        pids = _session(self._process.pid)
        return Use(time.monotonic(), sum(map(_cpu_s, pids)), sum(map(_memory, pids)))

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Note four times a second in ``uses`` what it uses, from now until the block ends."""
        ended = threading.Event()
        self.uses = [self.use()]

        def watch() -> None:
            while not ended.wait(_WATCH_S):
                with contextlib.suppress(Broken):  # whoever waits for it checks that too
                    self.uses.append(self.use())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def kill(self) -> None:
        """SIGKILL to all its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_END_S)


def _session(leader: int) -> list[int]:
    """The processes of a session."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))) and int(fields[3]) == leader:
            found.append(int(name))
    return found


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` from the third on (see proc(5)); [] if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _cpu_s(pid: int) -> float:
    """utime, stime, and those of waited-for children: fields 14 to 17."""
    return sum(map(int, _stat(pid)[11:15])) / _TICKS


def _memory(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
