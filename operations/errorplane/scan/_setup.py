"""From a policy to what looks at strings, and from packs to what they forbid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from errorplane.detectors import Finding
from errorplane.keys import EphemeralKeys
from errorplane.policy import Action, Policy, leniency
from errorplane.policy._effective import choose
from errorplane.policy.packs import PACKS, pack
from errorplane.redaction import Redactor
from errorplane.redaction.actions import Compiler, Keyring
from errorplane.redaction.ner import Names
from errorplane.scan._checker import Checker
from errorplane.scan._model import Rule

PACK_NAMES = tuple(one.name for one in PACKS)


def checker_of(policy: Policy | None, packs: Sequence[str] = (), destination: str | None = None) -> Checker:
    """What looks at strings as the policy says, and for what the packs name besides.

    Actions are those for ``destination``, or those that hold for all of them; without a policy the detectors that are
    on by default look, and what they find is replaced. Raises ``SealError`` for public keys that cannot be read,
    ``ExtraUnavailable`` for recognisers and models that are not installed.
    """
    policy = policy or Policy(version=1)
    wanted = tuple(dict.fromkeys((*policy.redaction.packs, *packs)))
    looked_for = policy.redaction.model_copy(update={"packs": wanted})
    actions = _Actions(policy, destination)
    engine = Redactor.from_policy(looked_for, actions).engine
    ner = policy.redaction.ner
    names = None if ner is None else Names(ner.model, ner.entities, ner.deadline)
    return Checker(engine, lambda finding: actions.of(finding).do, names=names, transform=actions)


class _Actions:
    """The transform of a policy for one destination."""

    def __init__(self, policy: Policy, destination: str | None) -> None:
        self._policy = policy
        self._destination = destination
        self._compile = Compiler(Keyring(EphemeralKeys()))
        self._made: dict[str, tuple[Action, Callable[[Finding, str], str]]] = {}

    def of(self, finding: Finding) -> Action:
        """What is done to a finding."""
        return self._for(self._strictest(finding))[0]

    def __call__(self, finding: Finding, value: str) -> str:
        entity = self._strictest(finding)
        return self._for(entity)[1](replace(finding, entity=entity), value)

    def _strictest(self, finding: Finding) -> str:
        """Of the entities that were found in one place that of which the least is left."""
        return min(finding.entities, key=lambda entity: leniency(self._for(entity)[0]))

    def _for(self, entity: str) -> tuple[Action, Callable[[Finding, str], str]]:
        made = self._made.get(entity)
        if made is None:
            action = choose(self._policy, self._destination, entity).action
            made = self._made[entity] = (action, self._compile(action))
        return made


def rules_of(packs: Sequence[str]) -> Mapping[str, Rule]:
    """What the packs forbid, by entity, with the first rule about each."""
    forbidden: dict[str, Rule] = {}
    for one in map(pack, packs):
        for rule in one.rules:
            forbidden.setdefault(rule.entity, Rule(one.name, rule.id, rule.quote))
    return forbidden
