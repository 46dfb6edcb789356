"""What redaction comes to for each destination, and for an application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from errorplane.policy import (
    ALWAYS_DROPPED,
    Action,
    Policy,
    Redaction,
    application_settings,
    default_policy,
    detection,
    effective_actions,
)
from errorplane.policy._vocabulary import DEFAULT_ENTITIES, PackWord
from errorplane.policy.packs import PACKS, pack
from errorplane.redaction import custom_detector

TWO = {"a": {"file": {"path": "./a/"}}, "b": {"file": {"path": "./b/"}}}


def policy(redaction: Mapping[str, Any]) -> Policy:
    """A policy with two destinations, a and b."""
    return Policy.model_validate({"version": 1, "destinations": TWO, "redaction": redaction})


def effect(redaction: Mapping[str, Any], entity: str) -> tuple[str, ...]:
    """The action on an entity for a and for b, with its domain."""
    found = (effective_actions(policy(redaction))[name][entity] for name in ("a", "b"))
    return tuple(action.do if action.domain is None else f"{action.do}@{action.domain}" for action in found)


@pytest.mark.parametrize("entity", [*sorted({*DEFAULT_ENTITIES} - ALWAYS_DROPPED), "default"])
def test_everything_is_replaced_by_default(entity: str) -> None:
    """A policy that says nothing replaces what is found by its entity, in every destination."""
    assert effect({}, entity) == ("replace", "replace")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"actions": {"default": "hmac"}}, ("hmac@all", "hmac@all")),
        ({"actions": {"default": "hmac"}, "destinations": {"a": {"default": "drop"}}}, ("drop", "hmac@all")),
        ({"packs": ["pci-dss"], "destinations": {"a": {"default": "drop"}}}, ("mask", "mask")),
        ({"packs": ["pci-dss"], "actions": {"CREDIT_CARD": "drop"}}, ("drop", "drop")),
        ({"actions": {"CREDIT_CARD": "drop"}, "destinations": {"a": {"default": "keep"}}}, ("drop", "drop")),
        ({"actions": {"CREDIT_CARD": "drop"}, "destinations": {"b": {"CREDIT_CARD": "keep"}}}, ("drop", "keep")),
        ({"packs": ["pci-dss", "hipaa"]}, ("replace", "replace")),
        ({"packs": ["hipaa", "pci-dss"]}, ("replace", "replace")),
    ],
)
def test_the_more_specific_wins(written: Mapping[str, Any], expected: tuple[str, ...]) -> None:
    """The destination's word on the entity, then that of actions, of the strictest pack, then the defaults."""
    assert effect(written, "CREDIT_CARD") == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"actions": {"US_SSN": "token"}}, ("token@all", "token@all")),
        ({"destinations": {"a": {"US_SSN": "token"}, "b": {"US_SSN": "hmac"}}}, ("token@a", "hmac@b")),
        ({"destinations": {"a": {"US_SSN": {"do": "token", "domain": "x"}}}}, ("token@x", "replace")),
        ({"actions": {"US_SSN": {"do": "token", "domain": "x"}}}, ("token@x", "token@x")),
    ],
)
def test_what_is_keyed_has_a_domain(written: Mapping[str, Any], expected: tuple[str, ...]) -> None:
    """What destinations do not share can be joined nowhere; what actions ask for is the same in all of them."""
    assert effect(written, "US_SSN") == expected


def test_prefix_has_a_domain_only_with_a_key() -> None:
    """A cut address is the same everywhere; an encrypted one depends on a key."""
    written = {"IP_ADDRESS": {"do": "ip_prefix", "keyed": True}}
    assert effect({"destinations": {"a": written, "b": {"IP_ADDRESS": "ip_prefix"}}}, "IP_ADDRESS") == (
        "ip_prefix@a",
        "ip_prefix",
    )


def test_packs_give_tokens_of_one_destination() -> None:
    """Tokens that a pack asks for cannot be joined between destinations."""
    assert effect({"packs": ["gdpr"]}, "EMAIL_ADDRESS") == ("token@a", "token@b")


@pytest.mark.parametrize("entity", sorted(ALWAYS_DROPPED))
def test_authentication_data_is_dropped_whatever_is_written(entity: str) -> None:
    """Card verification values and track data reach no destination."""
    written = {"actions": {entity: "keep", "default": "keep"}, "destinations": {"a": {entity: "token"}}}
    assert effect(written, entity) == ("drop", "drop")


