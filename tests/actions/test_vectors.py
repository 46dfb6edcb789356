"""The primitives against the vectors of their standards."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from tests.actions.parts import FixedKeys

from errorplane.redaction.actions import Keyring
from errorplane.redaction.actions._forms import from_base32
from errorplane.redaction.actions._keyed import DIGEST_BYTES, HashKey, TokenKey
from errorplane.redaction.actions._pfx import PrefixCipher

PFX_KEY = "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301"


def test_the_library_passes_rfc_5297_a1() -> None:
    """RFC 5297 A.1: one piece of associated data."""
    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    associated = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
    plain = bytes.fromhex("112233445566778899aabbccddee")
    sealed = "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"
    assert AESSIV(key).encrypt(plain, [associated]).hex() == sealed


def test_the_library_passes_rfc_5297_a2() -> None:
    """RFC 5297 A.2: three pieces of associated data, the last one a nonce."""
    key = bytes.fromhex("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f")
    associated = [
        bytes.fromhex("00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100"),
        bytes.fromhex("102030405060708090a0"),
        bytes.fromhex("09f911029d74e35bd84156c5635688c0"),
    ]
    plain = bytes.fromhex(
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553"
    )
    sealed = (
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829"
        "ea64ad544a272e9c485b62a3fd5c0d"
    )
    assert AESSIV(key).encrypt(plain, associated).hex() == sealed


def test_a_token_is_aes_siv_over_the_value_under_its_entity() -> None:
    """The payload of a token is RFC 5297 over the value's UTF-8 with the entity as associated data, in base32."""
    cipher = AESSIV(bytes(range(64)))
    token = TokenKey("aaaaaa", cipher).token("EMAIL_ADDRESS", "bob@example.com")
    assert token.startswith("tok_email_address_aaaaaa_")
    assert from_base32(token.rpartition("_")[2]) == cipher.encrypt(b"bob@example.com", [b"EMAIL_ADDRESS"])


def test_hashes_are_truncated_hmac_sha256() -> None:
    """A hash is the first 128 bits of HMAC-SHA256, here the one of RFC 4231, test case 2 (FIPS 198-1)."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac.digest(b"Jefe", b"what do ya want for nothing?", hashlib.sha256).hex() == expected
    said = HashKey("aaaaaa", b"Jefe").hash("E", "v")
    assert from_base32(said.rpartition("_")[2]) == hmac.digest(b"Jefe", b"E\x00v", hashlib.sha256)[:DIGEST_BYTES]


@pytest.mark.parametrize(
    ("address", "encrypted"),
    [
        ("0.0.0.0", "151.82.155.134"),
        ("255.255.255.255", "94.185.169.89"),
        ("192.0.2.1", "100.115.72.131"),
        ("2001:db8::1", "c180:5dd4:2587:3524:30ab:fa65:6ab6:f88"),
        ("2001:db8::2", "c180:5dd4:2587:3524:30ab:fa65:6ab6:f8a"),
        ("2001:db8:1234:5678:9abc:def0:1234:5678", "c180:5dd4:3f39:5792:2334:a348:e913:4af5"),
    ],
)
def test_addresses_are_those_of_ipcrypt_pfx(address: str, encrypted: str) -> None:
    """Prefix-preserving encryption gives the results of the draft's test vectors."""
    cipher = PrefixCipher(bytes.fromhex(PFX_KEY))
    assert str(cipher.encrypt(ipaddress.ip_address(address))) == encrypted


def test_each_use_and_domain_has_its_own_key() -> None:
    """No two kids are equal: of domains, of hash and token, of the journal's tokens and those of a domain so named."""
    ring = Keyring(FixedKeys(journal=3))
    kids = [
        ring.journal().id,
        *(ring.tokens(name).id for name in ("all", "a", "journal")),
        *(ring.hashes(name).id for name in ("all", "a")),
        ring.addresses("all").id,
    ]
    assert len(set(kids)) == len(kids)


def test_nothing_shows_a_key() -> None:
    """Neither keys nor what they opened stand in a printed form."""
    ring = Keyring(FixedKeys())
    key = ring.tokens("all")
    token = key.token("EMAIL_ADDRESS", "bob@example.com")
    opened = key.find(token, 0, token.index(f"_{key.id}_"))
    shown = repr((key, ring.hashes("all"), ring.addresses("all"), opened))
    assert "bob@example.com" not in shown
    assert "b'" not in shown
    assert "0x" not in shown
