"""Starts the application, or nothing but OpenTelemetry, in a process that is watched."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from errorplane.doctor._facts import Facts
from errorplane.doctor._watch import AUTOMATIC, NOW

_SITE: Final = Path(__file__).with_name("_site")
_WRITE_S: Final = 10.0  # for the facts to be written once they are asked for
_END_S: Final = 5.0  # for processes to end that are asked to
_POLL_S: Final = 0.05
_INSTRUMENT: Final = "opentelemetry-instrument"


class CannotWatch(Exception):
    """The application cannot be started, or nothing of it can be seen; the text says what to do."""


def watch(command: Sequence[str] = (), *, wait_s: float, environ: Mapping[str, str] = os.environ) -> list[Facts]:
    """The facts of each process of a command, the first one first, once it has ended or so many seconds have passed.

    Without a command, those of a Python that only starts OpenTelemetry. A command that begins with
    `opentelemetry-instrument` is started as that would; another one is only watched. Nothing is exported. Raises
    `CannotWatch`.
    """
    words = list(command) or [_INSTRUMENT, sys.executable, "-c", "pass"]
    automatic = Path(words[0]).name == _INSTRUMENT
    words = words[1:] if automatic else words
    if not words or words[0].startswith("-"):
        raise CannotWatch(f"{_INSTRUMENT}: give its options as variables of OpenTelemetry, and the command after it")
    program = shutil.which(words[0], path=environ.get("PATH"))
    if program is None:
        raise CannotWatch(f"{words[0]}: there is no such command")
    with tempfile.TemporaryDirectory(prefix="errorplane-doctor-", ignore_cleanup_errors=True) as folder:
        env = {**environ, "_ERRORPLANE_DOCTOR": folder, "PYTHONPATH": _path(environ)}
        if automatic:
            env[AUTOMATIC] = "1"
        return _watched([program, *words[1:]], env, Path(folder), wait_s)


def _path(environ: Mapping[str, str]) -> str:
    """As `opentelemetry-instrument` makes it: its own folder first, then the current one."""
    old = environ.get("PYTHONPATH", "")
    return os.pathsep.join([str(_SITE), os.getcwd(), *([old] if old else [])])


def _watched(words: list[str], env: Mapping[str, str], folder: Path, wait_s: float) -> list[Facts]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _until(lambda: process.poll() is not None, wait_s)
            (folder / NOW).touch()
            _until(lambda: not _missing(folder, process), _WRITE_S)
        finally:
            _end(process)
        facts = _facts(folder, process.pid)
        if not facts:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()[-2000:]
            raise CannotWatch(
                f"{words[0]} shows nothing: its Python must have errorplane installed and heed PYTHONPATH; "
                f"put {_INSTRUMENT}, if it is used, first. It said:\n{said or '(nothing)'}"
            )
        return facts


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _missing(folder: Path, first: subprocess.Popen[bytes]) -> bool:
    """Whether a process that runs has yet to write, or the first one has yet to come so far that it is watched."""
    started = list(folder.glob("*.started"))
    if not started:
        return first.poll() is None
    waiting = [each for each in started if not each.with_suffix(".json").exists()]
    return any(_runs(int(each.stem)) for each in waiting)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started: it has a session of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)


def _facts(folder: Path, first: int) -> list[Facts]:
    found = sorted(folder.glob("*.json"), key=lambda path: (int(path.stem) != first, int(path.stem)))
    return [Facts.of(json.loads(path.read_text())) for path in found]
