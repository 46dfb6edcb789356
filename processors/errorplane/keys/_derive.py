"""From the 32 bytes of a source to the key of one purpose."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from errorplane.keys._key import Key

SECRET_BYTES = 32
_INFO = b"errorplane key v1\x00"
_ID_LABEL = b"errorplane key id v1\x00"


def derive(secret: bytes, purpose: str) -> Key:
    """The key of ``purpose``: HKDF-SHA256 (RFC 5869) of the source's secret, the purpose in ``info``.

    So two purposes never share a key, even where they share a source. The id is a labelled hash of the derived key:
    it tells keys apart and says nothing of use about them.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    derived = HKDF(SHA256(), SECRET_BYTES, salt=None, info=_INFO + purpose.encode()).derive(secret)
    return Key(id=hashlib.sha256(_ID_LABEL + derived).hexdigest()[:8], secret=derived)


def decode_secret(text: bytes) -> bytes:
    """32 bytes written in hex or base64 (either alphabet, padded or not), white space around allowed.

    Raises ``ValueError`` without the text.
    """
    line = text.strip()
    if re.fullmatch(rb"[0-9A-Fa-f]{64}", line):
        return bytes.fromhex(line.decode())
    if not re.fullmatch(rb"[A-Za-z0-9+/_-]{43}=?", line):
        raise ValueError("not 32 bytes in base64 or hex")
    padded = line.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/")) + b"="
    try:
        return base64.b64decode(padded, validate=True)
    except binascii.Error:
        raise ValueError("not 32 bytes in base64 or hex") from None
