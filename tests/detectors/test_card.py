"""Payment card numbers."""

from __future__ import annotations

import json
import random
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import SCHEMES, assert_found, card, in_groups, spans, wide, with_check_digit

SEEDS = st.integers(0, 2**32)
PLACES = (
    "{}",
    "{} ",
    " {}",
    "card {} was declined",
    "PAN={};",
    '{{"pan":"{}","cvx":"1"}}',
    "/pay?pan={}&x=1",
    "[{}]",
    "\n{}\n",
)


def _groupings(number: str) -> list[str]:
    grouped = [number, in_groups(number, " "), in_groups(number, "-")]
    if len(number) == 15:
        grouped += [f"{number[:4]}{sep}{number[4:10]}{sep}{number[10:]}" for sep in " -"]
    if len(number) == 14:
        grouped += [f"{number[:4]}{sep}{number[4:10]}{sep}{number[10:]}" for sep in " -"]
    if len(number) == 19:
        grouped += [f"{number[:6]}{sep}{number[6:]}" for sep in " -"]
    return grouped


@pytest.mark.parametrize(("name", "low", "high", "lengths"), SCHEMES)
def test_every_published_range_and_length(name: str, low: int, high: int, lengths: tuple[int, ...]) -> None:
    """A number of each scheme, at both ends of its range and of each of its lengths, is found in every usual grouping."""
    rnd = random.Random(name)
    for length in lengths:
        for prefix in (low, high):
            number = card(rnd, prefix, prefix, length)
            for grouped in _groupings(number):
                assert spans(grouped) == [("CREDIT_CARD", grouped)]


@given(st.sampled_from(SCHEMES), st.data(), st.sampled_from(PLACES))
@settings(max_examples=300)
def test_a_card_is_found_wherever_it_stands(
    scheme: tuple[str, int, int, tuple[int, ...]], data: st.DataObject, place: str
) -> None:
    """Alone, in a sentence, in JSON, in a query, at the start and at the end, exactly the number is found."""
    _, low, high, lengths = scheme
    rnd = random.Random(data.draw(SEEDS))
    grouped = data.draw(st.sampled_from(_groupings(card(rnd, low, high, data.draw(st.sampled_from(lengths))))))
    assert spans(place.format(grouped)) == [("CREDIT_CARD", grouped)]


@given(st.sampled_from(SCHEMES), st.data(), st.integers(1, 9))
@settings(max_examples=300)
def test_a_wrong_check_digit_is_no_card(
    scheme: tuple[str, int, int, tuple[int, ...]], data: st.DataObject, off: int
) -> None:
    """Changing the Luhn digit makes a number that is none."""
    _, low, high, lengths = scheme
    rnd = random.Random(data.draw(SEEDS))
    number = card(rnd, low, high, data.draw(st.sampled_from(lengths)))
    wrong = number[:-1] + str((int(number[-1]) + off) % 10)
    assert "CREDIT_CARD" not in [entity for entity, _ in spans(f"order {wrong} done")]


@pytest.mark.parametrize(
    "text",
    [
        "«4111111111111111»",
        "«4111 1111 1111 1111» 12/28",
        "2026-11-24 «4111 1111 1111 1111»",
        "5511 «4111 1111 1111 1111» 42",
        "«5105105105105100»,«4012888888881881»",
        "card«4111111111111111»",
        "cc«4111111111111111»",
        "卡号«4111111111111111»は",
        f"«{wide('4111 1111 1111 1111')}»",
        "«4111\u00a01111\u00a01111\u00a01111»",
        "«4111\u20111111\u20111111\u20111111»",
        "«\u0664" + "\u0661" * 15 + "»",
        "«4111.1111.1111.1111»",
        "«4111  1111  1111  1111»",
        "order 7 paid with card «4111111111111111»",
        "order «4111 1111 1111 1111»",
        "paid «4111111111111111» yesterday",
        "order=«4111111111111111»",
        "user «5105105105105100» declined",
        "note «378282246310005»",
        "reference: «2223000048400011»",
        "ValueError: cardNumber='«5893094435719»' is not valid",
        "KeyError: '«653553201951291286»'",
        "can you process «4111111111111111» please",
        "pan=«4111+1111+1111+1111»&x",
        "[«4111111111111111».0, 12.0]",
        "Payment(number=«4111111111111111»L)",
        "uatp card «122000000000003»",
        "cardId: «4111111111111111»",
        "paid by credit «122000000000003», debit: «122000000000003»",
        "cc_1 «122000000000003»",
        "the card ending in 1111, number «3111111111111113» (unknown range)",
    ],
)
def test_found(text: str) -> None:
    """Cards beside other digits, in any usual groups, in other scripts' digits, in form encoding, or of an unknown range but called cards."""
    assert_found("CREDIT_CARD", text)


