"""Sealed segments: compressed, encrypted frames under a key of the file's own.

    magic (8) | length of the identity (2) | identity, JSON | wrapped key: nonce (12), AES-256-GCM(32 bytes, 16 tag)
    then frames: length of what follows (4) | nonce (12) | AES-256-GCM(zstd(lines))

Numbers are big-endian. The wrapped key is bound to magic and identity, each frame to the file's random id and its own
number, so frames cannot be moved, repeated or left out in the middle. Deleting the file deletes its only key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from errorplane.keys import Key
from errorplane.otlp._append import AppendFile, read_at
from errorplane.otlp._errors import SegmentError

_MAGIC = b"EPSEG1\r\n"
_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2.2: random 96-bit nonces
_TAG_BYTES = 16
_KEY_BYTES = 32
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES
_LEVEL = 3
_MAX_IDENTITY_BYTES = 1024  # a class name of 200 characters, escaped, and the rest


@dataclass(frozen=True, slots=True)
class SegmentIdentity:
    """What a sealed segment says about itself in the clear."""

    retention_class: str
    day: str


@dataclass(frozen=True, slots=True)
class _Header:
    """The start of a sealed segment: the id of the key that wraps its own key, its random id, where frames begin."""

    key_id: str
    segment: bytes
    size: int
    bound: bytes
    wrapped: bytes

    def unwrap(self, key: Key) -> AESGCM:
        """The cipher of the frames; raises ``SegmentError`` if it takes another key."""
        try:
            own = AESGCM(key.secret).decrypt(self.wrapped[:_NONCE_BYTES], self.wrapped[_NONCE_BYTES:], self.bound)
        except InvalidTag:
            if key.id == self.key_id:
                raise SegmentError(f"its header is damaged, or key {key.id} is another one than it was") from None
            raise SegmentError(f"sealed with key {self.key_id}, but the key given is {key.id}") from None
        return AESGCM(own)


class SealedSegment:
    """Appends lines to ``<stem>.jsonl.enc``; if that was sealed with another key, to ``<stem>.<key id>.jsonl.enc``."""

    def __init__(self, stem: Path, identity: SegmentIdentity, key: Key, random: Callable[[int], bytes] = os.urandom):
        self._identity = identity
        self._key = key
        self._random = random
        self._cipher: AESGCM | None = None
        self._segment = b""
        self._frames = 0
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        path = stem.with_name(f"{stem.name}.jsonl.enc")
        with _naming(path):
            used = _key_id_of(path)
        if used not in (None, key.id):  # the key was changed in the course of the day
            path = stem.with_name(f"{stem.name}.{key.id}.jsonl.enc")
        self.file = AppendFile(path, self._examine, follow_symlinks=False)

    def append(self, line: bytes) -> None:
        """Write one frame and sync it; raises OSError and ``SegmentError``."""
        with _naming(self.file.path):
            start = b"" if self.file.open() else self._new_header()
        if self._cipher is None:
            raise SegmentError(f"{self.file.path}: has no key")
        nonce = self._random(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, self._compressor.compress(line), _place(self._segment, self._frames))
        self.file.append(start + (_NONCE_BYTES + len(sealed)).to_bytes(4, "big") + nonce + sealed)
        self._frames += 1

    def _new_header(self) -> bytes:
        own, self._segment = self._random(_KEY_BYTES), self._random(16)
        fields = {**asdict(self._identity), "key": self._key.id, "segment": self._segment.hex()}
        identity = json.dumps(fields).encode()
        bound = _MAGIC + len(identity).to_bytes(2, "big") + identity
        nonce = self._random(_NONCE_BYTES)
        self._cipher = AESGCM(own)
        self._frames = 0
        return bound + nonce + AESGCM(self._key.secret).encrypt(nonce, own, bound)

    def _examine(self, fd: int) -> int:
        """Find the key and the number of frames; returns how many bytes are whole.

        A crash spoils the end of the file only, since each frame is synced before the next is written. Raises
        ``SegmentError`` for damage before that: cutting it off would take what has been acknowledged with it.
        """
        header = _read_header(fd)
        if header is None:
            return 0
        self._cipher, self._segment = header.unwrap(self._key), header.segment
        places = list(_frame_places(fd, header.size))
        if places and _opened(fd, places[-1], self._cipher, _place(self._segment, len(places) - 1)) is None:
            if places[-1][1] < os.fstat(fd).st_size:
                raise SegmentError(f"frame {len(places) - 1} is damaged: move the file away")
            places.pop()
        self._frames = len(places)
        return places[-1][1] if places else header.size


def read_segment(path: Path, key: Key | None = None) -> Iterator[bytes]:
    """The OTLP JSON lines of a segment, without newlines; a last line or frame that is being written is left out.

    Raises OSError, and ``SegmentError`` if a sealed segment is damaged or ``key`` is not the one that it takes.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with _naming(path):
            # What a crash left of a plain file begins with NUL at worst.
            yield from _plain_lines(fd) if read_at(fd, 0, 1) in (b"{", b"\0") else _sealed_lines(fd, key)
    finally:
        os.close(fd)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the path in front of what is wrong with the file."""
    try:
        yield
    except SegmentError as error:
        raise SegmentError(f"{path}: {error}") from None


def _plain_lines(fd: int) -> Iterator[bytes]:
    with os.fdopen(os.dup(fd), "rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def _sealed_lines(fd: int, key: Key | None) -> Iterator[bytes]:
    header = _read_header(fd)
    if header is None:
        return
    if key is None:
        raise SegmentError(f"sealed with key {header.key_id}, and no key is given")
    cipher = header.unwrap(key)
    places = list(_frame_places(fd, header.size))
    for number, place in enumerate(places):
        lines = _opened(fd, place, cipher, _place(header.segment, number))
        if lines is None:
            if number == len(places) - 1 and place[1] >= os.fstat(fd).st_size:
                return  # torn by a crash; nobody was told that it was stored
            raise SegmentError(f"frame {number} is damaged")
        yield from lines.splitlines()


def _key_id_of(path: Path) -> str | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        header = _read_header(fd)
    finally:
        os.close(fd)
    return None if header is None else header.key_id


def _read_header(fd: int) -> _Header | None:
    """None if the header is not there completely, as after a crash; raises ``SegmentError`` if it is another file."""
    fixed = len(_MAGIC) + 2
    start = read_at(fd, 0, fixed + _MAX_IDENTITY_BYTES + _WRAPPED_BYTES)
    if not _MAGIC.startswith(start[: len(_MAGIC)]):
        raise SegmentError("is not a sealed segment")
    length = int.from_bytes(start[len(_MAGIC) : fixed], "big")
    if length > _MAX_IDENTITY_BYTES:
        raise SegmentError("its header is damaged")
    size = fixed + length
    if len(start) < fixed or len(start) < size + _WRAPPED_BYTES:
        return None
    try:
        identity = json.loads(start[fixed:size])
        key_id, segment = str(identity["key"]), bytes.fromhex(identity["segment"])
    except (ValueError, KeyError, TypeError):
        raise SegmentError("its header is damaged") from None
    return _Header(key_id, segment, size + _WRAPPED_BYTES, start[:size], start[size : size + _WRAPPED_BYTES])


def _frame_places(fd: int, start: int) -> Iterator[tuple[int, int]]:
    """Start and end of each frame that is there in full length, length field included."""
    end_of_file = os.fstat(fd).st_size
    while True:
        length = int.from_bytes(read_at(fd, start, 4), "big")
        end = start + 4 + length
        if length < _NONCE_BYTES + _TAG_BYTES or end > end_of_file:
            return
        yield start, end
        start = end


def _opened(fd: int, place: tuple[int, int], cipher: AESGCM, bound: bytes) -> bytes | None:
    """The lines of a frame; None if it does not authenticate."""
    frame = read_at(fd, place[0] + 4, place[1] - place[0] - 4)
    try:
        packed = cipher.decrypt(frame[:_NONCE_BYTES], frame[_NONCE_BYTES:], bound)
    except InvalidTag:
        return None
    return zstandard.ZstdDecompressor().decompress(packed)


def _place(segment: bytes, number: int) -> bytes:
    return segment + number.to_bytes(8, "big")
