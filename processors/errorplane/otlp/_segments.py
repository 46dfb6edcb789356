"""Segments: one file per retention class and day, that expire and can be sealed one by one."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

from errorplane.disk import sync_folder
from errorplane.keys import Key, KeyUnavailable
from errorplane.otlp._append import AppendFile, send_errors, whole_lines
from errorplane.otlp._errors import Refused, RetryLater, SegmentError
from errorplane.otlp._json_out import to_json_line
from errorplane.otlp._sealed import SealedSegment, SegmentIdentity
from errorplane.otlp._signals import Receipt, Signal

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.[0-9a-f]{8})?\.jsonl(?:\.enc)?")
_MAX_NAME_CHARACTERS = 200
_MAX_OPEN = 32


@dataclass(frozen=True, slots=True)
class ExpiredSegment:
    """A segment that ``expire`` has deleted."""

    path: Path
    retention_class: str
    day: date
    size: int
    """In bytes."""

    def __str__(self) -> str:
        return f"{self.path} (class {self.retention_class}, {self.day.isoformat()}, {self.size} bytes)"


class _PlainSegment:
    """Lines as they are."""

    def __init__(self, path: Path) -> None:
        self.file = AppendFile(path, whole_lines, follow_symlinks=False)

    def append(self, line: bytes) -> None:
        self.file.open()
        self.file.append(line)


class SegmentDestination:
    """Appends OTLP JSON lines to ``folder/<class>/<YYYY-MM-DD>.jsonl``, synced before ``send`` returns.

    The day is the UTC day of writing. ``days`` says for how many days each class is kept; segments of a class that it
    does not name are kept as long as those of the longest. With ``key``, files end in ``.jsonl.enc`` and are sealed
    (see ``SealedSegment``); ``key()`` is asked for each file that is opened.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        days: Mapping[str, int],
        key: Callable[[], Key] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.folder = folder
        self._days = dict(days)
        self._key = key
        self._clock = clock
        self._open: OrderedDict[tuple[str, date], _PlainSegment | SealedSegment] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"SegmentDestination({self.name!r}, {str(self.folder)!r}, sealed={self._key is not None})"

    def send(self, signal: Signal, retention_class: str, payload: bytes, items: int) -> Receipt:
        """See ``Destination.send``; raises ``RetryLater`` when the disk does not take it."""
        try:
            with send_errors(self.folder / class_folder(retention_class)):
                line = to_json_line(signal, payload)
                with self._lock:
                    day = _day(self._clock())
                    self._close_other_days(day)
                    self._segment(retention_class, day).append(line)
        except (SegmentError, KeyUnavailable) as error:
            raise RetryLater(f"{self.name}: {error}") from error
        return Receipt()

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].file.close()

    def expire(self, now: float) -> list[ExpiredSegment]:
        """Delete the segments whose days are over at Unix time ``now``; raises OSError if one cannot be deleted.

        A segment of day D with N days is deleted once day D + N is over. Files that are not segments are left alone.
        """
        today = _day(now)
        expired = [one for one in self._segments() if today > one.day + timedelta(self._keep(one.retention_class))]
        with self._lock:
            for segment in expired:
                opened = self._open.pop((segment.retention_class, segment.day), None)
                if opened is not None:
                    opened.file.close()
                segment.path.unlink(missing_ok=True)
            for parent in {segment.path.parent for segment in expired}:
                sync_folder(parent)
        return expired

    def _keep(self, retention_class: str) -> int:
        longest = max(self._days.values(), default=36_500)
        return self._days.get(retention_class, longest)

    def _segments(self) -> Iterator[ExpiredSegment]:
        if not self.folder.is_dir():
            return
        for folder in sorted(self.folder.iterdir()):
            if folder.is_symlink() or not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                day = _day_of(path.name)
                if day is not None and not path.is_symlink() and path.is_file():
                    yield ExpiredSegment(path, unquote(folder.name), day, path.stat().st_size)

    def _segment(self, retention_class: str, day: date) -> _PlainSegment | SealedSegment:
        found = self._open.get((retention_class, day))
        if found is None:
            while len(self._open) >= _MAX_OPEN:
                self._open.popitem(last=False)[1].file.close()
            found = self._open[retention_class, day] = self._new(retention_class, day)
        self._open.move_to_end((retention_class, day))
        return found

    def _new(self, retention_class: str, day: date) -> _PlainSegment | SealedSegment:
        stem = self.folder / class_folder(retention_class) / day.isoformat()
        if self._key is None:
            return _PlainSegment(stem.with_name(f"{stem.name}.jsonl"))
        return SealedSegment(stem, SegmentIdentity(retention_class, day.isoformat()), self._key())

    def _close_other_days(self, day: date) -> None:
        for key in [key for key in self._open if key[1] != day]:
            self._open.pop(key).file.close()


def class_folder(retention_class: str) -> str:
    """The folder name of a class: whatever could leave the folder or hide is percent-encoded.

    >>> class_folder("audit"), class_folder("../etc"), class_folder("..")
    ('audit', '%2E.%2Fetc', '%2E.')
    """
    name = quote(retention_class, safe="")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if not 0 < len(name) <= _MAX_NAME_CHARACTERS:
        raise Refused(f"retention class: a name has 1 to {_MAX_NAME_CHARACTERS} characters")
    return name


def _day_of(name: str) -> date | None:
    """The day in a segment's file name; None if it is not one."""
    match = _NAME.fullmatch(name)
    try:
        return None if match is None else date.fromisoformat(match[1])
    except ValueError:  # such as 2026-13-45
        return None


def _day(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()
