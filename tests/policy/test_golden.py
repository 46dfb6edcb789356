"""Whole policies: what loads, and what is said about what does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from errorplane.policy import PolicyError, check, load, read

NAMES = sorted(path.name for path in (Path(__file__).parent / "testdata").glob("*.yaml"))
GOOD = [name for name in NAMES if name.endswith(".good.yaml")]
BAD = [name for name in NAMES if name.endswith(".bad.yaml")]


def listing(name: str) -> str:
    """The expected listing beside a golden file; nothing where there is none."""
    path = Path(name).with_suffix(".txt")
    return path.read_text() if path.exists() else ""


def test_every_golden_file_is_good_or_bad() -> None:
    """Names say what to expect, and every listing belongs to a policy."""
    assert set(GOOD) | set(BAD) == set(NAMES)
    listings = {path.stem for path in (Path(__file__).parent / "testdata").glob("*.txt")} - {"token"}
    assert listings <= {Path(name).stem for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_listing_is_exact(testdata: Path, environ: Mapping[str, str], name: str) -> None:
    """Every problem is reported at its place, in the order of the file, in these words."""
    problems = check(Path(name), environ)
    assert "".join(f"{problem}\n" for problem in problems) == listing(name)
    assert [(p.line, p.column) for p in problems] == sorted((p.line, p.column) for p in problems)


@pytest.mark.parametrize("name", NAMES)
def test_listing_shows_no_secret(testdata: Path, environ: Mapping[str, str], name: str) -> None:
    """No part of a problem holds a planted secret."""
    for problem in check(Path(name), environ):
        assert "hunter2" not in repr(problem)


@pytest.mark.parametrize("name", GOOD)
def test_good_policy_loads(testdata: Path, environ: Mapping[str, str], name: str) -> None:
    """A policy with warnings alone loads, and the warnings are there to be read."""
    result = read(Path(name), environ)
    assert result.policy == load(Path(name), environ)
    assert result.errors == ()
    assert result.warnings == result.problems


@pytest.mark.parametrize("name", BAD)
def test_bad_policy_is_refused(testdata: Path, environ: Mapping[str, str], name: str) -> None:
    """A policy with a mistake gives no policy, and the exception lists all errors and no warning."""
    result = read(Path(name), environ)
    assert result.policy is None
    with pytest.raises(PolicyError) as caught:
        load(Path(name), environ)
    assert caught.value.problems == result.errors
    assert str(caught.value).splitlines() == [str(problem) for problem in result.errors]
    assert caught.value.__cause__ is None


def test_policy_of_the_issue_means_what_it_says(testdata: Path) -> None:
    """The small policy keeps its numbers, and a path that names a file is one file."""
    policy = load(Path("policy.small.good.yaml"))
    assert policy.sampling.decision_wait == 10.0
    assert [(rule.name, rule.keep) for rule in policy.sampling.rules] == [
        ("errors", 1.0),
        ("slow", 1.0),
        ("rest", 0.01),
    ]
    assert policy.sampling.rules[1].when.duration_over == 5.0
    audit = policy.destinations["audit"].file
    assert audit is not None
    assert (audit.path, audit.is_folder) == (str(testdata / "out/audit.jsonl"), False)
    assert policy.destinations_of("audit") == ("audit", "traces")
    assert policy.destinations_of("debug") == ("traces",)
    assert policy.journal.path == testdata / "data"


def test_references_become_what_the_field_wants(testdata: Path, environ: Mapping[str, str]) -> None:
    """Text from the environment is read as a number or a boolean where one is wanted; $${ is no reference."""
    policy = load(Path("policy.references.good.yaml"), environ)
    assert policy.listen.grpc == "127.0.0.1:4317"
    assert policy.listen.token is not None
    assert policy.listen.token.get_secret_value() == "hunter2-from-a-file"
    assert (policy.listen.plaintext, policy.listen.max_concurrent) == (True, 12)
    assert policy.sampling.rules[0].keep == 0.5
    assert policy.redaction.allow == ("${env:KEEP} $5 $$ {x}",)


def test_aliases_and_merged_keys_are_read(testdata: Path) -> None:
    """What is written at a key wins over what is merged; an alias is its anchor's value."""
    policy = load(Path("policy.anchors-and-merge.good.yaml"))
    found = {name: (s.team, s.tier, s.zone) for name, s in policy.services.items()}
    assert found == {"a": ("core", 2, None), "b": ("core", 1, None), "c": ("core", 2, "z")}
    assert policy.retention.classes["default"].destinations == ("files",)
