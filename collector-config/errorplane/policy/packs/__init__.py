"""Rule sets for ``redaction.packs``: which entity hides where in telemetry, what is done to it, and which rule says so.

They are engineering defaults with the number of the rule beside each, and no legal advice.
"""

from __future__ import annotations

from errorplane.policy.packs._gdpr import GDPR
from errorplane.policy.packs._hipaa import HIPAA
from errorplane.policy.packs._model import Pack, PolicyRule, Rule
from errorplane.policy.packs._pci_dss import PCI_DSS
from errorplane.policy.packs._secrets import SECRETS

__all__ = ["PACKS", "Pack", "PolicyRule", "Rule", "pack", "rule_for"]

PACKS: tuple[Pack, ...] = (GDPR, HIPAA, PCI_DSS, SECRETS)


def pack(name: str) -> Pack:
    """The pack of this name. Raises ``KeyError`` with the names that there are.

    >>> pack("hipaa").policy_rule("164.514(b)(2)(i)(A)").quote
    'Names'
    """
    for one in PACKS:
        if one.name == name:
            return one
    raise KeyError(f"no pack {name}: there are {', '.join(one.name for one in PACKS)}")


def rule_for(name: str, entity: str) -> Rule | None:
    """The rule of the pack ``name`` about ``entity``; None where it says nothing of it. Raises ``KeyError``."""
    return pack(name).rule_for(entity)
