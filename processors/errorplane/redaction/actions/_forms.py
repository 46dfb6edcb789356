"""What tokens look like: ``tok_<entity>_<kid>_<payload>``, ``hmac_<kid>_<payload>`` and ``enc_<kid>_<payload>``.

An entity stands there in lower case. A kid names a key: six characters of base32. Payloads are base32 in lower case
without padding (letters that survive case folding, URLs and selection by double click), those of ``enc_`` base64url.
"""

from __future__ import annotations

import base64
import re

KID = "[a-z2-7]{6}"
TOKEN = re.compile(rf"tok_(?P<entity>[a-z0-9_]{{1,64}}?)_(?P<kid>{KID})_(?P<payload>[a-z2-7]{{26,}})")
HMAC = re.compile(rf"hmac_(?P<kid>{KID})_(?P<payload>[a-z2-7]{{26}})(?![a-z2-7])")
SEALED = re.compile(rf"enc_(?P<kid>{KID})_(?P<payload>[A-Za-z0-9_-]{{64,}})")
ADDRESS = re.compile(rf"pfx_(?P<kid>{KID})_(?P<address>[0-9a-f.:]{{2,39}})")
_OWN = re.compile("|".join(re.sub(r"\?P<\w+>", "?:", form.pattern) for form in (TOKEN, HMAC, SEALED, ADDRESS)))


def is_output(value: str) -> bool:
    """Whether a whole value is what an action put there: a second pass leaves it as it is."""
    return _OWN.fullmatch(value) is not None


def to_bytes(value: str) -> bytes:
    """A value as bytes; half a pair of surrogates, as JSON may hold it, too."""
    return value.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """What ``to_bytes`` made bytes of. Raises ``ValueError`` for anything else."""
    return data.decode("utf-8", "surrogatepass")


def base32(data: bytes) -> str:
    """RFC 4648 base32 in lower case, without padding.

    >>> base32(b"hello")
    'nbswy3dp'
    """
    return base64.b32encode(data).rstrip(b"=").decode().lower()


def from_base32(text: str) -> bytes:
    """What ``base32`` wrote. Raises ``ValueError`` for anything that it does not write."""
    data = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    if base32(data) != text:
        raise ValueError("not base32 as written here")
    return data


def base64url(data: bytes) -> str:
    """RFC 4648 base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """What ``base64url`` wrote. Raises ``ValueError`` for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
