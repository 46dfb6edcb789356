"""From a file to a ``Policy``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from errorplane.policy._check_redaction import no_shadow
from errorplane.policy._checks import Check
from errorplane.policy._compose import MAX_CHARACTERS, Composed, TooMuch, compose
from errorplane.policy._policy import Policy
from errorplane.policy._problems import PolicyError, Problem
from errorplane.policy._tree import Tree, plant
from errorplane.policy._validate import validate

_MAX_BYTES = 4 * MAX_CHARACTERS


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What reading a policy gave. ``policy`` is None exactly when one of ``problems`` is an error."""

    policy: Policy | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Mistakes: with one of them there is no policy."""
        return tuple(p for p in self.problems if p.level == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is allowed but doubtful, such as a rule that is never reached."""
        return tuple(p for p in self.problems if p.level == "warning")


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Policy:
    """The policy in ``path``; raises ``PolicyError`` with all mistakes at once. Warnings are left to ``read``."""
    result = read(path, environ)
    if result.policy is None:
        raise PolicyError(result.errors)
    return result.policy


def check(path: Path, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """Every mistake and every warning, in the order of the file."""
    return list(read(path, environ).problems)


def read(path: Path, environ: Mapping[str, str] = os.environ) -> LoadResult:
    """The policy in ``path`` and everything that there is to say about it.

    ``environ`` is what ``${env:NAME}`` is looked up in. Relative paths in the policy start at the folder of ``path``.
    What is wrong with a shadow policy is told after that, under the name of its own file.
    """
    return _read(path, environ, ())


def _read(path: Path, environ: Mapping[str, str], checks: tuple[Check, ...]) -> LoadResult:
    file = str(path)
    try:
        text = _text(path)
    except _Unreadable as error:
        return _refused(file, str(error))
    folder = path.parent.absolute()
    try:
        composed = compose(text)
        if composed.root is None and not composed.problems:
            return _refused(file, "is empty: the smallest policy is the line version: 1")
        tree = Tree({"version": 1}) if composed.root is None else plant(composed.root, folder, environ)
    except TooMuch as error:
        return _refused(file, f"is too large: {error}", error.mark)
    problems = [Problem(file, p.line, p.column, "", None, (), p.message) for p in composed.problems]
    policy, found = validate(file, folder, tree, _unread(composed), checks)
    problems += found
    ordered = sorted(set(problems), key=lambda p: (p.line, p.column, p.path, p.message))
    shadowed = [] if checks else _shadow_problems(tree.value, path.parent, environ)
    failed = any(p.level == "error" for p in shadowed)
    return LoadResult(None if failed else policy, (*ordered, *shadowed))


def _shadow_problems(tree: object, folder: Path, environ: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the policy that ``tree`` names as its shadow, if that file is there.

    Only its redaction runs, so only that is worth a warning.
    """
    redaction = tree.get("redaction") if isinstance(tree, dict) else None
    written = redaction.get("shadow") if isinstance(redaction, dict) else None
    if not isinstance(written, str) or "\x00" in written or not (folder / written).is_file():
        return []
    problems = _read(folder / written, environ, (no_shadow,)).problems
    return [p for p in problems if p.level == "error" or p.path.startswith("redaction")]


def _unread(composed: Composed) -> list[tuple[str, ...]]:
    return [() if section is None else (section,) for section in composed.cut]


def _refused(file: str, message: str, mark: yaml.Mark | None = None) -> LoadResult:
    line, column = (0, 0) if mark is None else (mark.line + 1, mark.column + 1)
    return LoadResult(None, (Problem(file, line, column, "", None, (), message),))


class _Unreadable(Exception):
    """The file cannot be read as text."""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise _Unreadable(
            f"there is no such file: start from the default policy (python -m errorplane.policy default > {path.name}) "
            f"and look at it with errorplane check {path.name}"
        ) from None
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Unreadable(f"is not UTF-8 text, from line {line} on: save it as UTF-8") from None
    if len(text) > MAX_CHARACTERS:
        raise _Unreadable("is larger than 512 KiB: a policy is not that long")
    return text
