"""Boosts raise what is kept of what they name, until their time is over, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from errorplane.classification import Subject
from errorplane.policy import AttributeTest
from errorplane.sampling import (
    BadBoost,
    Boost,
    Raise,
    Reason,
    Verdict,
    compile_boosts,
    pack_boosts,
    read_boost,
    unpack_boosts,
)
from errorplane.sampling._conditions import attribute_bit

NOW = 1_790_000_000.0
RARE = Verdict(False, Reason.PROBABILITY, "rest", 0.01)
LIMITED = Verdict(False, Reason.RATE, "some", 1.0)
NONE = Verdict(False, Reason.NO_RULE, "no_rule", 0.0)
DROPPED = Verdict(False, Reason.DROP, "probes", 0.0)
WHOLE = Verdict(True, Reason.RULE, "errors", 1.0)
HIGH, LOW = b"\xff" * 16, bytes(16)
SHOP = Subject("trace", services=frozenset({"shop"}))


def boost(**asked: Any) -> Boost:
    """A boost from ``NOW`` for an hour."""
    return read_boost({"until": NOW + 3600} | asked, "b1", NOW)


def raising(*boosts: Boost, now: float = NOW, budgeted: frozenset[str] = frozenset()) -> Raise:
    """The boosts compiled."""
    compiled = compile_boosts(boosts, lambda service: 3, budgeted, lambda: now)
    assert compiled is not None
    return compiled


def test_it_raises_the_probability_of_what_it_names() -> None:
    """A service's traces are kept with the boost's probability, by the same trace ids; the rule is still named."""
    raised = raising(boost(services=["shop", "cart"], keep=0.5))
    assert raised(RARE, SHOP, HIGH) == Verdict(True, Reason.BOOST, "rest", 0.5)
    assert raised(RARE, SHOP, LOW) == Verdict(False, Reason.BOOST, "rest", 0.5)
    assert raised(NONE, SHOP, HIGH) == Verdict(True, Reason.BOOST, "no_rule", 0.5)
    other = Subject("trace", services=frozenset({"mail"}))
    assert raised(RARE, other, HIGH) is RARE


def test_a_limit_does_not_hold_it_back_and_a_drop_does() -> None:
    """What a rate would have dropped is kept, with no lower probability than before; a rule that drops drops."""
    raised = raising(boost(services=["shop"], keep=0.5))
    assert raised(LIMITED, SHOP, LOW) == Verdict(True, Reason.BOOST, "some", 1.0)
    assert raised(DROPPED, SHOP, HIGH) is DROPPED


def test_what_is_kept_as_often_anyway_is_left_alone() -> None:
    """A verdict that a boost cannot raise keeps its reason, but for a rule whose budget is still to be asked."""
    often = Verdict(True, Reason.PROBABILITY, "rest", 0.7)
    assert raising(boost(services=["shop"], keep=0.5))(often, SHOP, HIGH) is often
    assert raising(boost(services=["shop"]))(WHOLE, SHOP, HIGH) is WHOLE
    budgeted = raising(boost(services=["shop"]), budgeted=frozenset({"errors"}))
    assert budgeted(WHOLE, SHOP, HIGH) == Verdict(True, Reason.BOOST, "errors", 1.0)


def test_every_kind_that_is_named_must_match() -> None:
    """A service and a fingerprint together ask for both; a deployment is an attribute, by any of its names."""
    both = raising(boost(services=["shop"], fingerprints=["v1:a"]))
    assert both(RARE, SHOP, HIGH) is RARE
    assert both(RARE, SHOP._replace(fingerprints=frozenset({"v1:a", "v1:b"})), HIGH).keep
    deployed = raising(boost(deployments=["1.4.2"]))
    for key in ("service.version", "deployment.environment.name", "deployment.environment"):
        hit = attribute_bit(key, AttributeTest.model_validate({"values": ["1.4.2"]}))
        assert deployed(RARE, Subject("trace", hits=hit), HIGH).keep
    assert deployed(RARE, SHOP, HIGH) is RARE


def test_the_highest_of_several_counts_until_its_time_is_over() -> None:
    """Two boosts of one service give the higher probability; once both are over nothing is raised."""
    boosts = (boost(services=["shop"], keep=0.2), boost(services=["shop"], keep=0.6, until=NOW + 60))
    assert raising(*boosts)(RARE, SHOP, HIGH).probability == 0.6
    assert raising(*boosts, now=NOW + 60)(RARE, SHOP, HIGH).probability == 0.2
    assert raising(*boosts, now=NOW + 3600)(RARE, SHOP, HIGH) is RARE
    assert compile_boosts((), lambda service: 3, (), lambda: NOW) is None


def test_it_is_stored_whole() -> None:
    """What is packed is unpacked as it was; nothing stored is no boost."""
    boosts = (boost(services=["shop"], actor="jane", reason="INC-7"), boost(fingerprints=["v1:a"], keep=0.25))
    assert unpack_boosts(pack_boosts(boosts)) == boosts
    assert unpack_boosts(b"") == ()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "name a service, a fingerprint or a deployment"),
        ({"service": ["shop"]}, "'service' is not known"),
        ({"services": "shop"}, "services must be a list"),
        ({"services": [""]}, "services must be names of 1 to 200"),
        ({"services": ["s"] * 33}, "services must be a list of at most 32"),
        ({"fingerprints": ["v1:a", "0123456789abcdef"]}, "begins with its version"),
        ({"services": ["shop"], "keep": 0}, "keep must be above 0"),
        ({"services": ["shop"], "keep": "all"}, "keep must be a number"),
        ({"services": ["shop"], "until": NOW}, "until must be a time to come"),
        ({"services": ["shop"], "until": NOW + 8 * 86400}, "at most 7 days"),
        ({"services": ["shop"], "until": None}, "until must be a number"),
        ({"services": ["shop"], "reason": "x" * 201}, "reason must be a text"),
    ],
)
def test_what_is_no_boost_is_refused(asked: dict[str, Any], message: str) -> None:
    """The text says what is wanted."""
    with pytest.raises(BadBoost, match=message):
        boost(**asked)
