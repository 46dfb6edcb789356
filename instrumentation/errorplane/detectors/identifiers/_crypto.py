"""Addresses of cryptocurrencies: Bitcoin, Litecoin (base58check of the former, bech32, bech32m), Ethereum (EIP-55)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from errorplane.detectors._lazy import Gates, lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._topics import gates
from errorplane.detectors.identifiers._contextual import after_words, bounded, every, speaks_of
from errorplane.detectors.identifiers._keccak import keccak_256
from errorplane.detectors.text._words import LONG, words

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {char: value for value, char in enumerate(_BASE58)}
_VERSIONS = (0x00, 0x05)  # addresses that begin with 1 and 3; other coins' begin with letters, as many words do
# One of its first letters is no hexadecimal digit (of all but one in 200,000): hashes need no look.
_LEGACY = lazy(
    r"(?<![0-9A-Za-z/+_-])[13](?=[1-9A-Fa-f]{0,11}[G-HJ-NP-Zg-km-z])[1-9A-HJ-NP-Za-km-z]{25,33}(?![0-9A-Za-z/+=_-])"
)
_SEGWIT = lazy(r"(?<![0-9a-z])(?:bc|ltc)1[02-9ac-hj-np-z]{38,71}(?![0-9a-z])")
_BECH32 = {char: value for value, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_CONST, _BECH32M_CONST = 1, 0x2BC830A3
_ETHEREUM = lazy(r"(?<![0-9A-Za-z])0x[0-9A-Fa-f]{40}(?![0-9A-Za-z])")
_ANY_ETHEREUM = bounded(r"0x[0-9a-f]{40}")
_MAX_HASHED = 8
"""So many checksums of Ethereum are computed for one text (each takes 0.3 ms); further addresses count without."""
_TOPICS = frozenset(("crypto",))


def is_base58check(address: str) -> bool:
    """Bitcoin wiki, "Base58Check encoding": a version, twenty bytes, four of SHA-256 twice.

    >>> is_base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"), is_base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb")
    (True, False)
    """
    number = 0
    for char in address:
        number = number * 58 + _VALUES[char]
    if number >> 200:
        return False
    data = number.to_bytes(25, "big")
    check = hashlib.sha256(hashlib.sha256(data[:21]).digest()).digest()
    return data[0] in _VERSIONS and check[:4] == data[21:]


def is_bech32(address: str) -> bool:
    """BIP 173 and BIP 350: the checksum over the prefix and the data, of either constant.

    >>> is_bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    True
    """
    prefix, _, data = address.rpartition("1")
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    check = 1
    for value in (*values, *(_BECH32[char] for char in data)):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= generator
    return check in (_BECH32_CONST, _BECH32M_CONST)


def is_eip55(address: str) -> bool:
    """EIP-55: a letter is a capital where the same digit of the Keccak-256 of the address in lower case is 8 or more.

    >>> is_eip55("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), is_eip55("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD")
    (True, False)
    """
    digits = address[2:]
    digest = keccak_256(digits.lower().encode()).hex()
    return all(
        not char.isalpha() or char.isupper() == (nibble >= "8") for char, nibble in zip(digits, digest, strict=False)
    )


def _find(subject: Subject) -> Iterator[Finding]:
    text, low = subject.text, subject.low
    for match in _LEGACY.finditer(text):
        if "\0" not in low[slice(*match.span())] and is_base58check(match[0]):
            yield Finding("CRYPTO", *match.span(), 1.0, "base58check")
    if "bc1" in low or "ltc1" in low:
        for match in _SEGWIT.finditer(low):
            if is_bech32(match[0]):
                yield Finding("CRYPTO", *match.span(), 1.0, "bech32")
    if "0x" in low:
        hashed = 0
        for match in _ETHEREUM.finditer(text):
            digits = match[0][2:]
            if digits.lower() == digits or digits.upper() == digits:
                continue
            hashed += 1
            if hashed > _MAX_HASHED or is_eip55(match[0]):
                yield Finding("CRYPTO", *match.span(), 1.0, "checksum in mixed case")
        if speaks_of(subject, _TOPICS):
            for start, end in after_words(subject, _TOPICS, _ANY_ETHEREUM, every):
                yield Finding(
                    "CRYPTO", start, end, 0.8, "forty hexadecimal digits after a word or under a key that says so"
                )


CRYPTO = Detector(
    "CRYPTO",
    Gates(
        lambda: (
            rb"[13][1-9A-HJ-NP-Za-km-z]{25}",
            rb"(?i)(?:bc|ltc)1[02-9ac-hj-np-z]{12}",
            rb"0[xX](?:[0-9]*[a-f][0-9a-f]*[A-F]|[0-9]*[A-F][0-9A-F]*[a-f])",
            *gates("crypto"),
        )
    ),
    _find,
    words=words(LONG),
)
