"""What needs a key: reversible tokens, keyed hashes and prefix-preserving addresses, each domain with keys of its own.

Token: AES-SIV (RFC 5297) with a key of 512 bits, the entity as associated data: deterministic, and authentic, so that
a damaged token is told from a good one. Hash: HMAC-SHA256 (FIPS 198-1), truncated to 128 bits. Each key is derived
from the secret of its purpose by HKDF-SHA256 (RFC 5869), use and domain in ``info``: who holds the tokens of two
domains cannot join them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from errorplane.keys import Key, KeyProvider, key_id
from errorplane.redaction.actions._forms import base32, from_base32, to_bytes, to_text
from errorplane.redaction.actions._pfx import PrefixCipher

DIGEST_BYTES = 16
_TAG_BYTES = 16
_MOST_GLUED = 64


@dataclass(frozen=True, slots=True)
class TokenKey:
    """Makes and opens the tokens of one domain. ``id`` is the kid that stands in them."""

    id: str
    _cipher: AESSIV = field(repr=False)

    @classmethod
    def derive(cls, key: Key, domain: str) -> TokenKey:
        """The key of a domain."""
        derived = _derive(key, "token", domain, 64)
        return cls(key_id(derived), AESSIV(derived))

    def token(self, entity: str, value: str) -> str:
        """The token of a value."""
        sealed = self._cipher.encrypt(to_bytes(value), [entity.encode()])
        return f"tok_{entity.lower()}_{self.id}_{base32(sealed)}"

    def open(self, entity: str, payload: str) -> str:
        """The value of a payload of ``[a-z2-7]+``. Raises ``ValueError`` when it is damaged or of another key."""
        sealed = from_base32(payload)
        if len(sealed) <= _TAG_BYTES:
            raise ValueError("too short")
        try:
            return to_text(self._cipher.decrypt(sealed, [entity.encode()]))
        except InvalidTag:
            raise ValueError("damaged, or of another key") from None

    def find(self, text: str, floor: int, at: int) -> Opened | None:
        """The token of this key, not before ``floor``, whose ``_<kid>_`` is at ``at``; None if none opens.

        What follows may be letters of base32 themselves, and so may a name hold ``tok_``: the longest payload that
        opens is taken, up to 64 characters shorter than what stands there, under the shortest name.
        """
        first, last = at + len(self.id) + 2, self.payload_end(text, at)
        for start in _starts(text, floor, at):
            entity = text[start + 4 : at].upper()
            for end in range(last, max(first, last - _MOST_GLUED), -1):
                try:
                    return Opened(start, end, entity, self.open(entity, text[first:end]))
                except ValueError:
                    continue
        return None

    def payload_end(self, text: str, at: int) -> int:
        """Where the letters end that may be the payload of the token whose ``_<kid>_`` is at ``at``."""
        run = _PAYLOAD.match(text, at + len(self.id) + 2)
        assert run is not None  # it matches nothing too
        return run.end()


@dataclass(frozen=True, slots=True)
class Opened:
    """A token in a text: ``text[start:end]``, and what it stands for."""

    start: int
    end: int
    entity: str
    value: str = field(repr=False)


_PAYLOAD = re.compile("[a-z2-7]*")
_NAME = re.compile(r"[a-z0-9_]+\Z")
_START = re.compile(r"(?=tok_[a-z0-9])")
_LONGEST_HEAD = len("tok_") + 64


def _starts(text: str, floor: int, end: int) -> list[int]:
    """Where a token may begin whose entity ends at ``end``, the nearest first."""
    head = text[max(floor, end - _LONGEST_HEAD) : end]
    name = _NAME.search(head)
    if name is None:
        return []
    return [end - len(head) + match.start() for match in _START.finditer(head, name.start())][::-1]


@dataclass(frozen=True, slots=True)
class HashKey:
    """Hashes the values of one domain; nobody turns them back."""

    id: str
    _secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, key: Key, domain: str) -> HashKey:
        """The key of a domain."""
        derived = _derive(key, "hmac", domain, 32)
        return cls(key_id(derived), derived)

    def hash(self, entity: str, value: str) -> str:
        """``hmac_<kid>_<base32>`` over entity, NUL and value."""
        message = entity.encode() + b"\x00" + to_bytes(value)
        return f"hmac_{self.id}_{base32(hmac.digest(self._secret, message, hashlib.sha256)[:DIGEST_BYTES])}"


class Keyring:
    """The keys of all domains, derived when wanted; safe to share between threads. Raises ``KeyUnavailable``."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    def tokens(self, domain: str) -> TokenKey:
        """The key of a domain's tokens."""
        return TokenKey.derive(self._keys.key("tokens"), domain)

    def hashes(self, domain: str) -> HashKey:
        """The key of a domain's hashes."""
        return HashKey.derive(self._keys.key("tokens"), domain)

    def addresses(self, domain: str) -> PrefixCipher:
        """The key of a domain's addresses."""
        return PrefixCipher(_derive(self._keys.key("tokens"), "address", domain, 32))

    def journal(self) -> TokenKey:
        """The key of the tokens that only the journal holds."""
        return TokenKey.derive(self._keys.key("journal"), "journal")

    def retired_journal(self) -> tuple[TokenKey, ...]:
        """The keys of such tokens that were made before the journal's key was changed."""
        return tuple(TokenKey.derive(key, "journal") for key in self._keys.retired("journal"))


def _derive(key: Key, use: str, domain: str, length: int) -> bytes:
    info = b"errorplane " + use.encode() + b" v1\x00" + domain.encode()
    return HKDF(SHA256(), length, salt=None, info=info).derive(key.secret)
