"""Sealing of journal records: zstd, then AES-256-GCM, bound to the place where the record is stored."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from errorplane.journal._errors import JournalCorrupt, WrongKey
from errorplane.keys import Key

_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2.2: random 96-bit nonces, at most 2^32 records a key
KEY_ID_BYTES = 4
_HEADER_BYTES = KEY_ID_BYTES + _NONCE_BYTES
_MAX_RECORD_BYTES = 1 << 30


class Sealer:
    """Compresses and encrypts records; safe to use from several threads.

    A sealed record is ``key id (4) | nonce (12) | AES-256-GCM(zstd(plain))``; the associated data is the place of the
    record (database and key), so that a record moved elsewhere does not open. Records that ``retired`` keys sealed are
    opened too.
    """

    def __init__(self, key: Key, retired: Sequence[Key] = (), random: Callable[[int], bytes] = os.urandom) -> None:
        self.key_id = bytes.fromhex(key.id)
        self._ciphers = {bytes.fromhex(each.id): AESGCM(each.secret) for each in (key, *retired)}
        self._cipher = self._ciphers[self.key_id]
        self._random = random
        self._local = threading.local()  # a zstd context shared by threads crashes the process

    def compress(self, plain: bytes) -> bytes:
        """Return ``plain`` compressed with zstd level 1; the slow half of sealing, done outside the writer thread."""
        compressor: zstandard.ZstdCompressor | None = getattr(self._local, "compressor", None)
        if compressor is None:
            compressor = self._local.compressor = zstandard.ZstdCompressor(level=1)
        return compressor.compress(plain)

    def seal(self, compressed: bytes, place: bytes) -> bytes:
        """Encrypt a compressed record for ``place``."""
        nonce = self._random(_NONCE_BYTES)
        return self.key_id + nonce + self._cipher.encrypt(nonce, compressed, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Return the plain record stored at ``place``; raises ``WrongKey`` or ``JournalCorrupt``."""
        cipher = self._ciphers.get(bytes(sealed[:KEY_ID_BYTES]))
        if cipher is None:
            raise WrongKey(sealed[:KEY_ID_BYTES].hex(), self.key_id.hex())
        nonce = sealed[KEY_ID_BYTES:_HEADER_BYTES]
        try:
            compressed = cipher.decrypt(nonce, sealed[_HEADER_BYTES:], place)
        except InvalidTag as error:
            raise JournalCorrupt(f"record {place!r} fails authentication: it was changed or moved on disk") from error
        decompressor: zstandard.ZstdDecompressor | None = getattr(self._local, "decompressor", None)
        if decompressor is None:
            decompressor = self._local.decompressor = zstandard.ZstdDecompressor()
        return decompressor.decompress(compressed, max_output_size=_MAX_RECORD_BYTES)
