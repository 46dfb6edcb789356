"""Personal identifiers: each by its issuer's rules, after a word, under a key, and not elsewhere."""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.identifiers import IN_TEXTS, UNDER_KEYS
from tests.detectors.samples import ENCODERS, assert_found, marked, spans, wide

from errorplane.detectors import DataClass, Subject, data_class, find
from errorplane.detectors.identifiers import IDENTIFIERS
from errorplane.detectors.identifiers._crypto import is_base58check, is_bech32, is_eip55
from errorplane.detectors.identifiers._devices import is_north_american_vin
from errorplane.detectors.identifiers._keccak import keccak_256
from errorplane.detectors.identifiers._united_kingdom import is_nhs
from errorplane.detectors.text._words import words_in


@pytest.mark.parametrize(("entity", "text"), IN_TEXTS)
def test_found(entity: str, text: str) -> None:
    """Exactly the identifier is found, and under its own name."""
    assert_found(entity, text)


@pytest.mark.parametrize(("entity", "key", "value"), UNDER_KEYS)
def test_under_a_key(entity: str, key: str, value: str) -> None:
    """The key alone says what its value is."""
    assert spans(value, key) == [(entity, value)]
    assert entity not in [name for name, _ in spans(value, "shop.note")]


@pytest.mark.parametrize(
    "text",
    ["security code: «509» (attempt 248)", "cvv «123», «456» and «789»", "cvc=«251»&page=313", "cvv «123» took 456 ms"],
)
def test_numbers_after_one(text: str) -> None:
    """Of a list every number counts, of what comes later none."""
    assert_found("CVV", text)


def test_every_detector_has_a_sample() -> None:
    """None is left out of these tests."""
    assert {detector.entity for detector in IDENTIFIERS} == {entity for entity, _ in IN_TEXTS}


@given(
    st.lists(st.sampled_from([marked(text)[0] for _, text in IN_TEXTS]), min_size=1, max_size=2), st.text(max_size=3)
)
@settings(max_examples=300)
def test_detectors_that_are_not_asked_would_find_nothing(texts: list[str], between: str) -> None:
    """Whatever a detector finds, the text has one of the words that it waits for, or there is context."""
    subject = Subject.of(between.join(texts))
    for detector in IDENTIFIERS:
        if list(detector.find(subject)) and not subject.context().topics:
            assert detector.words & words_in(subject.shape), detector.entity


@pytest.mark.parametrize(
    "unit", ["zip 94105 ", "date of ", "né le ", "tax id 1 ", "00:1a:", "0xaB", "%b4111111111111111^", "aBirth "]
)
def test_linear_in_the_length(unit: str) -> None:
    """Four times as much of what makes most work takes at most some eight times as long."""
    assert _least_s(unit * 4000) <= 8 * max(_least_s(unit * 1000), 0.002)


def _least_s(text: str) -> float:
    seconds = []
    for _ in range(3):
        start = time.process_time()
        find(text, None, IDENTIFIERS)
        seconds.append(time.process_time() - start)
    return min(seconds)


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_encoded(encoder: str) -> None:
    """In any encoding, as a value of JSON, it is found."""
    for entity, sample in IN_TEXTS:
        text, _ = marked(sample)
        if text.isascii() and not {*text} & {*'^"'}:
            encoded = ENCODERS[encoder](f'{{"note":"{text}"}}')
            found = [name for name, _ in spans(encoded)]
            # A form's space before a number makes it look like one of a telephone, too.
            assert entity in found or (encoder == "form" and "PHONE_NUMBER" in found), encoded


def test_full_width() -> None:
    """Letters and digits in full width are read as theirs."""
    assert [name for name, _ in spans(wide("PESEL 44051401359"))] == ["PL_PESEL"]
    assert [name for name, _ in spans(wide("eth0 00:1a:2b:3c:4d:5e"))] == ["MAC_ADDRESS"]


WITH_CHECK_DIGITS = [
    (entity, *parts)
    for entity, sample in IN_TEXTS
    if (parts := marked(sample))
    and entity
    in {"US_NPI", "MEDICAL_LICENSE", "ABA_ROUTING_NUMBER", "UK_NHS", "EU_VAT", "IMEI"}
    | {detector.entity for detector in IDENTIFIERS if re.match("(?!US|UK|EU)[A-Z]{2}_", detector.entity)} - {"DK_CPR"}
]


@pytest.mark.parametrize(("entity", "text", "numbers"), WITH_CHECK_DIGITS)
def test_check_digits(entity: str, text: str, numbers: list[str]) -> None:
    """With another digit in any place, at most a few of all such numbers pass (weights may be blind to some)."""
    number = numbers[0]
    changed = [
        number[:at] + digit + number[at + 1 :]
        for at, char in enumerate(number)
        if char.isdigit()
        for digit in "0123456789"
        if digit != char
    ]
    passed = [other for other in changed if (entity, other) in spans(text.replace(number, other))]
    assert len(passed) <= len(changed) / 5, passed


