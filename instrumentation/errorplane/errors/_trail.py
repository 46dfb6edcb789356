"""What two errors must share to be one: the trail that a live exception and its printed text both yield."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

from errorplane.errors._message import words_of

FINGERPRINT_VERSION: Final = "v1"
HEADER: Final = "Traceback (most recent call last):\n"
CAUSE: Final = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT: Final = "\nDuring handling of the above exception, another exception occurred:\n\n"
CAUSES: Final = 10
"""Explicit causes that count, from the outermost on."""
LEAVES: Final = 32
"""Members of exception groups that count, in the order in which they are printed."""


class Step(NamedTuple):
    """One exception: its type, and `stem:function` of the frame that stands for it, if it has frames."""

    type: str
    place: str | None

    def __str__(self) -> str:
        return f"{self.type}@{self.place or ''}"


class Trail(NamedTuple):
    """An exception, its explicit causes, and the leaves of it when it is a group."""

    error: Step
    causes: tuple[Step, ...] = ()
    leaves: tuple[Step, ...] = ()
    worded: bool = False
    """The place is that of more than one piece of code, such as "an anonymous function": the message counts too."""


def common_type(name: str) -> str:
    """One spelling of a type for live exceptions, which say `__main__.X`, and printed ones, which say `X`."""
    return name.removeprefix("__main__.").removeprefix("<unknown>.")


def digest(trail: Trail, message: str) -> str:
    """The fingerprint: version, colon, 16 hex digits.

    The message counts only where no frame says in which piece of code it happened.
    """
    parts = [FINGERPRINT_VERSION, str(trail.error)]
    parts += [f"cause {cause}" for cause in trail.causes]
    parts += sorted({f"leaf {leaf}" for leaf in trail.leaves})  # tasks fail in any order
    if trail.worded or (trail.error.place is None and not trail.leaves):
        parts.append(f"message {words_of(message)}")
    hashed = blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{FINGERPRINT_VERSION}:{hashed.hexdigest()}"
