"""Keys printed by a program."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

from errorplane.keys._derive import decode_secret
from errorplane.keys._errors import KeyUnavailable

_MAX_OUTPUT = 4096
_WHAT = "must print 32 bytes in base64 or hex"


def command_secret(purpose: str, argv: Sequence[str], timeout_s: float = 10.0) -> bytes:
    """The secret that ``argv`` prints; run without a shell and without input, its error output thrown away.

    Messages name the program only: arguments and output may hold secrets. Raises ``KeyUnavailable`` when the program
    cannot be started, fails, takes longer than ``timeout_s`` or prints more than 4 KiB or no key.
    """
    program = argv[0]
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that what it started can be ended with it
        )
    except OSError as error:
        raise KeyUnavailable(purpose, f"the command {program} cannot be run: {error.strerror}") from None
    deadline = time.monotonic() + timeout_s
    with process:
        output = _read(process, deadline)
        too_much = output is not None and len(output) > _MAX_OUTPUT
        status = None if output is None or too_much else _status(process, deadline)
        if status is None:
            _end(process)
    if too_much:
        raise KeyUnavailable(purpose, f"the command {program} printed too much: it {_WHAT}")
    if output is None or status is None:
        raise KeyUnavailable(purpose, f"the command {program} took longer than {timeout_s:g} s and was ended")
    if status != 0:
        raise KeyUnavailable(purpose, f"the command {program} failed with status {status}: run it by hand")
    try:
        return decode_secret(output)
    except ValueError:
        raise KeyUnavailable(purpose, f"the command {program} printed something else: it {_WHAT}") from None


def _read(process: subprocess.Popen[bytes], deadline: float) -> bytes | None:
    """Output until its end or one byte above the limit; None when the deadline came first."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(output) <= _MAX_OUTPUT:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            chunk = os.read(descriptor, _MAX_OUTPUT + 1 - len(output))
            if not chunk:
                break
            output += chunk
    return output


def _status(process: subprocess.Popen[bytes], deadline: float) -> int | None:
    """Exit status; None when the deadline came first."""
    try:
        return process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
