"""What an application may have written with an error beyond the error itself. Off by default, masked, bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from types import FrameType
from typing import Final

from errorplane.errors import ERROR_LOCALS, ERROR_LOG_LINES, ErrorEvent, own_frames, writable
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._guard import GUARD
from errorplane.hooks._lines import last_lines

_VARIABLES: Final = 32
_FRAMES: Final = 5


def extras(attachment: Attachment, event: ErrorEvent) -> Mapping[str, tuple[str, ...]]:
    """Local variables and log lines, as far as the attachment wants them."""
    found: dict[str, tuple[str, ...]] = {}
    if attachment.locals and (variables := GUARD.run("locals", _variables, attachment.locals, event)):
        found[ERROR_LOCALS] = tuple(variables)
    if attachment.log_lines and (lines := GUARD.run("log_lines", last_lines, event.trace_id)):
        found[ERROR_LOG_LINES] = tuple(lines)
    return found


def _variables(allowed: tuple[str, ...], event: ErrorEvent) -> list[str]:
    from errorplane.masking import mask_locals  # which loads all detectors: not for applications without this

    lines: list[str] = []
    for place, frame in islice(own_frames(event.exception), _FRAMES):
        chosen = dict(islice(_chosen(allowed, frame), _VARIABLES - len(lines)))
        lines += [writable(f"{place} {name}={value}") for name, value in mask_locals(chosen).items()]
    return lines


def _chosen(allowed: tuple[str, ...], frame: FrameType) -> Iterator[tuple[str, object]]:
    for name, value in frame.f_locals.items():
        if any(fnmatchcase(name, pattern) for pattern in allowed):
            yield name, value