NOTHING = """\
id 550e8400-e29b-41d4-a716-446655440000 of 00:1a:2b:3c:4d:5e:6f:70
fe80:0:0:1a:2b:3c at 10:15:30:12
MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48
broadcast ff:ff:ff:ff:ff:ff and 00:00:00:00:00:00
device 490154203237518 counted
serial 49-015420-323751-9 seen
order 9434765919 at 1732443600
number 1234567893 and 021000021
PESEL 44051401358
pesel: none, see line 44051
steuer id 36574261808
manifest 12345678 of private 123456789 moving 1M8GDM9A
passport strategy loaded in 12 ms
license check took 120 ms, licensed under Apache 2.0
unzip 94105 files, gzip: 12345 bytes
born to run, version 2026.11
aged 45, 45 years old, age 89
cvv check failed with status 200
cvv missing
lat=12.345ms p99 lat 0.123
latency 52.5200, 13.4050
0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed
0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD
3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLz
BG123456C GB123456A and xAB123456C
912-69-1234 and 912-93-1234
DE136695978 or XX136695976
AB1234563 shipped
patient waits for 12 s
account locked after 3 attempts, account id 12
plate 3 of 12
""".splitlines()


@pytest.mark.parametrize("text", NOTHING)
def test_not_found(text: str) -> None:
    """Wrong check digits, parts of longer things, words that only look like context, and numbers without any."""
    assert find(text, None, IDENTIFIERS) == []


@pytest.mark.parametrize(
    "key", ["http.user_agent", "birth_date.format", "zip_file_count", "moving", "private", "unified.latency", "id"]
)
def test_keys_that_say_nothing(key: str) -> None:
    """Only the last words of a key speak of its value, and only as words."""
    assert find("9434765919", key, IDENTIFIERS) == find("12345678", key, IDENTIFIERS) == []
    assert find("1980-03-12 52.520008", key, IDENTIFIERS) == []


def test_context_reaches_so_far_and_no_further() -> None:
    """A number counts forty characters after its word, also one after another, and not across what was replaced."""
    assert spans("nhs" + " " * 40 + "9434765919") == [("UK_NHS", "9434765919")]
    assert spans("nhs" + " " * 41 + "9434765919") == []
    both = "NHS numbers 9434765919, 9434765870"
    assert [text for _, text in spans(both)] == ["9434765919", "9434765870"]
    assert spans("nhs <UK_NHS> 9434765919") == []


def test_spellings_of_words() -> None:
    """One phrase stands for all ways to write it as a name."""
    for name in (
        "date of birth",
        "date_of_birth",
        "DATE_OF_BIRTH",
        "dateOfBirth",
        "DateOfBirth",
        "dateofbirth",
        "date-of-birth",
    ):
        assert spans(f"{name}: 1980-03-12") == [("DATE_OF_BIRTH", "1980-03-12")], name
        assert spans("1980-03-12", name) == [("DATE_OF_BIRTH", "1980-03-12")], name


@given(st.integers(0, 10**9 - 1))
@settings(max_examples=300)
def test_nhs_numbers(first: int) -> None:
    """Of the ten numbers with the same nine digits at most one is valid: the one whose weighted sum 11 divides."""
    digits = f"{first:09d}"
    expected = -sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
    valid = [last for last in range(10) if is_nhs(f"{digits}{last}") and first]
    assert valid == ([expected] if expected < 10 and first else [])


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_keccak_has_a_digest_for_any_length(data: bytes) -> None:
    """It is of 32 bytes, and another for other data."""
    assert len(keccak_256(data)) == 32
    assert keccak_256(data) != keccak_256(data + b"\x00")


def test_published_vectors() -> None:
    """Checksums agree with the examples of their specifications."""
    assert keccak_256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    for address in ("fB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "dbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"):
        assert is_eip55(f"0x{address}")
        assert not is_eip55(f"0x{address.swapcase()}")
    assert is_bech32("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq")
    assert not is_bech32("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdz")
    assert not is_base58check("1" * 34)
    assert is_north_american_vin("5gzcz43d13s812715")
    assert not is_north_american_vin("5gzcz43d23s812715")


Maker = Callable[[random.Random], str]
RANDOM: dict[str, Maker] = {
    "uuid": lambda rnd: str(uuid.UUID(int=rnd.getrandbits(128))).upper(),
    "hex": lambda rnd: f"{rnd.getrandbits(128):032X}",
    "sha1": lambda rnd: f"0x{rnd.getrandbits(160):040x}",
    "ksuid": lambda rnd: "".join(rnd.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpq", k=27)),
    "code": lambda rnd: "".join(rnd.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=rnd.randrange(8, 20))),
    "count": lambda rnd: str(rnd.randrange(10 ** rnd.randrange(4, 20))),
    "order": lambda rnd: f"{rnd.choice('ABCDE')}{rnd.choice('XYZ')}{rnd.randrange(10**7):07d}",
    "stamp": lambda rnd: f"2026{rnd.randrange(1, 13):02d}{rnd.randrange(1, 29):02d}-{rnd.randrange(2400):04d}",
    "float": lambda rnd: f"{rnd.random() * 180:.6f}",
}


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_random_values_are_no_identifiers(name: str) -> None:
    """Of 1,500 random ids, hashes, codes, counts and times at most one is taken."""
    rnd = random.Random(name)
    values = [RANDOM[name](rnd) for _ in range(1500)]
    taken = [value for value in values if find(f"job {value} done", None, IDENTIFIERS)]
    assert len(taken) <= 1, taken


def test_data_classes() -> None:
    """What pays is payment, what names a patient is health, what names a person is personal."""
    assert data_class("CVV") is data_class("TRACK_DATA") is data_class("CRYPTO") is DataClass.PAYMENT
    assert (
        data_class("MEDICAL_RECORD_NUMBER")
        is data_class("UK_NHS")
        is data_class("HEALTH_PLAN_NUMBER")
        is DataClass.HEALTH
    )
    assert data_class("PL_PESEL") is data_class("DATE_OF_BIRTH") is data_class("MAC_ADDRESS") is DataClass.PERSONAL
