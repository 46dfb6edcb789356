"""A stream of bytes as lines, as they come, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

MAX_LINE = 32 << 20
"""Bytes in a line; a longer one is passed over and given as None."""
_CHUNK = 1 << 20


class Readable(Protocol):
    """A buffered binary stream."""

    def read1(self, size: int = ..., /) -> bytes:
        """What is there, at most ``size`` bytes; b"" at the end."""


class Lines:
    """The lines of a stream; ``bytes_read`` says how far it is."""

    def __init__(self, stream: Readable, longest: int = MAX_LINE) -> None:
        self.bytes_read = 0
        self._stream = stream
        self._longest = longest

    def batches(self) -> Iterator[list[bytes | None]]:
        r"""Lists of lines without ``\n`` or ``\r\n``; one for each reading, so that a live stream is not held up."""
        held: list[bytes] = []  # the beginning of a line that has not ended yet
        size = 0
        while chunk := self._stream.read1(_CHUNK):
            self.bytes_read += len(chunk)
            *whole, rest = chunk.split(b"\n")
            if whole:
                held.append(whole[0])
                size += len(whole[0])
                first = self._line(b"".join(held)) if size <= self._longest else None
                yield [first, *map(self._line, whole[1:])]
                held, size = [], 0
            size += len(rest)
            held = [] if size > self._longest else [*held, rest]
        if size:
            yield [self._line(b"".join(held)) if size <= self._longest else None]

    def _line(self, line: bytes) -> bytes | None:
        if len(line) > self._longest:
            return None
        return line[:-1] if line.endswith(b"\r") else line
