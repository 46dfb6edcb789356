"""From a tree to a policy, or to every mistake in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from errorplane.policy._check_redaction import REDACTION_CHECKS
from errorplane.policy._check_sampling import SAMPLING_CHECKS
from errorplane.policy._checks import CHECKS, Check, Remark
from errorplane.policy._names import unknown_entities, unknown_names
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Path as Keys
from errorplane.policy._problems import Problem
from errorplane.policy._shapes import section_shape
from errorplane.policy._tree import Tree
from errorplane.policy._wording import Narrator, clean
from errorplane.policy.packs._checks import check_packs

ROOT = section_shape(Policy)


def validate(
    file: str, folder: Path, tree: Tree, unread: Iterable[Keys], checks: Iterable[Check] = ()
) -> tuple[Policy | None, list[Problem]]:
    """The policy in ``tree`` and all problems; ``unread`` are the paths that could not be read at all.

    ``checks`` are made beside those that every policy has to pass.

    What is wrong is cut out and the rest looked at again, until it is valid: so a mistake hides no other one, not even
    one between two sections. The policy is None when a problem is an error.
    """
    narrator = Narrator(file, tree, ROOT)
    problems = [narrator.finding(finding) for finding in tree.findings]
    wrong = Wrong(finding.path for finding in tree.findings if finding.replaced)
    wrong.update(unread)
    value: Any = tree.value
    while True:
        try:
            policy = read(value, folder)
            break
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            found = {clean(e["loc"]) for e in errors}
            problems += [narrator.error(e) for e in errors if not wrong.touches(clean(e["loc"]))]
            wrong.update(found)
            # What to take out is decided before anything is: what is gone already must not take what holds it along.
            for target in {_target(value, path) for path in found}:
                value = _remove(value, target) if target else {}
            value = {**value, "version": 1} if ("version",) in found or not value else value
    wrong.update(finding.path for finding in tree.findings)
    # A warning rests on the names being right, too: a class that nothing chooses may be one that is misspelt.
    unsure = Wrong(wrong.paths)
    remarks = [*unknown_names(tree.value, read({"version": 1}, folder)), *unknown_entities(tree.value)]
    unsure.update(remark.path for remark in remarks)
    every = (*CHECKS, *REDACTION_CHECKS, *SAMPLING_CHECKS, check_packs, *checks)
    remarks += [remark for check in every for remark in check(policy)]
    for remark in remarks:
        hidden = unsure if remark.level == "warning" else wrong
        if not hidden.hides(remark):
            problems.append(narrator.remark(remark))
    failed = bool(wrong) or any(p.level == "error" for p in problems)
    return None if failed else policy, problems


def read(value: object, folder: Path) -> Policy:
    """The policy in a plain value, relative paths starting at ``folder``. Raises pydantic's ``ValidationError``."""
    return Policy.model_validate(value, context={"folder": folder}, by_alias=True, by_name=False)


class Wrong:
    """Paths at which something is wrong."""

    def __init__(self, paths: Iterable[Keys]) -> None:
        self.paths: set[Keys] = set()
        self._around: set[Keys] = set()
        self.update(paths)

    def __bool__(self) -> bool:
        return bool(self.paths)

    def update(self, paths: Iterable[Keys]) -> None:
        """Add paths."""
        for path in paths:
            self.paths.add(path)
            self._around.update(path[:length] for length in range(len(path)))

    def touches(self, path: Keys) -> bool:
        """Whether ``path`` is one of them, or within one, or around one."""
        return path in self._around or self._holds(path)

    def hides(self, remark: Remark) -> bool:
        """Whether what ``remark`` says rests on something wrong."""
        if remark.defined is not None and self._holds(remark.defined):
            return True
        return any(self.touches(path) for path in (remark.path, *remark.rests_on))

    def _holds(self, path: Keys) -> bool:
        return any(path[:length] in self.paths for length in range(len(path) + 1))


def _target(value: Any, path: Keys) -> Keys:
    """What to take out of ``value`` for a mistake at ``path``; empty for everything.

    A list is taken out as a whole, so that the numbers of other items stay right. What is missing takes what should
    hold it with it.
    """
    target = _existing(value, path)
    while target and isinstance(target[-1], int):
        target = target[:-1]
    return target


def _existing(value: Any, path: Keys) -> Keys:
    """The longest part of ``path`` that is there."""
    for length, part in enumerate(path):
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
        if not inside:
            return path[:length]
        value = value[part]
    return path


def _remove(value: Any, path: Keys) -> Any:
    """``value`` without what stands at ``path``, if that is there."""
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_remove(one, rest) if number == head else one for number, one in enumerate(value)]
    return {key: _remove(one, rest) if key == head else one for key, one in value.items() if key != head or rest}
