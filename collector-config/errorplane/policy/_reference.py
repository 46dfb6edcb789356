"""The reference page of ``errorplane.yaml``, from the models."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from errorplane.policy._actions import Action
from errorplane.policy._keys import KeySource
from errorplane.policy._policy import Policy
from errorplane.policy._sampling_when import SamplingAlternative, SamplingConditions, SamplingWhen
from errorplane.policy._section import OneOf, Section
from errorplane.policy._shapes import Shape, section_shape, shape_of, written_default
from errorplane.policy._when import When

_SHARED: dict[type[Section], str] = {
    When: "when",
    SamplingWhen: "when-of-sampling-rules",
    SamplingAlternative: "alternatives-of-any_of",
    SamplingConditions: "conditions-of-not",
    KeySource: "key-source",
    Action: "action",
}
_HEAD = """\
# errorplane.yaml

<!-- Generated from the models in collector-config/errorplane/policy: python -m errorplane.policy reference -->

One file says what an error is, whose it is, what is hidden, what is kept, for how long, and where it goes. Every
section has defaults; the smallest policy is `version: 1`. `python -m errorplane.policy default` prints the defaults as
a commented file, `python -m errorplane.policy schema` a JSON Schema for editors:

```yaml
# yaml-language-server: $schema=./errorplane.schema.json
version: 1
```

How values are written:

- Durations carry a unit: `250ms`, `10s`, `5m`, `1h`, `7d`, also `1h30m`. Sizes too: `512KiB`, `32MiB`, `4GiB` are powers
  of 1024, `kB`, `MB`, `GB` powers of 1000.
- Relative paths start at the folder of the policy file.
- `${env:NAME}` and `${file:PATH}` are replaced in every value (not in keys); `$${` stands for the characters `${`. What a
  reference gave is text, and a number or boolean where the field wants one. A file loses its final line breaks.
- A *secret* is never shown: not in errors, logs, dumps, nor in the revision.
- In lists of rules the first that matches wins (of sampling rules, unless `sampling.match` is `all`).
- Names of rules, classes and destinations have 1 to 64 letters, digits, dots, dashes and underscores.

All mistakes are reported at once, each with file, line, column, path, what was found and what would do. Warnings, such as
a rule that is never reached, do not stop a policy from loading.

A policy has a *revision*, 12 hex digits of a hash of what it means: the same whatever the order of its keys, its comments,
its folder and the values of its secrets. It is written on the data as `errorplane.policy.version`.
"""


def reference() -> str:
    """The page, as Markdown."""
    lines = [_HEAD]
    loose = []
    for name, field in section_shape(Policy).fields.items():
        shape = shape_of(field)
        if shape.scalar is not None:
            loose.append((name, field))
            continue
        lines += [f"## {name}", "", str(field.description), "", *_table(_rows_of_top(name, field, shape)), ""]
    lines[1:1] = ["## Top level", "", *_table(row for name, field in loose for row in _rows(name, field)), ""]
    for section, anchor in _SHARED.items():
        rows = (row for name, field in section_shape(section).fields.items() for row in _rows(name, field))
        lines += [f"## {anchor}", "", str(section.__doc__), "", *_table(rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def _rows_of_top(name: str, field: FieldInfo, shape: Shape) -> Iterator[tuple[str, ...]]:
    if shape.section is not None:
        for key, below in shape.fields.items():
            yield from _rows(key, below)
    else:
        yield from _rows(name, field)


def _rows(path: str, field: FieldInfo) -> Iterator[tuple[str, ...]]:
    shape = shape_of(field)
    yield f"`{path}`", _type(shape), _default(field), str(field.description)
    yield from _rows_below(path, shape)


def _rows_below(path: str, shape: Shape) -> Iterator[tuple[str, ...]]:
    if shape.item is not None:
        yield from _rows_below(f"{path}[]", shape.item)
    elif shape.value is not None:
        yield from _rows_below(f"{path}.NAME", shape.value)
    elif shape.section is not None and shape.section not in _SHARED:
        for name, field in shape.fields.items():
            yield from _rows(f"{path}.{name}", field)


def _type(shape: Shape) -> str:
    if shape.section in _SHARED:
        anchor = _SHARED[shape.section]
        return f"[{anchor}](#{anchor})"
    if shape.section is not None:
        return "exactly one of its keys" if issubclass(shape.section, OneOf) else "section"
    if shape.item is not None:
        one = shape.many is not None and shape.many.single
        return f"{_type(shape.item)}, or a list" if one else f"list of {_type(shape.item)}"
    if shape.value is not None:
        return f"mapping of {_type(shape.value)}"
    assert shape.scalar is not None  # the only kind of shape left
    return shape.scalar.label


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = written_default(field)
    shape = shape_of(field)
    if shape.section is not None and not shape.optional:
        return ""
    if value is None:
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _table(rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "| Key | Type | Default | Meaning |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
