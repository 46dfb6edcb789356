"""Nodes to plain values, each with its place, references replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from errorplane.policy._compose import MAX_DEPTH, MAX_VALUES, TooMuch
from errorplane.policy._interpolation import BadReference, has_reference, interpolate
from errorplane.policy._problems import Path as Keys
from errorplane.policy._scalars import Resolved

_TAG = "tag:yaml.org,2002:"
_WORDS = {"bool": "boolean", "int": "number", "float": "number", "null": "null"}
_TEXT = ("str", "timestamp", "merge", "value")
_LONGEST_NUMBER = 64


class Unusable:
    """Stands where something is wrong that has been reported already; refused by every field."""


UNUSABLE = Unusable()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands and how it is written. ``kind`` is what YAML reads: text, number, boolean, null, list or
    mapping. ``written`` is the scalar's text before references were replaced."""

    line: int
    column: int
    kind: str
    written: str = field(default="", repr=False)
    quoted: bool = False
    reference: bool = False
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in the text.

    ``replaced``: UNUSABLE stands at ``path``; otherwise something was left out there. ``doubtful``: what looks like the
    last key of the path may be a value that was written wrongly.
    """

    path: Keys
    line: int
    column: int
    message: str
    allowed: tuple[str, ...] = ()
    replaced: bool = True
    doubtful: bool = False


@dataclass
class Tree:
    """The plain value of a document, its places by path (of a key: ``keys``), and what is wrong with it."""

    value: object = None
    places: dict[Keys, Place] = field(default_factory=dict)
    keys: dict[Keys, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def plant(root: yaml.Node, folder: Path, environ: Mapping[str, str]) -> Tree:
    """The tree of ``root``. Raises ``TooMuch`` where aliases repeat too much or contain themselves."""
    gardener = _Gardener(folder, environ)
    gardener.tree.value = gardener.grow(root, ())
    return gardener.tree


class _Gardener:
    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.tree = Tree()
        self._folder = folder
        self._environ = environ
        self._constructor = yaml.SafeLoader("")
        self._values = 0

    def grow(self, node: yaml.Node, path: Keys) -> object:
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            raise TooMuch(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        kind = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
        self._place(path, node, kind)
        if node.tag != _TAG + ("seq" if kind == "list" else "map"):
            return self._wrong(path, node, "has a tag (!), which a policy does not use")
        if isinstance(node, yaml.SequenceNode):
            return [self.grow(item, (*path, number)) for number, item in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        return self._mapping(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Keys) -> object:
        grown: dict[str, object] = {}
        seen: dict[str, int] = {}
        for key, value in self._entries(node, path):
            name = self._key(key, path)
            if name is None:
                continue
            if name in seen:
                line = seen[name]
                self._left_out((*path, name), key, f"is written twice, first in line {line}: remove one")
                continue
            seen[name] = key.start_mark.line + 1
            self.tree.keys[(*path, name)] = _place_of(key, "text", key.value)
            grown[name] = self.grow(value, (*path, name))
        return grown

    def _entries(self, node: yaml.MappingNode, path: Keys) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Own entries, then those merged with ``<<`` whose keys are not there yet."""
        own = [(k, v) for k, v in node.value if k.tag != _TAG + "merge"]
        yield from own
        names = {k.value for k, _ in own if isinstance(k, yaml.ScalarNode)}
        for key, value in node.value:
            if key.tag != _TAG + "merge":
                continue
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in sources:
                if not isinstance(source, yaml.MappingNode):
                    self._left_out((*path, "<<"), key, "<< takes a mapping, or a list of mappings")
                    continue
                for merged, one in source.value:
                    if merged.value not in names:
                        names.add(merged.value)
                        yield merged, one

    def _key(self, key: yaml.Node, path: Keys) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self._left_out((*path, "?"), key, "is a list or a mapping as a key: put a text with { or [ in quotes")
            return None
        kind = key.tag.removeprefix(_TAG)
        if kind not in _TEXT:
            what = _WORDS.get(kind, "tagged value")
            self._left_out((*path, key.value), key, f"is a key that YAML reads as a {what}: put it in quotes")
            return None
        if has_reference(key.value):
            self._left_out((*path, key.value), key, "is a key with ${...}: references are replaced in values only")
            return None
        return str(key.value)

    def _scalar(self, node: yaml.ScalarNode, path: Keys) -> object:
        kind = node.tag.removeprefix(_TAG)
        if kind in _TEXT or (kind in ("int", "float") and len(node.value) > _LONGEST_NUMBER):
            return self._text(node, path)
        self._place(path, node, _WORDS.get(kind, "tagged value"), node.value)
        if kind not in _WORDS:
            return self._wrong(path, node, "has a tag (!), which a policy does not use")
        if kind == "null":
            if not node.value:
                message = "has nothing after it: write a value or null, or remove the key"
                return self._wrong(path, node, message, doubtful=True)
            return None
        try:
            value: object = self._constructor.construct_object(node)
        except (ValueError, KeyError, IndexError):
            return self._wrong(path, node, "does not fit its tag (!)")
        return value

    def _text(self, node: yaml.ScalarNode, path: Keys) -> object:
        self._place(path, node, "text", node.value)
        try:
            text = interpolate(node.value, self._folder, self._environ)
        except BadReference as error:
            return self._wrong(path, node, error.message, error.allowed)
        return Resolved(text) if self.tree.places[path].reference else text

    def _place(self, path: Keys, node: yaml.Node, kind: str, written: str = "") -> None:
        self.tree.places[path] = _place_of(node, kind, written)

    def _left_out(self, path: Keys, key: yaml.Node, message: str) -> None:
        mark = key.start_mark
        self.tree.findings.append(Finding(path, mark.line + 1, mark.column + 1, message, replaced=False, doubtful=True))

    def _wrong(
        self, path: Keys, node: yaml.Node, message: str, allowed: tuple[str, ...] = (), *, doubtful: bool = False
    ) -> Unusable:
        mark = node.start_mark
        self.tree.findings.append(Finding(path, mark.line + 1, mark.column + 1, message, allowed, doubtful=doubtful))
        return UNUSABLE


def _place_of(node: yaml.Node, kind: str, written: str) -> Place:
    mark = node.start_mark
    quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
    lines = 1 + node.end_mark.line - mark.line
    return Place(
        mark.line + 1, mark.column + 1, kind, written, quoted, kind == "text" and has_reference(written), lines
    )
