"""What ``find`` and ``redact`` promise as a whole."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import spans
from tests.detectors.test_gates import KEYS, NAMES, TEXTS

from errorplane.detectors import ALL, Detector, Finding, KeyClass, Subject, find, redact, replacement

ANY_TEXT = st.text(st.characters(), max_size=300)  # lone surrogates too
ANY_KEY = st.none() | st.sampled_from(KEYS) | NAMES | st.text(st.characters(), max_size=60)


@given(TEXTS | ANY_TEXT, ANY_KEY)
@settings(max_examples=600)
def test_redaction_is_idempotent(text: str, key: str | None) -> None:
    """A second call finds nothing and changes nothing."""
    once, findings = redact(text, key)
    assert (once == text) == (not findings)
    assert find(once, key) == []
    assert redact(once, key) == (once, [])


@given(TEXTS | ANY_TEXT, ANY_KEY)
@settings(max_examples=400)
def test_findings_are_ordered_parts_of_the_text(text: str, key: str | None) -> None:
    """They lie inside of the text, are not empty, do not overlap, and name an entity, a score and a reason."""
    end = 0
    for finding in find(text, key):
        assert end <= finding.start < finding.end <= len(text)
        assert finding.entity in {detector.entity for detector in ALL}
        assert 0 < finding.score <= 1
        assert finding.reason
        end = finding.end


@given(TEXTS, st.sampled_from(ALL))
@settings(max_examples=200)
def test_one_detector_finds_only_its_own(text: str, detector: object) -> None:
    """With some of the detectors only their entities are found, and all of what they find alone is found by all."""
    alone = [each for each in ALL if each is detector]
    findings = find(text, None, alone)
    assert {finding.entity for finding in findings} <= {each.entity for each in alone}
    everything = find(text)
    for finding in findings:
        assert any(each.start <= finding.start and finding.end <= each.end for each in everything)


@given(ANY_TEXT, st.sampled_from(KeyClass))
@settings(max_examples=300)
def test_what_detectors_are_given_has_the_length_of_the_text(text: str, kind: KeyClass) -> None:
    """Places in the folded, lowered and shaped texts are places in the text."""
    subject = Subject.of(text, kind)
    assert len(subject.text) == len(subject.low) == len(subject.shape) == len(text)


def test_overlapping_findings_become_one() -> None:
    """It covers all of them, bears the name of the surest, of these the most sensitive, and tells what else is in it."""
    text = "Cookie: mail=bob@example.com; card=4111111111111111"
    (found,) = find(text)
    assert (found.entity, text[found.start : found.end]) == ("CREDIT_CARD", text[8:])
    assert found.also == {"EMAIL_ADDRESS", "BEARER_TOKEN"}
    assert redact(text)[0] == "Cookie: <CREDIT_CARD>"


@pytest.mark.parametrize("order", [("EMAIL_ADDRESS", "IBAN_CODE"), ("IBAN_CODE", "EMAIL_ADDRESS")])
def test_of_equally_sure_findings_the_more_sensitive_names_the_place(order: tuple[str, str]) -> None:
    """Whatever the order in which detectors look, and however long the less sensitive finding is."""
    lengths = {"EMAIL_ADDRESS": 9, "IBAN_CODE": 4}

    def looking_for(entity: str) -> Detector:
        return Detector(entity, (), lambda _: [Finding(entity, 0, lengths[entity], 0.9, "test")])

    looks = [looking_for(entity) for entity in order]
    assert [(f.entity, f.start, f.end, f.also) for f in find("123456789", None, looks)] == [
        ("IBAN_CODE", 0, 9, frozenset({"EMAIL_ADDRESS"}))
    ]


def test_base64_tells_all_that_is_in_it() -> None:
    """A run of base64 is one finding, which knows of each thing that stands in it."""
    run = base64.b64encode(b'{"mail": "bob@example.com", "pan": "4111111111111111", "cvv": "731"}').decode()
    (found,) = find(f"payload {run}")
    assert set(found.entities) >= {"CVV", "EMAIL_ADDRESS", "CREDIT_CARD"}


def test_findings_are_those_of_the_given_text() -> None:
    """Places are in code points of the text that was given, also where characters need several bytes."""
    text = "日本 \U0001d7d9 bob@example.com ü 4111111111111111"
    new, findings = redact(text)
    assert new == "日本 \U0001d7d9 <EMAIL_ADDRESS> ü <CREDIT_CARD>"
    assert [text[f.start : f.end] for f in findings] == ["bob@example.com", "4111111111111111"]


def test_a_reason_holds_nothing_of_the_text() -> None:
    """Two texts with other personal data give the same reasons, and the findings' repr does not show it."""
    first = redact("bob@example.com 4111111111111111 password=hunter2 +442079460958")[1]
    second = redact("eve@example.org 5105105105105100 password=correct +493090182000")[1]
    assert [finding.reason for finding in first] == [finding.reason for finding in second]
    assert "hunter2" not in repr(first)


def test_what_is_allowed_is_no_finding() -> None:
    """Literal values that are allowed stay, others of the same kind do not."""
    text = "from support@example.com to bob@example.com"
    new, findings = redact(text, allow={"support@example.com"})
    assert new == "from support@example.com to <EMAIL_ADDRESS>"
    assert len(findings) == 1


def test_a_kind_overrides_the_key() -> None:
    """A value inside of a secret is one, whatever its own key."""
    assert redact("shop", "name", kind=KeyClass.SECRET)[0] == "<PASSWORD>"
    assert redact("hunter2", "password", kind=KeyClass.NONE)[0] == "hunter2"


@pytest.mark.parametrize("entity", [detector.entity for detector in ALL])
def test_a_replacement_says_nothing_about_what_stands_beside_it(entity: str) -> None:
    """What was replaced neither names nor hides its neighbours."""
    hidden = replacement(entity)
    for beside in (" 123 45 679 x", ": 123456789", "=abc", " 3111111111111113", " is good"):
        assert spans(hidden + beside) == []
    assert spans(f"{hidden} bob@example.com {hidden}") == [("EMAIL_ADDRESS", "bob@example.com")]
    assert redact(f"phone: {hidden}, 123456789")[1] == []


def test_a_finding_is_a_value() -> None:
    """Findings can be compared, and kept in sets."""
    assert len({*find("bob@example.com"), *find("bob@example.com"), Finding("JWT", 0, 1, 1.0, "x")}) == 2
