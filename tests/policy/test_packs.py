"""The packs are complete, quote their rules, and agree with themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import get_args

import pytest

from errorplane.detectors import ALL, DataClass, data_class
from errorplane.policy import ALWAYS_DROPPED, LoadResult
from errorplane.policy._vocabulary import PackWord
from errorplane.policy.packs import PACKS, Pack, Rule, pack, rule_for

Read = Callable[..., LoadResult]
RULES = [(one, rule) for one in PACKS for rule in one.rules]
NUMBERS = {
    "gdpr": r"Art\. [0-9]+(\([0-9]\))?(\([a-f]\))?",
    "hipaa": r"164\.514\(b\)\(2\)\(i\)\([A-R]\)",
    "pci-dss": r"3\.[2-6](\.[0-9]){1,2}",
    "secrets": r"CWE-[0-9]+",
}

# Found by the model of names and places alone, which a policy asks for with redaction.ner.
BY_MODEL = {"PERSON", "LOCATION"}


def test_there_is_a_pack_for_each_word() -> None:
    """A policy can name each pack, and no other."""
    assert tuple(one.name for one in PACKS) == get_args(PackWord)


@pytest.mark.parametrize(("one", "rule"), RULES, ids=[f"{one.name}-{rule.entity}" for one, rule in RULES])
def test_row_is_whole(one: Pack, rule: Rule) -> None:
    """Each row has the number of a rule, a short quote, and a place where the entity hides."""
    assert re.fullmatch(NUMBERS[one.name], rule.id)
    assert 4 < len(rule.quote) < 140
    assert rule.places
    assert rule.action.do != "keep"
    assert all(key == key.lower() for key in rule.keys)


@pytest.mark.parametrize(("one", "rule"), RULES, ids=[f"{one.name}-{rule.entity}" for one, rule in RULES])
def test_entity_can_be_found(one: Pack, rule: Rule) -> None:
    """Each row names an entity of a detector, of the model of names and places, or attributes that hold one."""
    assert rule.keys or rule.entity in {*(each.entity for each in ALL), *BY_MODEL}
    if rule.entity in {each.entity for each in ALL}:
        assert rule.data_class == data_class(rule.entity).value


@pytest.mark.parametrize("one", PACKS, ids=lambda one: one.name)
def test_key_means_one_entity(one: Pack) -> None:
    """No attribute key stands for two entities of a pack, and no entity has two rows."""
    keys = [key for rule in one.rules for key in rule.keys]
    assert sorted(keys) == sorted(set(keys))
    assert len(one.entities) == len(one.rules)


def test_packs_agree_on_keys() -> None:
    """Packs that are used together do not give one key to two entities."""
    meaning: dict[str, set[str]] = {}
    for _, rule in RULES:
        for key in rule.keys:
            meaning.setdefault(key, set()).add(rule.entity)
    assert {key: found for key, found in meaning.items() if len(found) > 1} == {}


def test_hipaa_has_all_eighteen_identifiers() -> None:
    """45 CFR 164.514(b)(2)(i) has the paragraphs (A) to (R), and each has a row."""
    assert {rule.id[-2] for rule in pack("hipaa").rules} == set("ABCDEFGHIJKLMNOPQR")


def test_pci_dss_drops_authentication_data() -> None:
    """3.3.1 has three parts: track, card verification code, PIN."""
    found = {rule.id: rule.action.do for rule in pack("pci-dss").rules if rule.id.startswith("3.3.1")}
    assert found == {"3.3.1.1": "drop", "3.3.1.2": "drop", "3.3.1.3": "drop"}
    assert set(pack("pci-dss").entities) >= ALWAYS_DROPPED


def test_secrets_has_every_secret() -> None:
    """What a detector calls a secret is in the pack of secrets."""
    found = {each.entity for each in ALL if data_class(each.entity) is DataClass.SECRET}
    assert found <= set(pack("secrets").entities)


def test_rule_is_found_by_entity() -> None:
    """A leak can be told with the number of the rule and its words."""
    rule = rule_for("hipaa", "US_SSN")
    assert rule is not None
    assert (rule.id, rule.quote) == ("164.514(b)(2)(i)(G)", "Social security numbers")
    assert rule_for("secrets", "US_SSN") is None


@pytest.mark.parametrize("name", get_args(PackWord))
def test_pack_alone_is_a_good_policy(reading: Read, name: str) -> None:
    """Named alone, a pack asks for nothing that it refuses itself; hipaa needs a way to find names."""
    more = ", ner: {}" if name == "hipaa" else ""
    assert reading(f"version: 1\nredaction: {{packs: [{name}]{more}}}\n").errors == ()


def test_all_packs_together_are_a_good_policy(reading: Read) -> None:
    """The strictest action on each entity pleases every pack, also with two destinations."""
    text = """\
version: 1
keys: {tokens: {env: TOKENS}}
destinations: {a: {file: {path: ./a/}}, b: {otlp: {endpoint: "https://b:4317"}}}
redaction: {packs: [gdpr, hipaa, pci-dss, secrets], ner: {}}
"""
    assert [p for p in reading(text).problems if "is pseudonymised" not in p.message] == []
