"""What may stand at each path of a policy, read from the models: for messages, schema, reference and default file."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from errorplane.policy._lists import Many
from errorplane.policy._problems import Path as Keys
from errorplane.policy._scalars import Scalar, Secret
from errorplane.policy._section import Section


@dataclass(frozen=True)
class Shape:
    """Exactly one of ``scalar``, ``section``, ``item`` (of a list, with ``many``) and ``value`` (of a mapping, with ``key``)."""

    optional: bool = False
    scalar: Scalar | None = None
    section: type[Section] | None = None
    item: Shape | None = None
    many: Many | None = None
    value: Shape | None = None
    key: Scalar | None = None

    @property
    def secret(self) -> bool:
        """Whether what stands here must never be shown."""
        return isinstance(self.scalar, Secret)

    @property
    def fields(self) -> Mapping[str, FieldInfo]:
        """Fields of the section by the name that is written."""
        return {} if self.section is None else {f.alias or n: f for n, f in self.section.model_fields.items()}

    @property
    def bare(self) -> Shape | None:
        """Shape of the single value that may stand for the whole section."""
        return None if self.section is None or self.section.bare is None else self.below(self.section.bare)

    def below(self, part: str | int) -> Shape | None:
        """Shape of a member; None where there is no such member."""
        if self.section is not None:
            found = self.fields.get(str(part))
            return None if found is None else shape_of(found)
        return self.item if isinstance(part, int) else self.value


def walk(root: Shape, path: Keys) -> Iterator[Shape | None]:
    """Shapes from ``root`` along ``path``, ``root`` first; None from where the path leaves the model."""
    here: Shape | None = root
    yield here
    for part in path:
        here = None if here is None else here.below(part)
        yield here


def shape_of(field: FieldInfo) -> Shape:
    """Shape of a field of a section."""
    return _shape(field.rebuild_annotation())


def written_default(field: FieldInfo) -> object:
    """The default of a field as a person would write it; None where there is none, or where it is null."""
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True, validated_data={})
    return _written(shape_of(field), value)


def _written(shape: Shape, value: Any) -> object:
    if shape.scalar is not None and value is not None:
        return shape.scalar.show(value)
    return [_written(shape.item, one) for one in value] if shape.item is not None and value is not None else value


def section_shape(section: type[Section]) -> Shape:
    """Shape of a section as a whole."""
    return Shape(section=section)


@cache
def _shape(annotation: Any) -> Shape:
    optional, markers = False, []
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            markers += annotation.__metadata__
            annotation = arguments[0]
        elif origin in (Union, types.UnionType):
            (annotation,) = (a for a in arguments if a is not type(None))
            optional = True
        else:
            break
    scalar = next((m for m in markers if isinstance(m, Scalar)), None)
    if scalar is not None:
        return Shape(optional, scalar=scalar)
    many = next((m for m in markers if isinstance(m, Many)), None)
    if many is not None:
        return Shape(optional, item=_shape(arguments[0]), many=many)
    if origin is not None:
        return Shape(optional, value=_shape(arguments[1]), key=_shape(arguments[0]).scalar)
    return Shape(optional, section=annotation)
