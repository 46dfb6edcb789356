"""From a file to a ``Policy``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from errorplane.policy._policy import Policy
from errorplane.policy._problems import PolicyError, Problem, spell


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What reading a policy gave: ``policy`` is None when one of ``problems`` is an error."""

    policy: Policy | None
    problems: tuple[Problem, ...]


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Policy:
    """The policy in ``path``; raises ``PolicyError`` with all mistakes at once."""
    result = read(path, environ)
    if result.policy is None:
        raise PolicyError(p for p in result.problems if p.level == "error")
    return result.policy


def check(path: Path, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """Every mistake and warning, in the order of the file."""
    return list(read(path, environ).problems)


def read(path: Path, environ: Mapping[str, str] = os.environ) -> LoadResult:
    """The policy in ``path`` and everything that there is to say about it."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return LoadResult(Policy.model_validate(tree, context={"folder": path.parent.absolute()}, by_name=False), ())
    except ValidationError as error:
        problems = tuple(
            Problem(str(path), 1, 1, spell(e["loc"]), None, (), e["msg"]) for e in error.errors(include_url=False)
        )
        return LoadResult(None, problems)
