"""US social security numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS, assert_found, spans, wide

PLACES = ("{}", "ssn {}", "{} aged 42", "2026-11-24 {}", '{{"ssn":"{}"}}', "x={}&y", "42 {},7", "\t{}\n")


def _issued(area: int, group: int, serial: int) -> bool:
    """The rules of the Social Security Administration since 2011."""
    return area not in (0, 666) and area < 900 and group != 0 and serial != 0


@given(st.integers(0, 999), st.integers(0, 99), st.integers(0, 9999), st.sampled_from(PLACES))
@settings(max_examples=300)
def test_area_group_and_serial(area: int, group: int, serial: int, place: str) -> None:
    """A number in dashed groups is found exactly if it can have been issued."""
    number = f"{area:03d}-{group:02d}-{serial:04d}"
    found = [part for entity, part in spans(place.format(number)) if entity == "US_SSN"]
    assert found == ([number] if _issued(area, group, serial) else [])


def test_every_area_and_every_group() -> None:
    """No area and no group is missed, whatever zeros are in it."""
    for area in range(1000):
        assert bool(spans(f"{area:03d}-10-1203")) == _issued(area, 10, 1203)
    for group in range(100):
        assert bool(spans(f"412-{group:02d}-1203")) == _issued(412, group, 1203)


@given(st.integers(1, 899).filter(lambda area: area != 666), st.integers(1, 99), st.integers(1, 9999))
@settings(max_examples=200)
def test_without_groups(area: int, group: int, serial: int) -> None:
    """Nine digits in one piece count only where a word or the attribute's key says so."""
    number = f"{area:03d}{group:02d}{serial:04d}"
    assert spans(f"ssn: {number}") == [("US_SSN", number)]
    assert spans(f"Social Security Number {number}") == [("US_SSN", number)]
    assert spans(number, "user.ssn") == [("US_SSN", number)]
    assert spans(f"order {number}") == []


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_encoded(encoder: str) -> None:
    """With spaces, quotes and a colon around it, in any encoding, the number is found."""
    for number in ("536-90-4399", "536 90 4399"):
        text = ENCODERS[encoder](f'{{"no":"{number}"}}')
        assert [entity for entity, _ in spans(text)] == ["US_SSN"]
        assert ENCODERS[encoder](number) == spans(text)[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "«536-90-4399»",
        "«536 90 4399»",
        "10:00:00 «536-90-4399» 17",
        "ssn «536.90.4399»",
        "q=SocialSecurityNumber%3A«+357429583»&page=2",  # +357 is Cyprus as well
        "it is «536.90.4399».",
        "SSN-«536-90-4399»",
        "id: «536-90-4399»",
        "社会保障«536-90-4399»号",
        f"«{wide('536-90-4399')}»",
        "«536\u201390\u20134399»",
        "a,«536-90-4399»,b,«219-09-9999»",
    ],
)
def test_found(text: str) -> None:
    """Beside times and numbers, in other scripts, with other dashes, and twice."""
    assert_found("US_SSN", text)


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "2536-90-4399",
        "536-90-43991",
        "1-536-90-4399",
        "536-90-4399-1",
        "12 536 90 4399",
        "536-90 4399",
        "x536-90-4399",
        "550e8400-e29b-41d4-a716-446655440000",
        "24-11-2026",
        "2026-11-24",
        "session 123456789",
        "ssn: 000123456",
        "ABC-123-45-6789",
        "123-45-6789-X",
        "order 123-45-6789",
        "sku: 123-45-6789",
        '"GET / HTTP/1.1" 200 12 3456',
    ],
)
def test_not_found(text: str) -> None:
    """Numbers never issued, parts of longer numbers and codes, numbers of orders, UUIDs, dates and plain nine digits."""
    assert "US_SSN" not in [entity for entity, _ in spans(text)]
