"""One file of OTLP JSON lines."""

from __future__ import annotations

import threading
from pathlib import Path

from errorplane.otlp._append import AppendFile, send_errors, whole_lines
from errorplane.otlp._json_out import to_json_line
from errorplane.otlp._signals import Receipt, Signal


class FileDestination:
    """Appends to ``path`` one OTLP JSON object a line, of all signals, synced before ``send`` returns.

    The file is created when the first data comes, readable by its owner only. A last line that a crash left
    incomplete is cut off when it is opened; a file that was moved or removed meanwhile is created anew.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self._file = AppendFile(path, whole_lines, follow_symlinks=True)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FileDestination({self.name!r}, {str(self.path)!r})"

    def send(self, signal: Signal, retention_class: str, payload: bytes, items: int) -> Receipt:
        """See ``Destination.send``; raises ``RetryLater`` when the disk does not take it."""
        with send_errors(self.path):
            line = to_json_line(signal, payload)
            with self._lock:
                self._file.open()
                self._file.append(line)
        return Receipt()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()