def test_packs_add_entities_and_keys() -> None:
    """What a pack names is looked for though the policy lists less, by detectors and by attribute keys."""
    found = detection(Redaction(packs=("hipaa",), detectors=("JWT",)))
    assert {"JWT", "EMAIL_ADDRESS", "US_SSN", "IP_ADDRESS"} <= set(found.entities)
    by_key = {key: one.name for one in found.custom for key in one.keys}
    assert by_key["patient.name"] == "PERSON"
    assert by_key["geo.postal_code"] == "ZIP_CODE"
    assert set(detection(Redaction(detectors=("JWT",))).entities) - ALWAYS_DROPPED == {"JWT"}


def test_own_detector_takes_the_keys_of_a_pack() -> None:
    """A detector of one's own for an entity of a pack is one detector, with the pack's keys too."""
    own = {"name": "PERSON", "pattern": "Mr [A-Z][a-z]+", "keys": ["who"]}
    (found,) = (
        one
        for one in detection(Redaction.model_validate({"packs": ["hipaa"], "custom": [own]})).custom
        if one.name == "PERSON"
    )
    assert found.pattern == "Mr [A-Z][a-z]+"
    assert {"who", "patient.name"} <= set(found.keys)


@pytest.mark.parametrize("name", get_args(PackWord))
def test_keys_of_a_pack_can_be_looked_for(name: PackWord) -> None:
    """The processor can make a detector of every key of a pack."""
    for one in detection(Redaction(packs=(name,))).custom:
        assert custom_detector(one.name, one.pattern, one.group, one.context, one.keys).entity == one.name


def test_settings_of_an_application() -> None:
    """What needs a key or RE2 becomes replace; what every destination keeps is left alone; keys come along."""
    written = {
        "detectors": ["EMAIL_ADDRESS", "CREDIT_CARD", "IP_ADDRESS", "JWT", "US_SSN"],
        "allow": ["support@example.com"],
        "allow_patterns": [".*@example[.]com"],
        "custom": [{"name": "CUSTOMER_ID", "pattern": "CUST-[0-9]{8}", "keys": ["Customer.ID"]}],
        "actions": {
            "CREDIT_CARD": {"do": "mask", "first": 6},
            "EMAIL_ADDRESS": "keep_domain",
            "US_SSN": "token",
            "IP_ADDRESS": "keep",
            "JWT": "keep",
            "CUSTOMER_ID": "drop",
        },
        "destinations": {"b": {"JWT": "hmac"}},
    }
    found = application_settings(policy(written))
    found["detectors"] = [entity for entity in found["detectors"] if entity not in ALWAYS_DROPPED]
    assert found == {
        "version": 1,
        "revision": policy(written).revision,
        "detectors": ["EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN", "JWT"],
        "allow": ["support@example.com"],
        "actions": {
            "default": {"do": "replace"},
            "CREDIT_CARD": {"do": "mask", "first": 6, "last": 4, "char": "*"},
            "EMAIL_ADDRESS": {"do": "keep_domain"},
            "CUSTOMER_ID": {"do": "drop"},
            "CVV": {"do": "drop"},
            "TRACK_DATA": {"do": "drop"},
        },
        "keys": {"customer.id": "CUSTOMER_ID"},
        "custom": ["CUSTOMER_ID"],
    }
    assert json.loads(json.dumps(found)) == found


def test_settings_by_default() -> None:
    """Without a word in the policy an application replaces everything."""
    found = application_settings(Policy(version=1))
    assert found["detectors"] == list(DEFAULT_ENTITIES)
    assert found["actions"]["default"] == {"do": "replace"}
    assert default_policy().count("EMAIL_ADDRESS")


def test_pack_is_found_by_its_name() -> None:
    """Another name is answered with those that there are."""
    assert pack("gdpr").rule_for("EMAIL_ADDRESS") is not None
    with pytest.raises(KeyError, match="gdpr, hipaa, pci-dss, secrets"):
        pack("sox")


def test_actions_of_packs_are_effective() -> None:
    """What a pack's row says is what a destination gets, without a word in the policy."""
    for one in PACKS:
        effects = effective_actions(policy({"packs": [one.name]}))
        for entity, action in one.actions.items():
            expected = Action(do="drop") if entity in ALWAYS_DROPPED else action
            assert effects["a"][entity].do == expected.do
