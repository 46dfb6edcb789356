"""Decompression stops at its limit and says what is wrong."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errorplane.otlp import InvalidRequest, TooLarge
from errorplane.otlp._gunzip import gunzip

MIB = 1 << 20


def free(count: int) -> None:
    """Room without end."""


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
def test_members_are_joined(members: list[bytes]) -> None:
    """Several gzip members after one another are one body, as RFC 1952 says."""
    packed = b"".join(gzip.compress(member) for member in members)
    assert gunzip(packed, 10_000, free) == b"".join(members)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_the_limit_is_exact(size: int) -> None:
    """A body of exactly the limit passes, one byte more does not."""
    packed = gzip.compress(b"\0" * size, 1)
    assert len(gunzip(packed, size, free)) == size
    if size:
        with pytest.raises(TooLarge, match=f"larger than {size - 1} bytes"):
            gunzip(packed, size - 1, free)


@given(st.binary(min_size=1, max_size=500), st.data())
def test_every_cut_is_noticed(body: bytes, data: st.DataObject) -> None:
    """However much is missing at the end, the data is refused."""
    packed = gzip.compress(body)
    with pytest.raises(InvalidRequest, match="gzip"):
        gunzip(packed[: data.draw(st.integers(0, len(packed) - 1))], 1000, free)


def test_damage_is_noticed() -> None:
    """A wrong checksum and trailing rubbish are refused."""
    packed = bytearray(gzip.compress(b"hello"))
    with pytest.raises(InvalidRequest, match="damaged"):
        gunzip(bytes(packed) + b"rubbish", 1000, free)
    packed[-5] ^= 1
    with pytest.raises(InvalidRequest, match="damaged"):
        gunzip(bytes(packed), 1000, free)


def test_members_are_counted() -> None:
    """A body of very many empty members is refused early."""
    with pytest.raises(InvalidRequest, match="256 members"):
        gunzip(gzip.compress(b"") * 100_000, 1000, free)


def test_room_is_taken_before_memory() -> None:
    """The caller hears of each step before it is made and may stop it."""
    asked: list[int] = []

    def grow(count: int) -> None:
        asked.append(count)
        if len(asked) > 3:
            raise TooLarge("no room")

    with pytest.raises(TooLarge, match="no room"):
        gunzip(gzip.compress(b"\0" * (64 * MIB), 1), 128 * MIB, grow)
    assert asked == [MIB] * 4
