"""From a policy to what looks at strings, and from packs to what they forbid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from errorplane.detectors import ALL
from errorplane.policy import Policy
from errorplane.redaction import Engine
from errorplane.scan._checker import Checker
from errorplane.scan._model import Rule


def checker_of(policy: Policy | None, packs: Sequence[str] = ()) -> Checker:
    """What looks at strings as the policy says; without one, the detectors that are on by default."""
    detectors = ALL if policy is None else tuple(each for each in ALL if each.entity in policy.redaction.detectors)
    return Checker(Engine(detectors), lambda entity: "replace")


def rules_of(packs: Sequence[str]) -> Mapping[str, Rule]:
    """What the packs forbid, by entity."""
    return {}
