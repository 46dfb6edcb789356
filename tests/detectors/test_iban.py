"""International bank account numbers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import BBANS, ENCODERS, assert_found, iban, in_groups, spans, wide

SEEDS = st.integers(0, 2**32)
COUNTRIES = st.sampled_from(sorted(BBANS))


@pytest.mark.parametrize("country", sorted(BBANS))
def test_every_country_of_the_registry(country: str) -> None:
    """A number of each country is found: in one piece, in groups, with dashes, in lower case, and inside a sentence."""
    rnd = random.Random(country)
    for _ in range(5):
        number = iban(rnd, country)
        for form in (
            number,
            in_groups(number, " "),
            in_groups(number, "-"),
            number.lower(),
            in_groups(number.lower(), " "),
        ):
            for text in (form, f"IBAN {form}, please", f'{{"iban":"{form}"}}', f"?iban={form}&x=1", f"an {form}"):
                assert spans(text) == [("IBAN_CODE", form)]


@given(COUNTRIES, SEEDS, st.integers(1, 96))
@settings(max_examples=300)
def test_wrong_check_digits(country: str, seed: int, off: int) -> None:
    """With any other check digits it is no account number."""
    number = iban(random.Random(seed), country)
    wrong = f"{country}{(int(number[2:4]) - 2 + off) % 97 + 2:02d}{number[4:]}"
    assert "IBAN_CODE" not in [entity for entity, _ in spans(f"iban {wrong} bounced")]


@given(COUNTRIES, SEEDS, st.sampled_from(sorted(ENCODERS)))
@settings(max_examples=300)
def test_encoded(country: str, seed: int, encoder: str) -> None:
    """In groups and encoded, nothing of the number is left."""
    number = iban(random.Random(seed), country)
    text = ENCODERS[encoder](f'a "{in_groups(number, " ")}"')
    found = spans(text)
    assert [entity for entity, _ in found] == ["IBAN_CODE"]
    assert found[0][1].startswith(number[:4])
    assert found[0][1].endswith(number[-1])


@pytest.mark.parametrize(
    "text",
    [
        "«DE89 3704 0044 0532 0130 00» and more",
        "«DE89370400440532013000».",
        "(«GB29 NWBK 6016 1331 9268 19»)",
        "von «DE89 3704 0044 0532 0130 00» an «GB29NWBK60161331926819»",
        "账号«DE89370400440532013000»转",
        f"«{wide('DE89 3704 0044 0532 0130 00')}»",
        "iban=«DE89+3704+0044+0532+0130+00»&bic=x",
        "iban_«NO9386011117947»",
    ],
)
def test_found(text: str) -> None:
    """Beside other words, twice in a text, in full-width forms and in form encoding."""
    assert_found("IBAN_CODE", text)


@pytest.mark.parametrize(
    "text",
    [
        "DE89370400440532013001",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "XDE89370400440532013000",
        "ZZ89370400440532013000",
        "DE89 3704 0044 0532 0130 00x",
        "DE89-370400440532013000",
        "DE54A1B2C3D4E5F60718A9",
        "BE74ABCDEF012345",
        "550e8400-e29b-41d4-a716-446655440000",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "at10 in the morning",
    ],
)
def test_not_found(text: str) -> None:
    """One digit off, too short, too long, part of a word, an unknown country, letters for digits, a UUID, a hash, a sentence."""
    assert spans(text) == []
