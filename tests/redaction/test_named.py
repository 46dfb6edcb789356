"""Values that a text or a longer key calls by a name of a pack."""

from __future__ import annotations

import pytest

from errorplane.detectors import find, redact
from errorplane.policy import Redaction
from errorplane.redaction import Engine, Redactor
from errorplane.redaction._named import named_detector

NAMES = ("patient.first_name", "first_name", "member.id", "city", "pin")
DETECTOR = named_detector("NAMED", NAMES)


@pytest.mark.parametrize(
    ("text", "key", "hidden"),
    [
        ('{"firstName": "Ann", "ward": 4}', None, '{"firstName": "<NAMED>", "ward": 4}'),
        ('{"patient_first_name":"Ann"}', None, '{"patient_first_name":"<NAMED>"}'),
        (r'"{\"FirstName\":\"Ann\"}"', None, r'"{\"FirstName\":\"<NAMED>\"}"'),
        ("first-name=Ann&city=New%20York&x=1", None, "first-name=<NAMED>&city=<NAMED>&x=1"),
        ("<first_name>Ann</first_name>", None, "<first_name><NAMED></first_name>"),
        ("<CITY>Boise</CITY>", None, "<CITY><NAMED></CITY>"),
        ("member ID W8839 not active, pin: 4921", None, "member ID <NAMED> not active, pin: <NAMED>"),
        ("7|city=Boise|OK", None, "7|city=<NAMED>|OK"),
        ("<raw>city=Boise</raw></x>", None, "<raw>city=<NAMED></raw></x>"),
        ('{"city": "a|b</c>"}', None, '{"city": "<NAMED>"}'),
        ("W8839", "claim.memberId", "<NAMED>"),
        ("W8839", "claim.member_id", "<NAMED>"),
    ],
)
def test_values_of_names_are_hidden(text: str, key: str | None, hidden: str) -> None:
    """In whatever way a name is joined and its value written; by the engine too, whose gates let it look."""
    assert redact(text, key, (DETECTOR,))[0] == hidden
    assert Engine((DETECTOR,)).redact(text, key)[0] == hidden
    assert find(hidden, key, (DETECTOR,)) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("capacity=12, velocity: 4", None),
        ("backup.city: 12 rows", None),
        ("city is required", None),
        ("the first name of the list", None),
        ("mapping: 12, spin=3", None),
        ("<CITY> is hidden", None),
        ("17", "map.city"),
        ("17", "remember.id"),
    ],
)
def test_other_words_are_left_alone(text: str, key: str | None) -> None:
    """The end of a longer word, the end of a path, a sentence that goes on, and a replacement are no names."""
    assert find(text, key, (DETECTOR,)) == []


def test_a_text_comes_to_rest_with_what_stands_around_a_value() -> None:
    """What another detector hid of a value is not taken for a longer one on the second look."""
    engine = Redactor.from_policy(Redaction.model_validate({"packs": ["gdpr"]})).engine
    for text in ("<raw>iban={}</raw></x>", "7|iban={}|OK", "\u201ciban={}\u201d"):
        assert engine.redact(text.format("NL91 ABNA 0417 1643 00"))[0] == text.format("<IBAN_CODE>")


@pytest.mark.parametrize(
    ("pack", "name"),
    [("gdpr", "fullName"), ("hipaa", "fullName"), ("pci-dss", "nameOnCard"), ("secrets", "userPassword")],
)
def test_a_pack_hides_its_names_in_texts(pack: str, name: str) -> None:
    """What a pack lists as attribute keys is hidden in JSON within a text, too."""
    engine = Redactor.from_policy(Redaction.model_validate({"packs": [pack]})).engine
    assert "Zoltan" not in engine.redact(f'{{"{name}": "Zoltan Xy"}}')[0]
