"""What the checks of the packs share: which action an entity gets where, and how a broken rule is quoted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errorplane.policy._actions import Action
from errorplane.policy._checks import Remark
from errorplane.policy._effective import choose, entities_of
from errorplane.policy._patterns import compile_pattern
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Level
from errorplane.policy._problems import Path as Keys
from errorplane.policy.packs._model import Pack, PolicyRule, Rule
from errorplane.policy.packs._secrets import SECRETS

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Use:
    """One action on one entity, as it stands at ``path``, and the destinations that get its result."""

    entity: str
    action: Action
    path: Keys
    destinations: tuple[str, ...]

    @property
    def where(self) -> str:
        """The destinations in words."""
        return f"for {' and '.join(self.destinations)}"

    @property
    def shows(self) -> bool:
        """Whether characters of the value itself stay."""
        return self.action.do == "keep" or (self.action.do == "mask" and self.action.first + self.action.last > 0)

    @property
    def keyed(self) -> bool:
        """Whether the result is the same for the same value, under a key."""
        return self.action.do in ("token", "hmac") or (self.action.do == "ip_prefix" and self.action.keyed)


def uses(policy: Policy, entities: Iterable[str]) -> Iterator[Use]:
    """Every action on one of ``entities``, destinations that share it together."""
    for entity in dict.fromkeys(entities):
        found: dict[tuple[Keys, str], tuple[Action, list[str]]] = {}
        for name in policy.destinations:
            chosen = choose(policy, name, entity)
            found.setdefault((chosen.path, repr(chosen.action)), (chosen.action, []))[1].append(name)
        for (path, _), (action, names) in found.items():
            yield Use(entity, action, path, tuple(names))


def allowed(policy: Policy, samples: Sequence[str]) -> Iterator[Keys]:
    """Where a pattern stands that lets one of ``samples`` through: it means much more than exceptions."""
    for number, pattern in enumerate(policy.redaction.allow_patterns):
        compiled: Any = compile_pattern(pattern)
        if any(compiled.fullmatch(sample) for sample in samples):
            yield "redaction", "allow_patterns", number


def breaks(pack: Pack, rule: Rule | PolicyRule, path: Keys, message: str, level: Level = "error") -> Remark:
    """A remark that quotes the rule by its number; what it says rests on the destinations being right."""
    return Remark(path, f'{message} ({pack.name} {rule.id}: "{rule.quote}")', level, rests_on=(("destinations",),))


def together(found: Iterable[Use]) -> Iterator[Use]:
    """Uses that stand at one place as one, with the names of the first entities: ``A, B, C and 5 more``."""
    groups: dict[tuple[Keys, tuple[str, ...]], list[Use]] = {}
    for use in found:
        groups.setdefault((use.path, use.destinations), []).append(use)
    for first, *others in groups.values():
        names = [first.entity, *(use.entity for use in others)]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        yield replace(first, entity=shown)


def personal_entities(policy: Policy) -> tuple[str, ...]:
    """Every entity that may be found and is no secret: what tells of somebody, or could."""
    secrets = {*SECRETS.entities, *own_detectors(policy, "secret")}
    return tuple(entity for entity in entities_of(policy.redaction) if entity not in secrets)


def own_detectors(policy: Policy, *classes: str) -> tuple[str, ...]:
    """Names of the policy's own detectors of these data classes."""
    return tuple(one.name for one in policy.redaction.custom if one.data_class in classes)


def tokens_key_within(policy: Policy, folder: Path) -> bool:
    """Whether the key of tokens is a file in ``folder`` or below it."""
    file = policy.key_source("tokens").file
    return file is not None and folder.resolve() in file.resolve().parents
