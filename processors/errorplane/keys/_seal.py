"""Sealing to a public key: whoever seals cannot open, only the holder of the private key can.

HPKE (RFC 9180) in base mode, single-shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. What is sealed
is the encapsulated key (32 bytes), the ciphertext and its tag (16 bytes), in this order.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from errorplane.disk import make_folder, sync_folder

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
_INFO = b"errorplane seal v1\x00"
_MAX_BYTES = 65536
PRIVATE_NAME, PUBLIC_NAME = "seal.key.pem", "seal.pub.pem"


class SealError(Exception):
    """A key for sealing that cannot be used, or something that it does not open; says what to do."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals to one public key. ``id`` names the key: 6 characters of base32."""

    id: str
    _key: X25519PublicKey = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The public key in a PEM file. Raises ``SealError``."""
        try:
            key = load_pem_public_key(_read(path))
        except ValueError:
            raise SealError(f"{path} does not hold a public key in PEM: errorplane keygen makes a pair") from None
        if not isinstance(key, X25519PublicKey):
            raise SealError(f"{path} holds a public key of another kind than X25519: errorplane keygen makes a pair")
        return cls(_id(key), key)

    def seal(self, plain: bytes, label: bytes) -> bytes:
        """``plain`` for the holder of the private key; ``label`` says what for, and is needed to open it."""
        return _SUITE.encrypt(plain, self._key, info=_INFO + label)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens what was sealed to the public key of the same ``id``."""

    id: str
    _key: X25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The private key in a PEM file without a password. Raises ``SealError``."""
        try:
            key = load_pem_private_key(_read(path), password=None)
        except (ValueError, TypeError):
            raise SealError(f"{path} does not hold a private key in PEM without a password") from None
        if not isinstance(key, X25519PrivateKey):
            raise SealError(f"{path} holds a private key of another kind than X25519")
        return cls(_id(key.public_key()), key)

    def open(self, sealed: bytes, label: bytes) -> bytes:
        """What was sealed with this label. Raises ``SealError`` when it is damaged or of another key."""
        try:
            return _SUITE.decrypt(sealed, self._key, info=_INFO + label)
        except (InvalidTag, ValueError):
            raise SealError("is damaged, or was sealed to another key") from None


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Make a pair in ``folder``: the private key with mode 0600, and the public one. Raises ``SealError``.

    Nothing is overwritten.
    """
    private = X25519PrivateKey.generate()
    public_pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private_pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    paths = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    taken = next((path for path in paths if path.exists()), None)
    if taken is not None:
        raise SealError(f"{taken} exists already: what was sealed to that key needs it; name another folder")
    try:
        make_folder(folder)
        _write(paths[0], private_pem, 0o600)
        _write(paths[1], public_pem, 0o644)
        sync_folder(folder)
    except OSError as error:
        raise SealError(f"{folder} cannot be written: {error.strerror}") from None
    return paths


def key_id(key: bytes) -> str:
    """The name of a key in what is made with it: the first 6 characters of the base32 of its SHA-256, in lower case."""
    return base64.b32encode(hashlib.sha256(key).digest())[:6].decode().lower()


def _id(key: X25519PublicKey) -> str:
    return key_id(key.public_bytes_raw())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise SealError(f"{path} cannot be read: {error.strerror}") from None


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
