"""The engine finds what the detectors find, however few of them it asks."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS
from tests.detectors.test_gates import CLEAN, KEYS, NAMES, POSITIVES, TEXTS

from errorplane import detectors
from errorplane.detectors import ALL, Detector, Finding, KeyClass, Subject
from errorplane.redaction import Engine

ENGINE = Engine()
MAIL = "jane.doe@example.org"


@given(TEXTS, st.none() | NAMES, st.none() | st.sampled_from(KeyClass))
@settings(max_examples=1500)
@example("hunter2", "client\uff33ecret", None)
@example("\ud800 bob@example.com", None, None)
@example("\udcff bob@example.com", None, None)
@example("blue", None, KeyClass.SECRET)
@example("https://bob:x1@\\u0040host/x", None, None)
@example("55 50 18 71", "note", KeyClass.PHONE)
def test_it_finds_what_the_detectors_find(text: str, key: str | None, kind: KeyClass | None) -> None:
    """Finding for finding, and with the same text as a result, for any text, key and kind."""
    assert ENGINE.find(text, key, kind=kind) == detectors.find(text, key, kind=kind)
    assert ENGINE.redact(text, key, kind=kind) == detectors.redact(text, key, kind=kind)


def test_every_sample_in_every_encoding() -> None:
    """So it is with each sample as each encoder writes it, and with each under each key."""
    texts = [*POSITIVES, *CLEAN, *(encode(text) for encode in ENCODERS.values() for text in POSITIVES)]
    for text in texts:
        assert ENGINE.find(text) == detectors.find(text)
    for text in [*POSITIVES, *CLEAN]:
        for key in KEYS:
            assert ENGINE.find(text, key) == detectors.find(text, key)


def test_only_those_look_whose_gate_fires() -> None:
    """A text of one detector's gate is shown to that detector alone, a text of none to nobody."""
    shown: list[str] = []

    def noting(entity: str) -> Detector:
        def find(subject: Subject) -> Iterable[Finding]:
            shown.append(entity)
            return ()

        return Detector(entity, (entity.encode(),), find)

    engine = Engine([noting("ONE"), noting("TWO"), noting("THREE")])
    engine.redact("a TWO b")
    engine.redact("a", "key of ONE")
    engine.redact("nothing")
    assert shown == ["TWO", "ONE"]


def test_a_text_of_many_hits_of_one_gate() -> None:
    """They do not keep the other gates from being seen."""
    text = "jwt" * 20_000 + f" {MAIL} 4111 1111 1111 1111"
    assert [finding.entity for finding in ENGINE.find(text)] == ["EMAIL_ADDRESS", "CREDIT_CARD"]


def test_a_repeated_text_is_not_looked_at_again() -> None:
    """The verdict on a short text with its key is remembered; that on a long one, and under another key, is not."""
    looks: list[str] = []

    def find(subject: Subject) -> Iterable[Finding]:
        looks.append(subject.text)
        return ()

    engine = Engine([Detector("X", (b"x",), find)])
    for text, key in (("x", None), ("x", None), ("x", "other"), ("x" * 513, None), ("x" * 513, None)):
        engine.redact(text, key)
    assert [len(text) for text in looks] == [1, 1, 513, 513]


def test_a_caller_cannot_change_what_is_remembered() -> None:
    """Each call gets a list of its own."""
    first = ENGINE.redact(MAIL)[1]
    first.clear()
    assert [finding.entity for finding in ENGINE.redact(MAIL)[1]] == ["EMAIL_ADDRESS"]


def test_allowed_values() -> None:
    """A literal, or what an expression matches as a whole, is no finding; a part of one allows nothing."""
    engine = Engine(allow=["a@b.com"], allow_patterns=[r".*@example\.com", "192[.]168[.].*"])
    assert engine.redact("a@b.com, bob@example.com, 192.168.1.4") == ("a@b.com, bob@example.com, 192.168.1.4", [])
    assert engine.redact("aa@b.com bob@example.com.au 1.192.168.1")[0] == "<EMAIL_ADDRESS> <EMAIL_ADDRESS> <IP_ADDRESS>"


def test_a_transform_says_what_stands_in_place() -> None:
    """It is given the finding and its text; what it leaves as it is was not hidden."""

    def transform(finding: Finding, value: str) -> str:
        return value if finding.entity == "IP_ADDRESS" else f"tok_{finding.entity.lower()}_abcdef_{'a' * 26}"

    text, findings = Engine(transform=transform).redact(f"{MAIL} at 203.0.113.7")
    assert text == f"tok_email_address_abcdef_{'a' * 26} at 203.0.113.7"
    assert [finding.entity for finding in findings] == ["EMAIL_ADDRESS"]


def test_a_transform_that_does_not_come_to_rest() -> None:
    """What it puts in place is looked at too, and a text that is found again and again is replaced as a whole."""

    def transform(finding: Finding, value: str) -> str:
        return "x" + value

    assert Engine(transform=transform).redact(f"mail {MAIL}")[0] == "<EMAIL_ADDRESS>"


PUT_IN_PLACE = [
    "<EMAIL_ADDRESS>",
    "tok_us_ssn_abc234_aaaakia7iosfodnn7example2222",
    "hmac_abc234_22222222222222222222222222",
    "enc_abc234_AKIAIOSFODNN7EXAMPLE-DE89370400440532013000_4111111111111111",
    "[QUARANTINED:deadline]",
    "[QUARANTINED:size:enc_abc234_-AKIAIOSFODNN7EXAMPLE-4111111111111111-eyJhbGciOiJIUzI1NiJ9]",
]


@pytest.mark.parametrize("mark", PUT_IN_PLACE)
@pytest.mark.parametrize("around", ["{}", "a {} b", "password={}", '{{"token": "{}"}}', "Authorization: Bearer {}"])
def test_what_was_put_in_place_is_not_found_again(mark: str, around: str) -> None:
    """Replacements of every form stay as they are, alone, in a text, and as the value of a secret's name."""
    text = around.format(mark)
    for key in (None, "password", "user.phone"):
        if around == "{}" or key is None:
            assert ENGINE.redact(text, key) == (text, [])


def test_threads_share_an_engine() -> None:
    """Concurrent looks do not disturb each other."""
    texts = [f"{number} {text}" for number in range(40) for text in POSITIVES]
    expected = [ENGINE.redact(text) for text in texts]
    engine = Engine(ALL)
    results: list[list[tuple[str, list[Finding]]]] = []
    threads = [threading.Thread(target=lambda: results.append([engine.redact(each) for each in texts])) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [expected] * 4
