"""What is generated from the models is current, complete, and true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from errorplane.policy import LoadResult, Policy, default_policy, json_schema, load
from errorplane.policy.__main__ import PRINTED
from errorplane.policy._shapes import Shape, section_shape, shape_of

Read = Callable[..., LoadResult]
ROOT = Path(__file__).parents[2]
COMMITTED = {
    "schema": "collector-config/errorplane.schema.json",
    "default": "collector-config/errorplane.yaml",
    "reference": "docs/reference/policy.md",
}


def fields(shape: Shape, path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of the model, with its path."""
    for name, field in shape.fields.items():
        yield f"{path}{name}", field
        yield from fields(shape_of(field), f"{path}{name}.")
    for below in (shape.item, shape.value):
        if below is not None:
            yield from fields(below, path)


FIELDS = dict(fields(section_shape(Policy)))


@pytest.mark.parametrize("what", COMMITTED)
def test_committed_file_is_current(what: str) -> None:
    """The file in the repository is what the generator prints now: python -m errorplane.policy WHAT > FILE."""
    assert (ROOT / COMMITTED[what]).read_text(encoding="utf-8") == PRINTED[what]()


@pytest.mark.parametrize("what", COMMITTED)
def test_module_prints(what: str) -> None:
    """``python -m errorplane.policy`` prints each of them."""
    run = subprocess.run(
        [sys.executable, "-m", "errorplane.policy", what], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout == PRINTED[what]()


def test_module_says_what_it_prints() -> None:
    """Another argument is answered with the possible ones."""
    run = subprocess.run(
        [sys.executable, "-m", "errorplane.policy", "x"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (2, "usage: python -m errorplane.policy schema|reference|default\n")


def test_default_file_means_the_defaults(reading: Read) -> None:
    """The commented file and ``version: 1`` alone give the same policy, without a warning."""
    commented, alone = reading(default_policy()), reading("version: 1\n")
    assert commented.problems == alone.problems == ()
    assert commented.policy == alone.policy


def test_default_file_names_every_field() -> None:
    """Every field of the top level and of the sections stands in the file, at least in a comment."""
    text = default_policy()
    for path in FIELDS:
        top = path.split(".")
        if len(top) <= 2 and top[0] not in ("services", "destinations"):
            assert f"{top[-1]}:" in text


@pytest.mark.parametrize("path", FIELDS)
def test_field_is_described_with_an_example(path: str) -> None:
    """Every field has a sentence and an example."""
    field = FIELDS[path]
    assert field.description
    assert field.description.endswith(".")
    assert field.examples


@pytest.mark.parametrize("path", FIELDS)
def test_example_and_default_are_valid(reading: Read, path: str) -> None:
    """Every example of a field, put where the field stands, has no mistake in it."""
    environ = {"ERRORPLANE_TOKEN": "t", "BACKEND_TOKEN": "t"}
    for example in FIELDS[path].examples or []:
        result = reading(json.dumps(placed(path, example)), environ=environ)
        spelt = path.replace(".", "[^ ]*")
        assert [str(p) for p in result.errors if re.match(spelt, p.path)] == []


def placed(path: str, example: Any) -> dict[str, Any]:
    """The smallest policy in which ``example`` stands at the field ``path``, beside what it names."""
    shape: Shape | None = section_shape(Policy)
    steps: list[str | int] = []
    for part in path.split("."):
        while shape is not None and shape.section is None:
            steps.append(0 if shape.item is not None else "some-name")
            shape = shape.item or shape.value
        assert shape is not None
        steps.append(part)
        shape = shape.below(part)
    value = example
    for step in reversed(steps):
        value = [value] if step == 0 else {step: value}
    assert isinstance(value, dict)
    if steps[-1] == "share_of":
        value["sampling"]["totals"] = {example: {"spans_per_second": 1}}
    return {"version": 1, **value}


def test_schema_has_every_field() -> None:
    """The schema describes each field as the model does, refuses other keys, and asks for the required ones."""
    schema = json_schema()

    def look(part: dict[str, Any], shape: Shape) -> None:
        for one in part.get("anyOf", [part]):
            if shape.section is not None and one.get("type") == "object":
                assert one["additionalProperties"] is False
                assert set(one["properties"]) == set(shape.fields)
                assert set(one.get("required", ())) == {n for n, f in shape.fields.items() if f.is_required()}
                for name, field in shape.fields.items():
                    assert one["properties"][name]["description"] == field.description
                    assert one["properties"][name]["examples"] == field.examples
                    look(one["properties"][name], shape_of(field))
            elif shape.item is not None and one.get("type") == "array":
                look(one["items"], shape.item)
            elif shape.value is not None and one.get("type") == "object":
                look(one["additionalProperties"], shape.value)

    look(schema, section_shape(Policy))
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert json.loads(json.dumps(schema)) == schema


def test_reference_names_every_field() -> None:
    """The reference page has a row for each field."""
    page = PRINTED["reference"]()
    for path in FIELDS:
        name = path.split(".")[-1]
        assert f"{name}` |" in page or f"\n## {name}\n" in page


def test_committed_default_loads_where_it_is() -> None:
    """The file in the repository is a policy that can be used as it is."""
    assert load(ROOT / COMMITTED["default"]).revision == load(ROOT / COMMITTED["default"]).revision