@pytest.mark.parametrize(
    "text",
    [
        "1732443600124",  # epoch in milliseconds; all of these pass Luhn
        "1117955392 2005",
        "epoch_ns=1732443600000000017",
        "20261124100003",
        "550e8400-e29b-41d4-a716-446655440000",
        "41111111-1111-1111-1111-411111111111",
        "1f0e5a3c-9b7d-4c61-8e2f-501800000009",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "sha a4111111111111111",
        "f4111111111111111b",
        "0.4111111111111111",
        "4111111111111111.5",
        "4111111111111111.0.2",
        "4111111111111111lb",
        "41111111111111111111111",
        "blk_-6952295868487656571",
        "arn:aws:iam::501800000009:role/x",
        "4111 1111-1111 1111",
        "41 11 11 11 11 11 11 11",
        "4111  11111111  1111",
        "4111 1111  1111 1111",
        "4111.11111111.1111",
        "blk_4111111111111111",
        "req-4111111111111111",
        '{"traceId": "4111111111111111"}',
        "user_id: 4111111111111111",
        "offset 4111111111111111 of partition 7",
        "Rows_examined: 588294141365",
        "mem 37137195 426832 4109889900 0",
        "rows 5018 0000 0009",
        "fan speeds ( 3064 8685 8838 4989 9097 2934 )",
        "[RecvWorker:572120269137:Quorum] my id = 1",
        "took 4111111111111111 ns",
        "4111111111111111 bytes",
        "0000000000000000",
        "3111111111111113",
        "122000000000003",
        "+501800000009",
    ],
)
def test_not_found(text: str) -> None:
    """Timestamps, ids, counts, UUIDs, hashes, fractions, 64-bit integers, telephone numbers and unknown ranges are no cards."""
    assert "CREDIT_CARD" not in [entity for entity, _ in spans(text)]


def test_the_key_of_an_attribute_says_card_or_account() -> None:
    """Under a card's key an unknown range counts, under an account's key twelve digits do not, under an id's none do."""
    visa = "4111111111111111"
    assert spans(visa, "order.id") == []
    assert spans(in_groups(visa, " "), "order.id") == [("CREDIT_CARD", in_groups(visa, " "))]
    unknown, account = with_check_digit("311111111111111"), with_check_digit("50180000000")
    assert spans(unknown, "payment.card_number") == [("CREDIT_CARD", unknown)]
    assert spans(unknown, "payment.amount") == []
    assert spans(account, "payment.source") == [("CREDIT_CARD", account)]
    assert spans(account, "cloud.account.id") == []


@given(SEEDS)
@settings(max_examples=200)
def test_encoded_cards(seed: int) -> None:
    """A card with spaces is found whole in percent-encoding and behind an escaped line end or quote."""
    grouped = in_groups(card(random.Random(seed), 4, 4, 16), " ")
    for text in (f"q={quote(grouped)}&x", f"q=a%20{quote(grouped)}", f"q={quote_plus(grouped)}"):
        assert spans(text) in ([("CREDIT_CARD", quote(grouped))], [("CREDIT_CARD", quote_plus(grouped))])
    assert spans(json.dumps(f"a\n{grouped}\t")) == [("CREDIT_CARD", grouped)]
    assert spans(f"%22{grouped.replace(' ', '')}%22") == [("CREDIT_CARD", grouped.replace(" ", ""))]
    assert spans(f"\\u0022{grouped.replace(' ', '')}\\u0022") == [("CREDIT_CARD", grouped.replace(" ", ""))]
