"""Processes that are started, watched and ended together; none of them outlives the block."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from errorplane.cli import CommandFailed

_POLL_S = 0.05
_TERM_S = 4.0
_TAIL_LINES = 25
# How Python, Go and Node.js say that somebody else listens there.
_IN_USE = re.compile("address already in use|EADDRINUSE", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Actor:
    """One process, the leader of its own group; ``log`` takes its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def tail(self) -> str:
        """The end of its log, indented."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its group, if there still is one."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class PortTaken(CommandFailed):
    """A process, ``name``, ended since somebody else listens on its port."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Stage:
    """Starts processes; on leaving the block all of them are ended, in the opposite order."""

    def __init__(self, folder: Path, budget_s: float) -> None:
        """``folder`` is where the processes run; after ``budget_s`` seconds no wait goes on."""
        self._folder = folder
        self._until = time.monotonic() + budget_s
        self._actors: list[Actor] = []

    @property
    def actors(self) -> tuple[Actor, ...]:
        """The processes that have not been stopped, in the order of their start."""
        return tuple(self._actors)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> Actor:
        """Start a process in the stage's own empty folder, its output appended to ``log``."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*_leash(), *command],
                env=env,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        actor = Actor(name, process, log)
        self._actors.append(actor)
        return actor

    def wait(self, what: str, ready: Callable[[], bool], deadline_s: float, *ended: Actor) -> None:
        """Wait until ``ready()``; fails at the deadline, or when a process dies that is not among ``ended``."""
        started = time.monotonic()
        deadline = min(started + deadline_s, self._until)
        while not ready():
            self.check(*ended)
            if time.monotonic() > deadline:
                raise CommandFailed(f"{what}: not within {time.monotonic() - started:.0f} s\n{self._tails()}")
            time.sleep(_POLL_S)

    def check(self, *ended: Actor) -> None:
        """Fail if a process has died that is not among ``ended``; with ``PortTaken`` if that is why."""
        for actor in self._actors:
            if actor not in ended and not actor.running:
                tail = actor.tail()
                text = f"{actor.name} ended with status {actor.process.returncode}; the end of its log:\n{tail}"
                raise PortTaken(actor.name, text) if _IN_USE.search(tail) else CommandFailed(text)

    def stop(self, actors: Sequence[Actor], deadline_s: float) -> None:
        """TERM all of them at once and wait; one that needs longer is killed, and that is an error."""
        for actor in actors:
            actor.signal(signal.SIGTERM)
        deadline = time.monotonic() + deadline_s
        for actor in actors:
            try:
                actor.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise CommandFailed(f"{actor.name} does not end: see the end of its log\n{actor.tail()}") from None
            self._actors.remove(actor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with _undisturbed():
            self._end()

    def _end(self) -> None:
        for actor in reversed(self._actors):
            actor.signal(signal.SIGTERM)
        deadline = time.monotonic() + _TERM_S
        while any(actor.running for actor in self._actors) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        for actor in self._actors:
            actor.signal(signal.SIGKILL)  # also what is left of the group of a leader that has ended
            actor.process.wait()

    def _tails(self) -> str:
        return "\n".join(f"  the end of the log of {actor.name}:\n{actor.tail()}" for actor in self._actors)


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Make TERM and HUP end the run as Ctrl-C does, so that everything is cleaned up."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore impatient signals while the processes are ended, which takes a few seconds at most."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leash() -> list[str]:
    """What a command is put behind so that a killed demo leaves nothing running, where the kernel offers that."""
    if sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("_leash.py")), str(os.getpid())]
