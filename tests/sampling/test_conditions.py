"""Conditions of sampling rules, alone and combined."""

from __future__ import annotations

from typing import Any

import pytest

from errorplane.classification import Subject
from errorplane.policy import SamplingWhen
from errorplane.sampling._conditions import (
    attribute_bit,
    compile_sampling_when,
    deployment_bit,
    sampled_flag_bit,
    status_bit,
)
from errorplane.sampling._hits import hit_bit

TIERS = {"checkout": 1, "search": 2}
VIP = SamplingWhen.model_validate({"attributes": {"user.vip": {"is": True}}})
assert VIP.attributes is not None
SUBJECT = Subject(
    "trace",
    error=True,
    duration_s=2.0,
    services=frozenset({"checkout", "images"}),
    kinds=frozenset({"timeout"}),
    fingerprints=frozenset({"v1:aa", "v1:bb"}),
    spans=7,
    hits=attribute_bit("user.vip", VIP.attributes["user.vip"]) | status_bit("unset") | deployment_bit(60.0),
)


def holds(subject: Subject = SUBJECT, **when: Any) -> bool:
    """Whether conditions, as a policy would have them, hold for a subject."""
    compiled = compile_sampling_when(SamplingWhen.model_validate(when), lambda service: TIERS.get(service, 3))
    return compiled(subject)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, True),
        ({"duration_under": "3s"}, True),
        ({"duration_under": "2s"}, False),
        ({"spans": {"min": 7}}, True),
        ({"spans": {"min": 8}}, False),
        ({"spans": {"max": 7}}, True),
        ({"spans": {"min": 2, "max": 6}}, False),
        ({"attributes": {"user.vip": {"is": True}}}, True),
        ({"attributes": {"user.vip": {"is": False}}}, False),
        ({"attributes": {"user.vip": {"is": True}, "tenant": {}}}, False),
        ({"span_status": "unset"}, True),
        ({"span_status": ["ok", "unset"]}, True),
        ({"span_status": ["ok", "error"]}, False),
        ({"sampled_flag": True}, False),
        ({"sampled_flag": False}, True),
        ({"trace_state": {"vendor": "gold"}}, False),
        ({"fingerprint": "v1:bb"}, True),
        ({"fingerprint": ["v1:cc", "v1:b"]}, False),
        ({"tier": 1}, True),
        ({"tier": [2, 3]}, True),
        ({"tier": 2}, False),
        ({"new_deployment": "1m"}, True),
        ({"new_deployment": "2m"}, False),
        ({"not": {"tier": 1}}, False),
        ({"not": {"tier": 2}}, True),
        ({"not": {"tier": 1, "kind": "bug"}}, True),
        ({"any_of": [{"tier": 2}, {"kind": "bug"}]}, False),
        ({"any_of": [{"tier": 2}, {"kind": "timeout"}]}, True),
        ({"any_of": [{"kind": "timeout", "not": {"tier": 1}}, {"tier": 2}]}, False),
        ({"status": "ok", "any_of": [{"kind": "timeout"}]}, False),
        ({"status": "error", "any_of": [{"kind": "timeout"}], "not": {"kind": "bug"}}, True),
    ],
)
def test_conditions(when: dict[str, Any], expected: bool) -> None:
    """All that are given must hold, of alternatives one, and what is excluded must not."""
    assert holds(**when) is expected


def test_a_log_record_has_no_spans() -> None:
    """What is about spans never holds for a log record, whichever way it is asked."""
    log = Subject("log", services=frozenset({"checkout"}))
    for when in ({"spans": {"max": 5}}, {"duration_under": "1s"}, {"sampled_flag": False}, {"span_status": "unset"}):
        assert not holds(log, **when)
    assert holds(log, tier=1)


def test_bits_outlive_a_policy() -> None:
    """Equal conditions have one bit for the life of the process, different ones have different bits."""
    assert hit_bit(("a", 1)) == hit_bit(("a", 1))
    bits = {hit_bit(("a", 1)), hit_bit(("a", 2)), sampled_flag_bit(), status_bit("ok"), status_bit("error")}
    assert len(bits) == 5
    assert all(bit.bit_count() == 1 for bit in bits)
