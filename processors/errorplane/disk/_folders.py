"""Folders: created for their owner only, their names synced (a file's own sync does not keep its name)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_FOLDER_MODE = 0o700


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, so that they are still there after a crash; raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(_FOLDER_MODE)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder; raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
