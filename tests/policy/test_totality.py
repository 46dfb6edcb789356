"""Whatever is written, all that comes of it is a policy or a listing in our words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errorplane.policy import LoadResult, Policy
from errorplane.policy._policy import Policy as Model
from errorplane.policy._shapes import Shape, section_shape, shape_of
from errorplane.policy._wording import WORDING

Read = Callable[..., LoadResult]

# The types of errors of each kind of node that pydantic builds for a policy. "function-plain" is our own reading of
# single values, "function-before" that of lists, "function-after" our own checks: their errors carry their words.
ERRORS_OF_NODE: Mapping[str, frozenset[str]] = {
    "model": frozenset({"model_type", "model_attributes_type"}),
    "model-fields": frozenset({"missing", "extra_forbidden", "model_type"}),
    "dict": frozenset({"dict_type", "mapping_type"}),
    "tuple": frozenset({"tuple_type"}),
    "nullable": frozenset(),
    "default": frozenset(),
    "function-plain": frozenset(),
    "function-before": frozenset(),
    "function-after": frozenset(),
    "function-wrap": frozenset(),
    "definitions": frozenset(),
    "definition-ref": frozenset(),
    "model-field": frozenset(),
}
OUT_OF_REACH = frozenset({"model_attributes_type"})  # only with from_attributes, which no section sets


def nodes(schema: object) -> Iterator[str]:
    """Types of all nodes in a core schema; serialisers and metadata are not validated against."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema["type"]
        for key, value in schema.items():
            if key not in ("serialization", "metadata", "config", "function"):
                yield from nodes(value)
    elif isinstance(schema, (list, tuple)):
        for value in schema:
            yield from nodes(value)


def test_every_error_that_pydantic_can_find_has_its_words() -> None:
    """The wording table covers what the nodes of the policy can complain about, and nothing else."""
    found = set(nodes(Policy.__pydantic_core_schema__))
    assert found <= set(ERRORS_OF_NODE)
    possible = frozenset[str]().union(*(ERRORS_OF_NODE[node] for node in found)) - OUT_OF_REACH
    assert possible == set(WORDING)


def paths(shape: Shape, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """A path to every place of the model."""
    yield path
    if shape.section is not None:
        for name, field in shape.fields.items():
            yield from paths(shape_of(field), (*path, name))
    elif shape.item is not None:
        yield from paths(shape.item, (*path, 0))
    elif shape.value is not None:
        yield from paths(shape.value, (*path, "name"))


PATHS = sorted(paths(section_shape(Model)), key=str)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10),
    st.sampled_from(
        ["10s", "32MiB", "error", "P1", "127.0.0.1:1", "https://a", "./out/", "${env:KEEP}", "${", "files"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["file", "name", "x", "env"]), inner),
    max_leaves=6,
)


def planted(path: tuple[str | int, ...], value: object) -> Any:
    """The smallest tree in which ``value`` stands at ``path``."""
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


def merged(one: Any, other: Any) -> Any:
    """Two trees in one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: merged(one.get(key, other.get(key)), other.get(key, one.get(key))) for key in {**one, **other}}
    return one


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PATHS), VALUES), min_size=1, max_size=6), st.booleans())
def test_any_tree_is_a_policy_or_a_listing(
    reading: Read, plants: list[tuple[tuple[str | int, ...], object]], flow: bool
) -> None:
    """Any values at any places of the model: no exception, places within the file, and the policy only if it is good."""
    tree: Any = {"version": 1}
    for path, value in plants:
        tree = merged(tree, planted(path, value))
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True)
    result = reading(text)
    assert (result.policy is None) == bool(result.errors)
    for problem in result.problems:
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.column >= 1
        assert problem.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_any_damage_to_the_text_is_reported(reading: Read, data: st.DataObject) -> None:
    """Characters put in, taken out or doubled anywhere in a good file: a policy or a listing, never anything else."""
    text = (Path(__file__).parent / "testdata" / "policy.every-key.good.yaml").read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        text = (
            text[:place] + data.draw(st.text("{}[]:,-#&*!|>'\"%@`$ \t\n\x00ab1", max_size=4)) + text[place + length :]
        )
    result = reading(text)
    assert (result.policy is None) == bool(result.errors)
    for problem in result.problems:
        assert 0 <= problem.line <= text.count("\n") + 1


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_wrong_value_is_reported_at_its_place(reading: Read, path: tuple[str | int, ...]) -> None:
    """At every place of the model, a value that can never be right is an error at this very place."""
    tree = merged(planted(path, {"?": ["?"]}), {"version": 1}) if path else ["?"]
    result = reading(json.dumps(tree))
    assert result.policy is None
    expected = path[:-1] if path and path[-1] == "version" else path
    spelt = "".join(f"[{part}]" if part == 0 else f".{part}" for part in expected).removeprefix(".")
    assert any(problem.path.startswith(spelt) for problem in result.errors)
