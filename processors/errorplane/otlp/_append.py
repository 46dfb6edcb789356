"""A file that only grows, synced after every addition, and what crashes and other people do to it."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from google.protobuf.message import DecodeError

from errorplane.disk import make_folder, sync_folder
from errorplane.otlp._errors import Refused, RetryLater

log = logging.getLogger("errorplane.otlp")

_BLOCK_BYTES = 64 << 10
_FILE_MODE = 0o600
_LINE_START = b'{"resource'

Repair = Callable[[int], int]
"""Given a descriptor, how many bytes from the start are whole; the rest is cut off."""


class AppendFile:
    """One open file; not safe to use from several threads. Its methods raise OSError."""

    def __init__(self, path: Path, repair: Repair, *, follow_symlinks: bool) -> None:
        self.path = path
        self._repair = repair
        self._flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (0 if follow_symlinks else os.O_NOFOLLOW)
        self._fd: int | None = None

    def open(self) -> int:
        """Make sure that the file behind ``path`` is open, creating what is missing; returns its size in bytes."""
        if self._fd is not None and not _still_there(self._fd, self.path):
            self.close()
        if self._fd is None:
            self._fd = self._opened()
        return os.fstat(self._fd).st_size

    def append(self, data: bytes) -> None:
        """Write all of ``data`` at the end and sync it; if that fails, the file is as before. ``open`` comes first."""
        if self._fd is None:
            raise OSError(errno.EBADF, "the file is not open")
        before = os.fstat(self._fd).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
            os.fsync(self._fd)
        except OSError:
            with suppress(OSError):  # if this fails too, the repair at the next opening cuts it off
                os.ftruncate(self._fd, before)
            self.close()
            raise

    def close(self) -> None:
        """Close the file if it is open."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _opened(self) -> int:
        make_folder(self.path.parent)
        fd = os.open(self.path, self._flags, _FILE_MODE)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "is not a regular file")
            _lock(fd)
            whole = self._repair(fd)
            if whole < status.st_size:
                log.warning("%s: cut off %d incomplete bytes at its end", self.path, status.st_size - whole)
                os.ftruncate(fd, whole)
            os.fsync(fd)
            sync_folder(self.path.parent)
        except BaseException:
            os.close(fd)
            raise
        return fd


@contextmanager
def send_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a payload is written into what ``Destination.send`` raises, with the path.

    Disks are cleared, rights are mended, mounts come back; a payload that is no request stays what it is.
    """
    try:
        yield
    except OSError as error:
        raise RetryLater(f"{path}: {error.strerror or error}") from error
    except DecodeError:
        raise Refused(f"{path}: the payload is not an Export request of its signal") from None


def whole_lines(fd: int) -> int:
    """How many bytes of a file are complete lines; a last line with NUL bytes was never written out completely.

    Raises OSError if what would be cut off was not begun by us: another's file is not to be damaged.
    """
    size = os.fstat(fd).st_size
    end = _after_newline(fd, size)
    if end == size:
        end = _after_newline(fd, max(0, size - 1))
        if b"\0" not in read_at(fd, end, size - end):
            return size
    torn = read_at(fd, end, min(size - end, len(_LINE_START)))
    if not torn.startswith(b"\0") and not _LINE_START.startswith(torn):
        raise OSError(errno.EINVAL, "does not end in OTLP JSON lines: move it away, or write to another path")
    return end


def read_at(fd: int, start: int, count: int) -> bytes:
    """``count`` bytes from ``start``, fewer at the end of the file."""
    parts = []
    while count:
        part = os.pread(fd, count, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
        count -= len(part)
    return b"".join(parts)


def _after_newline(fd: int, end: int) -> int:
    """The offset after the last newline before ``end``; 0 if there is none."""
    while end:
        start = max(0, end - _BLOCK_BYTES)
        found = read_at(fd, start, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _still_there(fd: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    here = os.fstat(fd)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _lock(fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OSError(error.errno, "is being written by another process or destination") from error
