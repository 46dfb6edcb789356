"""What a pack is: rules about one entity each, and rules that the policy as a whole must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from errorplane.policy._actions import Action
from errorplane.policy._vocabulary import DataClassWord, PackWord

REPLACE = Action(do="replace")
DROP = Action(do="drop")
TOKEN = Action(do="token")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack about one entity."""

    id: str
    """Number of the rule in its source, such as ``164.514(b)(2)(i)(A)``."""
    entity: str
    quote: str
    """The words of the rule, cut short."""
    action: Action
    """What is done where the policy says nothing else."""
    places: str
    """Where in telemetry it hides."""
    keys: tuple[str, ...] = ()
    """Attribute keys, in lower case, whose whole value is one; in texts, names of a value that is one."""
    data_class: DataClassWord = "personal"


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule that a pack holds against the policy as a whole."""

    id: str
    quote: str
    refuses: str
    """What a policy must not do, in our words."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A reviewed list of rules."""

    name: PackWord
    title: str
    """The source of the rules, with its version."""
    rules: tuple[Rule, ...]
    policy_rules: tuple[PolicyRule, ...] = field(default=())

    @property
    def entities(self) -> tuple[str, ...]:
        """What the pack wants to be found, each once, in the order of the rules."""
        return tuple(dict.fromkeys(rule.entity for rule in self.rules))

    @property
    def actions(self) -> Mapping[str, Action]:
        """The action of each entity; the first rule about it decides."""
        return {rule.entity: rule.action for rule in reversed(self.rules)}

    def rule_for(self, entity: str) -> Rule | None:
        """The first rule about an entity; None where the pack says nothing of it."""
        return next((rule for rule in self.rules if rule.entity == entity), None)

    def policy_rule(self, number: str) -> PolicyRule:
        """The rule about the whole policy with this number. Raises ``KeyError``."""
        return {rule.id: rule for rule in self.policy_rules}[number]
