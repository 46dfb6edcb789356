"""References by name from one section to another, found in the tree so that no other mistake hides a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from errorplane.policy._checks import Remark
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Path as Keys

ANY = "*"


@dataclass(frozen=True, slots=True)
class Reference:
    """Names at ``uses`` (``*`` stands for every member) must be keys of the mapping at ``defined``."""

    uses: Keys
    defined: Keys
    noun: str


REFERENCES = (
    Reference(("retention", "classes", ANY, "destinations", ANY), ("destinations",), "destination"),
    Reference(("retention", "rules", ANY, "class"), ("retention", "classes"), "class"),
    Reference(("errors", "facts", "destinations", ANY), ("destinations",), "destination"),
)


def unknown_names(tree: object, defaults: Policy) -> Iterator[Remark]:
    """A remark for every name in ``tree`` that nothing defines; ``defaults`` is what holds for what is not written."""
    for reference in REFERENCES:
        names = tuple(_names(tree, reference.defined, defaults))
        for path, value in _find(tree, reference.uses, ()):
            if isinstance(value, str) and value not in names:
                yield Remark(
                    path, f"there is no {reference.noun} of this name", allowed=names, defined=reference.defined
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
