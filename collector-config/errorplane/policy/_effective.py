"""What a policy's redaction comes to: packs, defaults and destinations laid over one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from errorplane.policy._actions import Action
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Path as Keys
from errorplane.policy._redaction import CustomDetector, Redaction
from errorplane.policy._vocabulary import ENTITIES, EntityWord
from errorplane.policy.packs import Pack, pack

DEFAULT = "default"
EVERYWHERE = "all"
"""Domain of the tokens and hashes that ``actions`` ask for: the same for all destinations."""
ALWAYS_DROPPED = frozenset({"CVV", "TRACK_DATA"})
"""Never kept, whatever a policy says (PCI DSS 3.3.1)."""
_DROP, _REPLACE = Action(do="drop"), Action(do="replace")

# The least that is left comes first: where two packs name one entity, or one text is two entities, both must be content.
_STRICTNESS = ("drop", "replace", "encrypt", "hmac", "token", "mask", "generalise", "keep_domain", "ip_prefix", "keep")


@dataclass(frozen=True, slots=True)
class Detection:
    """What is looked for."""

    entities: tuple[EntityWord, ...]
    """Built-in entities, in the order of the vocabulary."""
    custom: tuple[CustomDetector, ...]
    """The policy's own detectors, then one for each entity whose attribute keys the packs name; it may be built in."""
    names: Mapping[str, tuple[str, ...]]
    """By entity, the attribute keys of the packs: texts, and longer keys, use them as names too."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An action, and the path of the policy that it comes from."""

    action: Action
    path: Keys


def detection(redaction: Redaction) -> Detection:
    """What is looked for: what ``redaction`` lists, what its packs add, and what must never be kept."""
    packs = packs_of(redaction)
    wanted = {*redaction.detectors, *ALWAYS_DROPPED, *(entity for one in packs for entity in one.entities)}
    entities = tuple(entity for entity in ENTITIES if entity in wanted)
    rows = [rule for one in packs for rule in one.rules if rule.keys]
    keys: dict[str, tuple[str, ...]] = {}
    for rule in rows:
        keys[rule.entity] = tuple(dict.fromkeys((*keys.get(rule.entity, ()), *rule.keys)))
    classes = {rule.entity: rule.data_class for rule in reversed(rows)}
    names = dict(keys)
    own = tuple(_with_keys(one, keys.pop(one.name, ())) for one in redaction.custom)
    # Not validated again, which would look for each key in sample texts: a test has done that for every pack.
    added = (CustomDetector.model_construct(name=name, keys=keys[name], data_class=classes[name]) for name in keys)
    return Detection(entities, (*own, *added), names)


def _with_keys(detector: CustomDetector, keys: tuple[str, ...]) -> CustomDetector:
    """A detector of the policy's own for an entity of a pack takes the pack's keys too."""
    return detector.model_copy(update={"keys": tuple(dict.fromkeys((*detector.keys, *keys)))}) if keys else detector


def entities_of(redaction: Redaction) -> tuple[str, ...]:
    """Every entity that something may find, each once."""
    found = detection(redaction)
    ner = () if redaction.ner is None else redaction.ner.entities
    packs = (entity for one in packs_of(redaction) for entity in one.entities)
    names = (*found.entities, *packs, *(one.name for one in found.custom), *redaction.presidio, *ner)
    return tuple(dict.fromkeys((*names, *sorted(ALWAYS_DROPPED))))


def effective_actions(policy: Policy) -> Mapping[str, Mapping[str, Action]]:
    """What each destination gets of each entity: by destination, then by entity, with ``default`` for any other.

    The more specific wins: what the destination says of the entity, what ``actions`` say of it, what a pack says (the
    strictest of several), then the defaults of the destination and of ``actions``, then ``replace``. Card verification
    values and track data are always dropped. What is keyed has its domain: that which is written, else ``all``
    where ``actions`` ask for it, else the destination's name.
    """
    names = (*entities_of(policy.redaction), DEFAULT)
    return {
        destination: {name: choose(policy, destination, name).action for name in names}
        for destination in policy.destinations
    }


def choose(policy: Policy, destination: str | None, entity: str) -> Chosen:
    """The action on ``entity`` and where it comes from; without a destination, what holds for all of them."""
    if entity in ALWAYS_DROPPED:
        return Chosen(_DROP, ("redaction",))
    general = policy.redaction.actions
    own = policy.redaction.destinations.get(destination, {}) if destination is not None else {}
    here: Keys = ("redaction", "destinations", destination or "")
    domain = destination or EVERYWHERE
    if entity in own:
        return Chosen(_in_domain(own[entity], domain), (*here, entity))
    if entity in general:
        return Chosen(_in_domain(general[entity], EVERYWHERE), ("redaction", "actions", entity))
    said = [
        (number, one.actions[entity]) for number, one in enumerate(packs_of(policy.redaction)) if entity in one.actions
    ]
    if said:
        number, action = min(said, key=lambda each: leniency(each[1]))
        return Chosen(_in_domain(action, domain), ("redaction", "packs", number))
    if DEFAULT in own:
        return Chosen(_in_domain(own[DEFAULT], domain), (*here, DEFAULT))
    if DEFAULT in general:
        return Chosen(_in_domain(general[DEFAULT], EVERYWHERE), ("redaction", "actions", DEFAULT))
    return Chosen(_REPLACE, ("redaction",))


def leniency(action: Action) -> tuple[int, int]:
    """How much an action leaves of a value, to be compared: the least is the strictest."""
    return _STRICTNESS.index(action.do), action.first + action.last if action.do == "mask" else 0


def packs_of(redaction: Redaction) -> tuple[Pack, ...]:
    """The packs that a policy names."""
    return tuple(pack(name) for name in redaction.packs)


def _in_domain(action: Action, domain: str) -> Action:
    keyed = action.do in ("token", "hmac") or (action.do == "ip_prefix" and action.keyed)
    if not keyed or action.domain is not None:
        return action
    return action.model_copy(update={"domain": domain})
