"""Addresses encrypted so that prefixes stay: two of one network come out in one network, whatever its size.

ipcrypt-pfx of draft-denis-ipcrypt ("Methods for IP Address Encryption and Obfuscation", section "Prefix-Preserving
Encryption"). Bit i of the result is bit i of the address, XOR the last bit of AES-128(K1, P) XOR AES-128(K2, P), where P
is the prefix of i bits of the 128-bit address, padded with a one before it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from errorplane.keys import key_id

_BLOCK = 16
_MAPPED = 0xFFFF << 32  # ::ffff:0:0/96, where IPv4 stands in 128 bits


@dataclass(frozen=True, slots=True, init=False)
class PrefixCipher:
    """One key of 32 bytes; ``id`` names it."""

    id: str
    _halves: tuple[Cipher[modes.ECB], Cipher[modes.ECB]] = field(repr=False)

    def __init__(self, key: bytes) -> None:
        object.__setattr__(self, "id", key_id(key))
        halves = (Cipher(algorithms.AES128(half), modes.ECB()) for half in (key[:_BLOCK], key[_BLOCK:]))
        object.__setattr__(self, "_halves", tuple(halves))

    def encrypt(
        self, address: ipaddress.IPv4Address | ipaddress.IPv6Address
    ) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """The address that stands for this one."""
        four = address.version == 4  # versions of IP are numbers by name
        whole = int(address) | (_MAPPED if four else 0)
        first = 96 if four else 0
        # All prefixes are known before, so that one call of AES takes them together.
        blocks = b"".join(_padded(whole, length) for length in range(first, 128))
        one, two = (half.encryptor().update(blocks) for half in self._halves)
        mask = 0
        for last in range(_BLOCK - 1, len(blocks), _BLOCK):
            mask = mask << 1 | ((one[last] ^ two[last]) & 1)
        return type(address)(int(address) ^ mask)


def _padded(whole: int, length: int) -> bytes:
    """The first ``length`` bits of 128, right-aligned, after a one."""
    return (1 << length | whole >> (128 - length)).to_bytes(_BLOCK, "big")
