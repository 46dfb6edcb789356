"""References by name from one section to another, found in the tree so that no other mistake hides a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from errorplane.policy._checks import Remark
from errorplane.policy._effective import ALWAYS_DROPPED, DEFAULT
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Path as Keys
from errorplane.policy._redaction import Ner
from errorplane.policy._vocabulary import ENTITIES
from errorplane.policy.packs import PACKS

ANY = "*"
ENTITY_LISTS: tuple[Keys, ...] = (
    ("redaction", "custom", ANY, "name"),
    ("redaction", "presidio", ANY),
    ("redaction", "ner", "entities", ANY),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Names at ``uses`` (``*`` stands for every member) must be keys of the mapping at ``defined``.

    ``keys``: the names are the last keys of ``uses``, not the values that stand there.
    """

    uses: Keys
    defined: Keys
    noun: str
    keys: bool = False


REFERENCES = (
    Reference(("retention", "classes", ANY, "destinations", ANY), ("destinations",), "destination"),
    Reference(("retention", "rules", ANY, "class"), ("retention", "classes"), "class"),
    Reference(("errors", "facts", "destinations", ANY), ("destinations",), "destination"),
    Reference(("sampling", "daily_bytes", "destinations", ANY), ("destinations",), "destination", keys=True),
    Reference(("sampling", "rules", ANY, "share_of"), ("sampling", "totals"), "total"),
    Reference(("redaction", "destinations", ANY), ("destinations",), "destination", keys=True),
)


def unknown_names(tree: object, defaults: Policy) -> Iterator[Remark]:
    """A remark for every name in ``tree`` that nothing defines; ``defaults`` is what holds for what is not written."""
    for reference in REFERENCES:
        names = tuple(_names(tree, reference.defined, defaults))
        message = f"there is no {reference.noun} of this name"
        for path, value in _find(tree, reference.uses, ()):
            name = path[-1] if reference.keys else value
            if isinstance(name, str) and name not in names:
                yield Remark(path, message, allowed=names, defined=reference.defined, about_key=reference.keys)


def unknown_entities(tree: object) -> Iterator[Remark]:
    """A remark for every entity in ``redaction.actions`` and ``redaction.destinations`` that nothing can find."""
    found = (value for path in ENTITY_LISTS for _, value in _find(tree, path, ()))
    packs = [pack for _, pack in _find(tree, ("redaction", "packs", ANY), ())]
    declared = [value for value in found if isinstance(value, str)]
    if any(True for _ in _find(tree, ("redaction", "ner"), ())):
        declared += Ner().entities
    added = (entity for pack in PACKS if pack.name in packs for entity in pack.entities)
    allowed = tuple(dict.fromkeys((DEFAULT, *declared, *ENTITIES, *sorted(ALWAYS_DROPPED), *added)))
    for use in (("redaction", "actions", ANY), ("redaction", "destinations", ANY, ANY)):
        for path, _ in _find(tree, use, ()):
            if path[-1] not in allowed:
                yield Remark(
                    path,
                    "nothing finds this entity: declare it under custom, presidio or ner, or correct the name",
                    allowed=allowed,
                    defined=("redaction", "custom"),
                    about_key=True,
                )


def _names(tree: object, path: Keys, defaults: Policy) -> Iterator[str]:
    found = next(_find(tree, path, ()), None)
    if found is None:
        value: object = defaults
        for part in path:
            value = getattr(value, str(part))
    else:
        value = found[1]
    if isinstance(value, dict):
        yield from value


def _find(tree: object, pattern: Keys, path: Keys) -> Iterator[tuple[Keys, object]]:
    if not pattern:
        yield path, tree
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(tree, dict):
        for key, value in tree.items():
            if head in (key, ANY):
                yield from _find(value, rest, (*path, key))
    elif isinstance(tree, list) and head == ANY:
        for number, value in enumerate(tree):
            yield from _find(value, rest, (*path, number))
