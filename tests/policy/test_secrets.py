"""Secrets stay out of everything that may be printed, stored or compared."""

from __future__ import annotations

import pickle
import re
import traceback
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from errorplane.policy import Listen, LoadResult, OtlpTarget, Policy

Read = Callable[..., LoadResult]
TEXT = """\
version: 1
listen: {token: %s}
destinations:
  backend: {otlp: {endpoint: "https://backend", headers: {authorization: "Bearer ${env:PASSWORD}", x-key: %s}}}
"""
WRITTEN = {"literal": ("hunter2", "hunter2"), "reference": ('"${env:PASSWORD}"', '"${env:TOKEN}"')}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_policy_shows_no_secret(reading: Read, written: tuple[str, str]) -> None:
    """Neither repr nor str nor any dump of a policy holds a secret; asked for by name, it is there."""
    policy = reading(TEXT % written).policy
    assert policy is not None
    shown = [repr(policy), str(policy), repr(policy.model_dump()), str(policy.model_dump(mode="json"))]
    shown += [policy.model_dump_json(), policy.revision, repr(reading(TEXT % written))]
    assert not any("hunter2" in text for text in shown)
    backend = policy.destinations["backend"].otlp
    assert backend is not None
    assert backend.headers["authorization"].get_secret_value() == "Bearer hunter2"


def test_revision_does_not_depend_on_secrets(reading: Read) -> None:
    """A rotated secret is the same policy; a secret that is new is not."""
    one = reading("version: 1\nlisten: {token: a}\n").policy
    other = reading("version: 1\nlisten: {token: b}\n").policy
    none = reading("version: 1\nlisten: {token: null}\n").policy
    assert one is not None
    assert other is not None
    assert none is not None
    assert one.revision == other.revision != none.revision


@pytest.mark.parametrize(
    "build",
    [
        lambda: Listen.model_validate({"token": ["hunter2"]}),
        lambda: Listen(grpc="hunter2"),
        lambda: Policy.model_validate({"version": 1, "hunter": "hunter2"}),
        lambda: OtlpTarget(endpoint="https://user:hunter2@backend"),
    ],
)
def test_building_a_section_by_hand_shows_no_value(build: Callable[[], object]) -> None:
    """pydantic's own error, with its traceback, does not repeat what was given."""
    with pytest.raises(ValidationError) as caught:
        build()
    assert "hunter2" not in "".join(traceback.format_exception_only(caught.value))


def test_policy_survives_a_pickle(reading: Read) -> None:
    """A policy can be handed to another process as it is."""
    policy = reading("version: 1\nlisten: {token: a}\n").policy
    assert policy is not None
    copy = pickle.loads(pickle.dumps(policy))
    assert (copy, copy.revision) == (policy, policy.revision)


BROKEN = """\
version: 1
listen:
  grpc: 127.0.0.1:4317
  token: SECRET
destinations:
  a:
    otlp:
      headers: {authorization: SECRET, x-key: "SECRET"}
  b: {otlp: {endpoint: "https://b", headers: {authorization: Bearer SECRET}}}
retention: {classes: {default: {days: 1}}}
"""
MARKS = st.text("{}[]:,-#&*!|>'\"%@`$? \nab1", max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.integers(0, 3), st.integers(-6, 0), MARKS, st.integers(0, 2))
def test_damage_beside_a_secret_does_not_show_it(reading: Read, which: int, before: int, marks: str, lost: int) -> None:
    """Characters put in or lost just before a secret may turn it into a key, a tag or an alias: it is not shown."""
    start = [found.start() for found in re.finditer("SECRET", BROKEN)][which] + before
    lost = min(lost, -before)
    text = BROKEN[:start] + marks + BROKEN[start + lost :]
    for problem in reading(text.replace("SECRET", "hunter2")).problems:
        assert "hunter2" not in repr(problem)
