"""The port for now: everything is allowed, and recorded."""

from __future__ import annotations

import datetime
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from errorplane.access._access import Actor, Decision
from errorplane.disk import make_folder, sync_folder

_MAX_TEXT = 1024


class AllowAll:
    """Allows everything, one JSON line per decision in ``audit``; what cannot be recorded is denied.

    The file has mode 0600, its folder is created with mode 0700. A line is one ``write`` in append mode and synced
    before ``decide`` returns, so that several processes may share the file. ``clock`` gives seconds since the epoch.
    """

    def __init__(self, audit: Path, clock: Callable[[], float] = time.time) -> None:
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()

    def decide(self, actor: Actor, action: str, resource: str, purpose: str = "") -> Decision:
        """Allow; deny when the audit line cannot be written."""
        decision = Decision(True, "everything is allowed")
        try:
            with self._lock:
                _append(self._audit, self._line(actor, action, resource, purpose, decision))
        except OSError as error:
            return Decision(False, f"the audit file {self._audit} cannot be written: {error}")
        return decision

    def _line(self, actor: Actor, action: str, resource: str, purpose: str, decision: Decision) -> bytes:
        moment = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)
        record = {
            "time": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "actor": actor.name[:_MAX_TEXT],
            "origin": actor.origin[:_MAX_TEXT],
            "action": action[:_MAX_TEXT],
            "resource": resource[:_MAX_TEXT],
            **({"purpose": purpose[:_MAX_TEXT]} if purpose else {}),
            "allowed": decision.allowed,
            "reason": decision.reason,
        }
        return json.dumps(record).encode() + b"\n"


def _append(path: Path, line: bytes) -> None:
    created = not path.exists()
    if created:
        make_folder(path.parent)
    # O_NOFOLLOW: whoever may write to the folder must not send the audit line elsewhere.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        size = os.fstat(descriptor).st_size
        # A line torn by a full disk or a crash stays alone on its line.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        whole = b"\n" + line if torn else line
        if os.write(descriptor, whole) != len(whole):
            raise OSError(f"only a part of the line fitted into {path}")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if created:
        sync_folder(path.parent)
