"""Runs in the application: starts OpenTelemetry as `opentelemetry-instrument` would, and writes down what came of it."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

from errorplane.doctor._collect import collect
from errorplane.doctor._silence import silence

AUTOMATIC: Final = "_ERRORPLANE_DOCTOR_AUTOMATIC"
GIVEN: Final = "_ERRORPLANE_DOCTOR_GIVEN"
NOW: Final = "now"
_POLL_S: Final = 0.05
_MESSAGES: Final = 50


class _Kept(logging.Handler):
    """The first warnings of OpenTelemetry and errorplane."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.messages) < _MESSAGES:
            error = record.exc_info[1] if record.exc_info else None
            told = f": {type(error).__name__}: {error}" if error else ""
            self.messages.append(f"{record.name}: {record.getMessage()}{told}")


def begin(folder: str) -> None:
    """Watch this process and those that it forks; each writes `PID.json` into the folder, when it ends or is told to."""
    kept = _Kept()
    for name in ("opentelemetry", "errorplane"):
        logging.getLogger(name).addHandler(kept)
    silence()
    # Processes that this one starts get what its distro has set as if it were given.
    os.environ.setdefault(GIVEN, " ".join(os.environ))
    if os.environ.get(AUTOMATIC):
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        initialize()
    _watch(Path(folder), kept)
    os.register_at_fork(after_in_child=lambda: _watch(Path(folder), kept))
    # Registered last, so that it runs first, before the SDK is shut down.
    atexit.register(lambda: _write(Path(folder), kept))


def _watch(folder: Path, kept: _Kept) -> None:
    (folder / f"{os.getpid()}.started").touch()
    threading.Thread(target=_wait, args=(folder, kept), name="errorplane-doctor", daemon=True).start()


def _wait(folder: Path, kept: _Kept) -> None:
    while not (folder / NOW).exists():
        if not folder.exists():
            return
        time.sleep(_POLL_S)
    _write(folder, kept)


def _write(folder: Path, kept: _Kept) -> None:
    target = folder / f"{os.getpid()}.json"
    if folder.exists() and not target.exists():
        written = target.with_suffix(f".part{threading.get_ident()}")
        written.write_text(json.dumps(asdict(collect(tuple(kept.messages), os.environ.get(GIVEN, "").split()))))
        written.replace(target)
