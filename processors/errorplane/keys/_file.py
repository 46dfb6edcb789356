"""Keys in files: read when private, generated when missing."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from errorplane.disk import make_folder, sync_folder
from errorplane.keys._derive import SECRET_BYTES, decode_secret
from errorplane.keys._errors import KeyUnavailable

_MAX_BYTES = 4096


def file_secret(
    purpose: str, path: Path, random: Callable[[int], bytes] = os.urandom, *, generate: bool = True
) -> bytes:
    """The secret in ``path``, generated first when there is no such file and ``generate``. Raises ``KeyUnavailable``."""
    try:
        if not path.exists():
            if not generate:
                raise KeyUnavailable(purpose, f"there is no file {path}")
            _generate(path, random)
        text = _read_private(purpose, path)
    except OSError as error:
        raise KeyUnavailable(purpose, f"{path} cannot be used: {error}") from None
    try:
        return decode_secret(text)
    except ValueError:
        raise KeyUnavailable(
            purpose, f"{path} does not hold 32 bytes in base64 or hex: put back the key that it held before"
        ) from None


def _read_private(purpose: str, path: Path) -> bytes:
    # Opened once and asked through the descriptor, so that what is checked is what is read. O_NONBLOCK: opening a
    # FIFO must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise KeyUnavailable(purpose, f"{path} is not a regular file")
        if found.st_mode & 0o077:
            raise KeyUnavailable(
                purpose,
                f"{path} may be used by others than its owner (mode {stat.S_IMODE(found.st_mode):04o}): "
                f"chmod 600 {path}, and replace the key if others can have read it",
            )
        return file.read(_MAX_BYTES)


def _generate(path: Path, random: Callable[[int], bytes]) -> None:
    """Write a new key so that it appears whole or not at all, once, however many processes start together."""
    folder = path.parent
    make_folder(folder)
    draft = folder / f".{path.name}.{os.getpid()}.{random(8).hex()}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(base64.b64encode(random(SECRET_BYTES)) + b"\n")
            file.flush()
            os.fsync(descriptor)
        # A hard link fails where the name is taken, which renaming does not: the first process wins.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    sync_folder(folder)
