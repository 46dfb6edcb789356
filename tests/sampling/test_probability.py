"""Thresholds and trace states of the OpenTelemetry specification of probability sampling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errorplane.sampling import (
    chance,
    erased,
    explicit_randomness,
    format_threshold,
    parse_threshold,
    raised,
    randomness,
    rejection_threshold,
)

ALL = 1 << 56
MOST = ALL - 1


@pytest.mark.parametrize(
    ("one_in", "threshold"),
    [
        (1, "0"),
        (2, "8"),
        (3, "aaab"),
        (5, "cccd"),
        (8, "e"),
        (10, "e666"),
        (16, "f"),
        (100, "fd70a"),
        (1_000, "ffbe77"),
        (10_000, "fff9724"),
        (100_000, "ffff583a"),
        (1_000_000, "ffffef39"),
    ],
)
def test_thresholds_are_those_of_the_specifications_table(one_in: int, threshold: str) -> None:
    """With four digits of precision, 1 in N gives the digits that the specification lists."""
    assert format_threshold(rejection_threshold(1 / one_in)) == threshold


def test_nothing_is_kept_by_a_chance_of_zero() -> None:
    """No randomness reaches the threshold of zero; some reaches that of the least chance there is."""
    assert rejection_threshold(0.0) > MOST
    assert rejection_threshold(2.0**-56) == MOST
    assert rejection_threshold(1e-300) == MOST


@given(st.floats(2.0**-50, 1.0))
def test_a_threshold_is_what_its_text_says(probability: float) -> None:
    """Written and read it is the same, in 14 digits at most, and its chance is the one asked for."""
    threshold = rejection_threshold(probability)
    text = format_threshold(threshold)
    assert 1 <= len(text) <= 14
    assert parse_threshold(text) == threshold
    assert chance(threshold) == pytest.approx(probability, rel=1e-3)


@pytest.mark.parametrize("text", ["", "g", "0x8", "8 ", "123456789abcdef"])
def test_what_is_no_threshold_is_not_read(text: str) -> None:
    """Only 1 to 14 hexadecimal digits are a threshold."""
    assert parse_threshold(text) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", "ot=th:c"),
        ("ot=th:8", "ot=th:c"),
        ("ot=th:c", "ot=th:c"),
        ("ot=th:d", "ot=th:d"),
        ("ot=th:D", "ot=th:D"),
        ("ot=th:0;rv:e0000000000000", "ot=rv:e0000000000000;th:c"),
        ("dd=s:1,rojo=00f0", "ot=th:c,dd=s:1,rojo=00f0"),
        ("rojo=00f0 , ot=p:8;th:8 ,dd=s:1", "ot=p:8;th:c,rojo=00f0,dd=s:1"),
        ("tenant@ot=th:1", "ot=th:c,tenant@ot=th:1"),
        # Not passed, or not to be read: nobody knows with which chance the span came this far.
        ("ot=th:f", ""),
        ("ot=p:1;th:f,dd=s:1", "ot=p:1,dd=s:1"),
        ("ot=th:xyz", ""),
    ],
)
def test_a_threshold_is_only_raised(state: str, expected: str) -> None:
    """The higher one stays, what others wrote stays, and one that is impossible is erased."""
    assert raised(state, 0xC << 52, random=0xE << 52) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", ""),
        ("ot=th:8", ""),
        ("ot=th:8;rv:e0000000000000", "ot=rv:e0000000000000"),
        ("a=1,ot=th:8,b=2", "a=1,b=2"),
        ("a=1,b=2", "a=1,b=2"),
    ],
)
def test_erasing_leaves_everything_else(state: str, expected: str) -> None:
    """Only ``th`` goes; randomness and other entries stay."""
    assert erased(state) == expected


def test_an_entry_never_gets_longer_than_256_characters() -> None:
    """Where the threshold finds no room none is told, not even the one that is too low now."""
    filler = "x" * 240
    assert raised(f"ot=k:{filler}", 0xFD70A << 36, MOST) == f"ot=k:{filler};th:fd70a"
    full = "x" * 252
    assert raised(f"ot=k:{full}", 0xFD70A << 36, MOST) == f"ot=k:{full}"
    assert raised(f"ot=th:8;k:{'x' * 247}", 0xFD70A << 36, MOST) == f"ot=k:{'x' * 247}"


def test_beyond_32_entries_the_rightmost_goes() -> None:
    """W3C allows 32 entries; ours goes to the left."""
    others = [f"v{number}=1" for number in range(32)]
    assert raised(",".join(others), 0, MOST).split(",") == ["ot=th:0", *others[:31]]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("ot=rv:00000000000001", 1),
        ("a=1,ot=th:8;rv:ffffffffffffff", MOST),
        ("ot=rv:1", None),
        ("a=rv:00000000000001", None),
        ("ot=th:8", None),
    ],
)
def test_explicit_randomness_is_read(state: str, expected: int | None) -> None:
    """``rv`` has exactly 14 digits and stands in the entry of OpenTelemetry."""
    assert explicit_randomness(state) == expected


def test_explicit_randomness_wins_over_the_trace_id() -> None:
    """Without ``rv`` the rightmost seven bytes of the trace id are the randomness."""
    trace_id = bytes(range(16))
    assert randomness(trace_id) == int.from_bytes(trace_id[9:], "big")
    assert randomness(trace_id, 7) == 7


@given(st.text("abo=,;:tv \t0f", max_size=60), st.integers(0, MOST), st.integers(0, MOST))
def test_any_trace_state_gives_one_with_the_same_other_entries(state: str, threshold: int, random: int) -> None:
    """However broken it is: others' entries stay in their order, and a threshold told is at least ours."""
    threshold, random = min(threshold, random), max(threshold, random)
    merged = raised(state, threshold, random)

    def others(text: str) -> list[str]:
        members = [member.strip(" \t") for member in text.split(",")]
        return [member for member in members if member.partition("=")[0] not in ("ot", "")]

    assert others(merged) == others(state)
    entries = [member[3:] for member in merged.split(",") if member.startswith("ot=")]
    told = [pair.removeprefix("th:") for entry in entries for pair in entry.split(";") if pair.startswith("th:")]
    assert all((parse_threshold(each) or 0) >= threshold for each in told)
