"""What the models answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import errorplane.policy
from errorplane import detectors, errors
from errorplane.policy import (
    FileTarget,
    KeySource,
    LoadResult,
    Policy,
    Retention,
    RetentionClass,
    Sampling,
    SamplingConditions,
    SamplingWhen,
    When,
)
from errorplane.policy._vocabulary import CategoryWord, EntityWord, KindWord, SeverityWord

Read = Callable[..., LoadResult]
WHEN = st.builds(
    When,
    status=st.sampled_from([None, "error", "ok"]),
    duration_over=st.sampled_from([None, 0.0, 1.0, 5.0]),
    service=st.sampled_from([None, ("a",), ("a", "b")]),
    signal=st.sampled_from([None, "trace", "log"]),
    kind=st.sampled_from([None, ("timeout",), ("timeout", "bug")]),
)
SAMPLING_WHEN = st.builds(
    SamplingWhen,
    status=st.sampled_from([None, "error"]),
    tier=st.sampled_from([None, (1,), (1, 2)]),
    sampled_flag=st.sampled_from([None, True, False]),
    not_=st.sampled_from([None, SamplingConditions(), SamplingConditions(service=("a",))]),
)


def test_all_names_are_public() -> None:
    """``__all__`` is sorted without regard to case in ruff's order, and holds every public name and nothing else."""
    public = {
        name
        for name, value in vars(errorplane.policy).items()
        if not name.startswith("_") and name != "annotations" and not inspect.ismodule(value)
    }
    assert set(errorplane.policy.__all__) == public


def test_every_section_is_public() -> None:
    """Whoever takes a part of the policy can name its type."""

    def sections(model: type[BaseModel]) -> set[str]:
        found = {model.__name__}
        for field in model.model_fields.values():
            for one in _models(field.annotation):
                found |= sections(one)
        return found

    assert sections(Policy) <= set(errorplane.policy.__all__)


def _models(annotation: object) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def test_words_are_those_of_the_error_model() -> None:
    """A policy can name each kind, category, severity and entity that exists, and no other."""
    assert get_args(KindWord) == tuple(errors.Kind)
    assert get_args(CategoryWord) == tuple(errors.Category)
    assert get_args(SeverityWord) == tuple(errors.Severity)
    assert set(get_args(EntityWord)) == {detector.entity for detector in detectors.ALL}


def test_sections_do_not_change() -> None:
    """A loaded policy is the same for everyone who holds it."""
    policy = Policy(version=1)
    with pytest.raises(ValidationError, match="frozen"):
        policy.default_tier = 1


def test_python_callers_give_seconds_and_bytes() -> None:
    """Built by hand, durations and sizes may be numbers."""
    assert Sampling(decision_wait=0.2).decision_wait == 0.2
    with pytest.raises(ValidationError):
        Sampling(decision_wait=7200)


def test_folder_ends_with_a_slash_or_exists(tmp_path: Path) -> None:
    """A path is a folder by its slash or because it is one."""
    assert FileTarget(path="out/").is_folder
    assert not FileTarget(path=str(tmp_path / "out.jsonl")).is_folder
    assert FileTarget(path=str(tmp_path)).is_folder
    assert FileTarget(path="out/").location == Path("out")


def test_class_of_what_no_rule_matches() -> None:
    """The class named default, or the only one, or none."""
    one, two = RetentionClass(days=1), RetentionClass(days=2)
    assert Retention().fallback == "standard"
    assert Retention(classes={"a": one, "default": two}).fallback == "default"
    assert Retention(classes={"a": one, "b": two}).fallback is None


def test_default_destinations_are_all(reading: Read) -> None:
    """A class without destinations goes to each of them, in the order of the file."""
    policy = reading("version: 1\ndestinations: {b: {file: {path: b/}}, a: {file: {path: a/}}}\n").policy
    assert policy is not None
    assert policy.destinations_of("standard") == ("b", "a")


def test_tier_of_a_service(reading: Read) -> None:
    """Its own tier, or else the default one; also for services that are not described."""
    policy = reading("version: 1\nservices: {a: {tier: 1}, b: {}}\ndefault_tier: 2\n").policy
    assert policy is not None
    assert [policy.tier_of(name) for name in ("a", "b", "c")] == [1, 2, 2]


def test_key_sources_have_defaults() -> None:
    """Without a source, a key is a file in the journal's folder."""
    policy = Policy.model_validate({"version": 1, "keys": {"journal": {"env": "K"}}})
    assert policy.key_source("journal") == KeySource(env="K")
    assert policy.key_source("segments") == KeySource(file=Path("data/segments.key"))


def test_empty_when_is_unconditional() -> None:
    """Only without conditions everything matches."""
    assert When().unconditional
    assert not When(duration_over=0.0).unconditional


@given(WHEN | SAMPLING_WHEN)
def test_conditions_cover_themselves(when: When) -> None:
    """A rule makes a copy of itself unreachable, and an unconditional rule makes all others so."""
    assert when.covers(when)
    nothing = type(when)()
    assert nothing.covers(when)
    assert when.covers(nothing) == when.unconditional


@given(WHEN, WHEN, WHEN)
def test_covering_is_transitive(one: When, two: When, three: When) -> None:
    """What covers a cover covers what that one covers."""
    if one.covers(two) and two.covers(three):
        assert one.covers(three)


@given(SAMPLING_WHEN, SAMPLING_WHEN, SAMPLING_WHEN)
def test_covering_of_sampling_rules_is_transitive(one: SamplingWhen, two: SamplingWhen, three: SamplingWhen) -> None:
    """So it is with the conditions that only sampling rules have, of which a different one covers nothing."""
    if one.covers(two) and two.covers(three):
        assert one.covers(three)
    if one.covers(two):
        assert one.tier in (None, two.tier)
        assert one.not_ in (None, two.not_)
