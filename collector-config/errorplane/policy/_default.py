"""The default policy as a commented file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from errorplane.policy._policy import Policy
from errorplane.policy._shapes import section_shape, shape_of, written_default

_WIDTH = 100
_HEAD = """\
# errorplane.yaml: the default policy, generated from the model.
#
# What is written out is what holds when it is left out: keep what you change and delete the rest. The smallest policy
# is the line "version: 1". Lines such as "# token: ..." are examples of what has no default.
#
# Durations: 250ms, 10s, 5m, 1h, 7d. Sizes: 512KiB, 32MiB, 4GiB. Relative paths start at the folder of this file.
# ${env:NAME} and ${file:PATH} are replaced in every value, and $${ stands for ${. Look at a policy with
# "errorplane check errorplane.yaml".
"""


def default_policy() -> str:
    """YAML that loads to the same policy as ``version: 1`` alone, every field with its meaning."""
    lines = [_HEAD]
    for name, field in section_shape(Policy).fields.items():
        lines += [*_field(name, field, ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def _field(name: str, field: FieldInfo, indent: str) -> Iterator[str]:
    yield from _comment(str(field.description), indent)
    shape, default = shape_of(field), written_default(field)
    if shape.section is not None and not shape.optional:
        below = [line for key, one in shape.fields.items() for line in _field(key, one, indent + "  ")]
        # A section in which nothing is written must not be written either: YAML would read it as null.
        empty = all(line.lstrip().startswith("#") for line in below)
        yield f"{indent}{'# ' if empty else ''}{name}:"
        yield from (f"{indent}# {line.removeprefix(indent)}" if empty else line for line in below)
    elif field.is_required():
        yield f"{indent}{name}: {_flow(field.examples[0] if field.examples else None)}"
    elif default is None or default in ([], {}):
        yield f"{indent}# {name}: {_flow(field.examples[0] if field.examples else None)}"
    else:
        yield from _written(name, default, indent)


def _written(name: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {_flow(one)}" for one in value)
    elif isinstance(value, dict):
        yield f"{indent}{name}:"
        yield from (f"{indent}  {key}: {_flow(one)}" for key, one in value.items())
    elif isinstance(value, list) and len(_flow(value)) > _WIDTH:
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {_flow(one)}" for one in value)
    else:
        yield f"{indent}{name}: {_flow(value)}"


def _flow(value: Any) -> str:
    """One line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, 120, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
