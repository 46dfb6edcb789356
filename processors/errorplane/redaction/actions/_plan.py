"""Which action is done when: before the journal, or on sending.

Where all destinations agree on an entity, its action is done before anything is written. Where they differ, the journal
holds a token under a key of its own, and on sending each destination's action replaces it. Where what they do does not
depend on the value, that token holds none.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

from errorplane.detectors import Finding, Transform, replacement
from errorplane.keys import KeyProvider
from errorplane.policy import ALWAYS_DROPPED, Action, leniency
from errorplane.redaction.actions._compile import Compiler
from errorplane.redaction.actions._keyed import Keyring
from errorplane.redaction.actions._rewrite import NOTHING, Rewriter

DEFAULT = "default"
_REPLACE, _DROP = Action(do="replace"), Action(do="drop")
_BLIND = frozenset(("replace", "drop"))
_REMEMBERED = 1024  # sets of entities that were found in one place

Effective = Mapping[str, Mapping[str, Action]]
"""Destination -> entity (or ``default``) -> action."""


class ActionPlan:
    """The actions of one policy, compiled; safe to use from several threads.

    Raises ``KeyUnavailable`` and ``SealError`` for keys that cannot be had. Keys of tokens are only asked for where an
    action needs one.
    """

    def __init__(self, effective: Effective, keys: KeyProvider, compiler: Compiler | None = None) -> None:
        keyring = Keyring(keys)
        self._compile = compiler or Compiler(keyring)
        self._journal = keyring.journal()
        retired = keyring.retired_journal()
        self._effective = effective
        self._before: dict[str, Transform] = {}
        self._rewriters = {
            name: Rewriter(self._journal, _OnSending(actions, self._compile), retired)
            for name, actions in effective.items()
        }
        self._strictest = functools.lru_cache(_REMEMBERED)(self._strict)
        self._for_others = Rewriter(self._journal, _OnSending({}, self._compile), retired)
        for entity in sorted({DEFAULT, *ALWAYS_DROPPED}.union(*effective.values())):
            self._before[entity] = self._choose(entity)

    def before(self, finding: Finding, value: str) -> str:
        """What is journalled in place of a finding.

        Where it is of several entities, each destination gets the strictest of its actions on them.
        """
        if finding.also:
            entity = self._strictest(finding.entities)
            if entity is None:
                return replacement(finding.entity)
            finding = replace(finding, entity=entity)
        transform = self._before.get(finding.entity) or self._before[DEFAULT]
        return transform(finding, value)

    def rewriter(self, destination: str) -> Rewriter:
        """What puts a destination's actions in place of the journal's tokens.

        One that the policy does not know gets every value replaced by its entity.
        """
        return self._rewriters.get(destination, self._for_others)

    def _strict(self, entities: tuple[str, ...]) -> str | None:
        """The entity whose actions are the strictest for every destination; None where each wants another."""
        left = {
            entity: [leniency(action_for(actions, entity)) for actions in self._effective.values()]
            for entity in entities
        }
        least = [min(each) for each in zip(*left.values(), strict=True)]
        return next((entity for entity in entities if left[entity] == least), None)

    def _choose(self, entity: str) -> Transform:
        chosen = [action_for(actions, entity) for actions in self._effective.values()] or [_REPLACE]
        if all(_what(action) == _what(chosen[0]) for action in chosen):
            return self._compile(chosen[0])
        key = self._journal
        if all(action.do in _BLIND for action in chosen):
            return lambda finding, _: key.token(finding.entity, NOTHING)
        return lambda finding, value: key.token(finding.entity, value)


class _OnSending:
    """What one destination does to what the journal's tokens stand for."""

    def __init__(self, actions: Mapping[str, Action], compiler: Compiler) -> None:
        self._actions = actions
        self._compile = compiler
        self._made: dict[tuple[object, ...], Transform] = {}
        for entity in (*actions, DEFAULT):
            self._transform(action_for(actions, entity))

    def __call__(self, finding: Finding, value: str) -> str:
        action = action_for(self._actions, finding.entity)
        # The value of a token that a policy wrote whose destinations needed none is not there for a later one.
        known = value != NOTHING or action.do in _BLIND
        return self._transform(action if known else _REPLACE)(finding, value)

    def _transform(self, action: Action) -> Transform:
        what = _what(action)
        if what not in self._made:
            self._made[what] = self._compile(action)
        return self._made[what]


def action_for(actions: Mapping[str, Action], entity: str) -> Action:
    """What a destination does to an entity."""
    if entity in ALWAYS_DROPPED:
        return _DROP
    return actions.get(entity) or actions.get(DEFAULT) or _REPLACE


def _what(action: Action) -> tuple[object, ...]:
    return action.do, tuple(sorted(action.options.items()))
