"""What actions put into texts is left alone by whoever looks at them again, and can be read back out of any text."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.actions.parts import FixedKeys, effective, finding

from errorplane.detectors import ALL, Detector, Finding, redact
from errorplane.errors import message_template
from errorplane.keys import write_pair
from errorplane.policy import Action
from errorplane.redaction.actions import ActionPlan, Compiler, Keyring

RING = Keyring(FixedKeys())
COMPILE = Compiler(RING, clock=lambda: 1.8e9)
VALUES = {
    "EMAIL_ADDRESS": "bob.smith@example.com",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IP_ADDRESS": "203.0.113.77",
    "PHONE_NUMBER": "+1 415 555 2671",
    "US_SSN": "078-05-1120",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "PASSWORD": "correct-horse7",
}
ACTIONS = ("replace", "drop", "mask", "token", "hmac", "ip_prefix", "keep_domain", "keep")
CONTEXTS = (
    "{}",
    "user {} failed",
    "({}), [{}]; '{}'",
    "a={}&b={}",
    "password={}",
    "Authorization: Bearer {}",
    "https://example.org/u/{}?q={}",
    "postgres://app:{}@db/orders",
    "<td>{}</td>",
    "card={} ssn: {} phone {}",
    "{}{}",
    "x{}y",
    "\u4f60{}\u597d",
)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("entity", VALUES)
def test_a_second_pass_changes_nothing(action: str, entity: str) -> None:
    """A text that an action was done to stays as it is when it is looked at again with the same action."""
    one = COMPILE(Action.model_validate(action))
    for context in CONTEXTS:
        for text in (context.replace("{}", VALUES[entity]), json.dumps({"v": context.replace("{}", VALUES[entity])})):
            once, _ = redact(text, None, ALL, transform=one)
            again, findings = redact(once, None, ALL, transform=one)
            assert (again, findings) == (once, [])


@pytest.mark.parametrize("text", ["age: 94", "aged 103 now", "she turned 91", "is 95 years old"])
def test_generalised_ages_are_found_no_more(text: str) -> None:
    """An age that reads 90+ is left alone, and the text around it stays."""
    one = COMPILE(Action.model_validate({"do": "generalise", "to": "age"}))
    once, (finding,) = redact(text, None, ALL, transform=one)
    assert once == f"{text[: finding.start]}90+{text[finding.end :]}"
    assert redact(once, None, ALL, transform=one) == (once, [])


@pytest.mark.parametrize("key", ["password", "authorization", "user.email", "card.number", "ssn", "client.address"])
@pytest.mark.parametrize("action", ["token", "hmac", "mask", {"do": "ip_prefix", "keyed": True}])
def test_attributes_that_hold_a_result_are_left_alone(action: object, key: str) -> None:
    """Whatever the name of an attribute says, a token, a hash, a mask or a keyed address is nothing to hide."""
    one = COMPILE(Action.model_validate(action))
    for entity, value in VALUES.items():
        once = one(finding(entity, value), value)
        assert redact(once, key) == (once, [])


def test_sealed_values_are_left_alone(tmp_path: Path) -> None:
    """A value sealed to a public key is nothing to hide, in an attribute and in a text."""
    _, public = write_pair(tmp_path)
    sealed = COMPILE(Action(do="encrypt", to=str(public)))(finding("US_SSN", "078-05-1120"), "078-05-1120")
    for text in (sealed, f"ssn {sealed}, ok", f"password={sealed}"):
        assert redact(text, "password" if text == sealed else None) == (text, [])


def test_a_token_is_read_back_out_of_any_text() -> None:
    """Whatever stands around it, escaped or glued to it, a token is found in full and opens."""
    key = RING.tokens("all")
    for entity, value in (*VALUES.items(), ("BANKTOK_ID", "7"), ("PASSWORD", "\u00e4\udcff" * 40)):
        token = key.token(entity, value)
        for before, after in (
            ("", ""),
            ("x", "y"),
            ("tok_", "tok_a"),
            ("2", "234567abcdef"),
            ("_", "_"),
            ("%20", "%3D"),
        ):
            text = f"{before}{token}{after}"
            found = key.find(text, 0, text.index(f"_{key.id}_"))
            assert found is not None
            assert (text[found.start : found.end], found.entity, found.value) == (token, entity, value)
        assert quote(token) == token
        assert json.loads(json.dumps(token)) == token


def test_what_must_never_be_stored_names_whatever_it_overlaps() -> None:
    """A card verification value within a surer finding of another entity makes the whole one of it, which is dropped."""
    cvv = Detector("CVV", (), lambda subject: [Finding("CVV", 9, 12, 0.3, "test")] if len(subject.text) >= 12 else [])
    plan = ActionPlan(effective(a={"PASSWORD": "token"}, b={"PASSWORD": "keep"}), FixedKeys())
    text, findings = redact("password=737", None, (*ALL, cvv), transform=plan.before)
    assert (text, [each.entity for each in findings]) == ("password=", ["CVV"])


@pytest.mark.parametrize(
    ("key", "text", "left"),
    [
        ("card.cvv", "737", ""),
        ("password", "cvv=737", ""),
        (None, '{"cvv":"737"}', '{"cvv":""}'),
        (None, "cvv=737&x=1", "cvv=&x=1"),
        ("track2", ";4111111111111111=25121010000012300?", ""),
        (None, "%B4111111111111111^DOE/JANE^25121010000000000000?", ""),
    ],
)
def test_what_pci_dss_forbids_to_keep_vanishes(key: str | None, text: str, left: str) -> None:
    """Card verification values and track data vanish under a policy that wants to keep or tokenise everything."""
    for actions in (effective(a={"default": "keep"}, b={"default": "token"}), effective(a={"default": "token"})):
        assert redact(text, key, transform=ActionPlan(actions, FixedKeys()).before)[0] == left


def test_damaged_tokens_do_not_open() -> None:
    """A token with another letter, another entity, a missing end or of another key is none."""
    key, other = RING.tokens("all"), RING.tokens("other")
    token = key.token("EMAIL_ADDRESS", "bob@example.com")
    changed = token[:-1] + ("a" if token[-1] != "a" else "b")
    for text in (token[:-2], changed, token.replace("email_address", "phone_number"), token.replace(key.id, other.id)):
        for each in (key, other):
            at = text.find(f"_{each.id}_")
            assert at < 0 or each.find(text, 0, at) is None


def test_errors_are_grouped_without_what_is_in_tokens(tmp_path: Path) -> None:
    """Messages that differ in a token, a hash, a sealed value or a keyed address only have one template."""
    _, public = write_pair(tmp_path)
    sealing = {"do": "encrypt", "to": str(public)}
    for action in ("token", "hmac", sealing, {"do": "ip_prefix", "keyed": True}):
        one = COMPILE(Action.model_validate(action))
        templates = {
            message_template(f"no order for {one(finding('IP_ADDRESS', each), each)} today")
            for each in (f"203.0.113.{number}" for number in range(250))
        }
        assert templates == {"no order for <id> today"}
