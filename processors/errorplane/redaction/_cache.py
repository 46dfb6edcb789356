"""What takes seconds to make and is the same at each start, kept in the user's cache folder.

The folder is ``errorplane`` in ``XDG_CACHE_HOME``, by default in ``~/.cache``. Whoever can write there can crash this
process, since Hyperscan trusts its databases: so it must belong to this user and be writable by nobody else, and
without such a folder everything is made anew. Nothing in it comes from telemetry.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger("errorplane.redaction")

_MOST_FILES = 64
_DIGEST_BYTES = 32


def remembered(
    recipe: bytes,
    make: Callable[[], T],
    dump: Callable[[T], bytes],
    load: Callable[[bytes], T],
    environ: Mapping[str, str] = os.environ,
) -> T:
    """What ``make`` makes, or what was dumped when it was last made from the same ``recipe``.

    A file that is damaged, or that ``load`` refuses with an exception, is passed over and written anew.
    """
    folder = _folder(environ)
    if folder is None:
        return make()
    path = folder / hashlib.sha256(recipe).hexdigest()
    data = _read(path)
    if data is not None:
        try:
            return load(data)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, it can be made anew
            log.info("the cached %s cannot be used (%s): made anew", path.name, type(error).__name__)
    made = make()
    _write(path, dump(made))
    return made


def _folder(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("XDG_CACHE_HOME") or (f"{environ['HOME']}/.cache" if environ.get("HOME") else "")
    if not home.startswith("/"):
        return None
    folder = Path(home) / "errorplane"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    mine = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return folder if mine and stat.S_ISDIR(found.st_mode) else None


def _read(path: Path) -> bytes | None:
    """The content of an undamaged file; what is used stays youngest."""
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    digest, content = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None


def _write(path: Path, content: bytes) -> None:
    """Write as a whole, since others may read at any time; a full disk costs the cache only."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _prune(path.parent)
    except OSError as error:
        log.info("%s cannot be cached: %s", path.name, error.strerror)


def _prune(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[_MOST_FILES:]:
        path.unlink(missing_ok=True)
