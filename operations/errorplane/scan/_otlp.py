"""A line of OTLP JSON by its schema: attributes have names, ids and times are not looked at, values change their type.

Made from the protobuf descriptors. What the schema does not know is looked at as any JSON. The mapping is that of the
OTLP specification, "JSON Protobuf Encoding".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, SeverityNumber

from errorplane.detectors import TOP, Place
from errorplane.otlp import Signal
from errorplane.redaction._quarantine import DEPTH, withheld
from errorplane.redaction.ner._stage import MESSAGE_KEYS
from errorplane.scan._document import Array, Node, Number, Object, Text
from errorplane.scan._paths import Path, attribute, member
from errorplane.scan._walk import Walk

_KEY_VALUE = "opentelemetry.proto.common.v1.KeyValue"
_ANY_VALUE = "opentelemetry.proto.common.v1.AnyValue"
_ID_DIGITS = {"trace_id": 32, "span_id": 16, "parent_span_id": 16}
_SEVERITIES = frozenset(SeverityNumber.keys())
_HEX = re.compile(r"[0-9a-fA-F]*")
_SCALAR = re.compile(r"[+-]?[0-9]{1,20}|NaN|-?Infinity")


@dataclass(slots=True)
class _Message:
    """A message type: its fields by both of their JSON names."""

    fields: dict[str, _Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    part: str
    """As it is shown in a path."""
    repeated: bool
    kind: str
    """``pairs``, ``value``, ``message``, ``string``, ``id``, ``bytes`` or ``scalar``."""
    message: _Message | None = None
    words: frozenset[str] = frozenset()
    """The names of an enum."""


def _kind(entry: FieldDescriptor) -> str:
    if entry.message_type is not None:
        return {_KEY_VALUE: "pairs", _ANY_VALUE: "value"}.get(entry.message_type.full_name, "message")
    if entry.type == FieldDescriptor.TYPE_STRING:
        return "string"
    if entry.type == FieldDescriptor.TYPE_BYTES:
        return "id" if entry.name in _ID_DIGITS else "bytes"
    return "scalar"


def _message(descriptor: Descriptor, made: dict[str, _Message]) -> _Message:
    known = made.get(descriptor.full_name)
    if known is not None:
        return known
    message = made[descriptor.full_name] = _Message()
    for entry in descriptor.fields:
        kind = _kind(entry)
        words = frozenset() if entry.enum_type is None else frozenset(each.name for each in entry.enum_type.values)
        inner = _message(cast(Descriptor, entry.message_type), made) if kind == "message" else None
        known_field = _Field(entry.name, member(entry.json_name), entry.is_repeated, kind, inner, words)
        message.fields[entry.json_name] = message.fields[entry.name] = known_field
    return message


def _request() -> _Message:
    """All three Export requests in one: their only fields have different names."""
    made: dict[str, _Message] = {}
    requests = [_message(cast(Descriptor, signal.request_type.DESCRIPTOR), made) for signal in Signal]
    return _Message({name: each for request in requests for name, each in request.fields.items()})


_REQUEST = _request()


def is_request(names: Iterable[str]) -> bool:
    """Whether an object with members of these names is an Export request of any signal."""
    return any(name in _REQUEST.fields for name in names)


class OtlpWalk(Walk):
    """Looks at an Export request as the processor does at its bytes."""

    _is_error = False

    def request(self, node: Node) -> None:
        """Look at everything in a request."""
        self._in_message(node, _REQUEST, None)

    def _in_message(self, node: Node, message: _Message, path: Path | None) -> None:
        if not isinstance(node, Object):
            self.value(node, TOP, path)
            return
        self._is_error = _severity(node) >= SEVERITY_NUMBER_ERROR
        for name, inner in node.members:
            known = message.fields.get(name.value)
            if known is None:
                self._unknown(name, inner, TOP, path)
            elif known.repeated and isinstance(inner, Array):
                for number, item in enumerate(inner.items):
                    self._in_field(item, known, (path, known.part), number)
            else:
                self._in_field(inner, known, (path, known.part), None)

    def _in_field(self, node: Node, known: _Field, path: Path, number: int | None) -> None:
        place = path if number is None else (path, number)
        match known.kind:
            case "pairs":
                self._pair(node, TOP, path, 0)
            case "value":
                self._any_value(node, TOP, place, 0, known.name == "body" and self._is_error)
            case "string" if isinstance(node, Text):
                self.text(node, TOP, place, known.name == "message")
            case "message":
                assert known.message is not None
                self._in_message(node, known.message, place)
            case "bytes" if isinstance(node, Text):
                self._bytes(node, TOP, place)
            case _:
                if not _is_harmless(node, known):
                    self.value(node, TOP, place)

    def _unknown(self, name: Text, inner: Node, outer: Place, path: Path | None) -> None:
        self.value(inner, self.inside(name.value, outer), (path, member(self.name(name, path))))

    def _pair(self, node: Node, outer: Place, path: Path | None, depth: int) -> None:
        """A KeyValue; its members may stand in any order, and the key is needed first."""
        if not isinstance(node, Object):
            self.value(node, outer, path)
            return
        keys = [inner for name, inner in node.members if name.value == "key" and isinstance(inner, Text)]
        key = keys[-1].value if keys else ""  # of members with one name the last one counts
        shown = [self._attribute_name(each, path) for each in keys]
        here: Path = (path, attribute(shown[-1] if shown else ""))
        for name, inner in node.members:
            if name.value == "value":
                self._any_value(inner, self.inside(key, outer), here, depth, key in MESSAGE_KEYS)
            elif not (name.value == "key" and isinstance(inner, Text)):
                self._unknown(name, inner, outer, here)

    def _attribute_name(self, node: Text, path: Path | None) -> str:
        looked = self.checker.look(node.value)
        if looked.text != node.value or looked.findings:
            self._note(looked, node, (path, attribute(looked.text)))
        return looked.text

    def _any_value(self, node: Node, place: Place, path: Path, depth: int, free: bool = False) -> None:
        """An AnyValue; ``free`` is the text of an error, in which names are looked for as the processor does."""
        if not isinstance(node, Object):
            self.value(node, place, path)
            return
        for name, inner in node.members:
            match name.value, inner:
                case ("stringValue" | "string_value", Text()):
                    self.text(inner, place, path, free)
                case ("intValue" | "int_value" | "doubleValue" | "double_value", Text() | Number()):
                    self._number(name, inner, place, path)
                case ("bytesValue" | "bytes_value", Text()):
                    self._bytes(inner, place, path)
                case ("arrayValue" | "array_value" | "kvlistValue" | "kvlist_value", Object()):
                    self._values(name, inner, place, path, depth + 1)
                case ("boolValue" | "bool_value", _) if not isinstance(inner, Text | Number | Array | Object):
                    pass
                case _:
                    self._unknown(name, inner, place, path)

    def _values(self, name: Text, node: Object, place: Place, path: Path, depth: int) -> None:
        pairs = name.value.startswith("kv")
        if depth > self.checker.limits.depth:
            self._too_deep(name, node)
            return
        for own, inner in node.members:
            if own.value != "values" or not isinstance(inner, Array):
                self._unknown(own, inner, place, path)
                continue
            for number, item in enumerate(inner.items):
                if pairs:
                    self._pair(item, place, path, depth)
                else:
                    self._any_value(item, place, (path, number), depth)

    def _too_deep(self, name: Text, node: Object) -> None:
        self.quarantined.append(DEPTH)
        self.replace(name, "stringValue")
        self.replace(node, withheld(DEPTH, b"", None))

    def _number(self, name: Text, node: Text | Number, place: Place, path: Path) -> None:
        """A number becomes a string where it is masked, so the name of its type changes with it."""
        if isinstance(node, Number):
            replaced = self.number(node, place, path)
        else:
            looked = self.checker.look(node.value, place)
            replaced = self.whole(looked, node, looked.text if looked.text != node.value else None, path)
        if replaced:
            self.replace(name, "stringValue")

    def _bytes(self, node: Text, place: Place, path: Path) -> None:
        """Bytes that hold text, in base64; what is none is looked at as it is."""
        content = _decoded(node.value)
        if content is None:
            self.text(node, place, path)
            return
        looked = self.checker.look(content.decode("utf-8", "surrogateescape"), place)
        new = looked.text.encode("utf-8", "surrogateescape")
        self.whole(looked, node, base64.b64encode(new).decode() if new != content else None, path)


def _is_harmless(node: Any, known: _Field) -> bool:
    """Whether a field outside of values holds what its type allows, in which there is no text of anybody's."""
    if isinstance(node, Text):
        if known.kind == "id":
            return len(node.value) in (0, _ID_DIGITS[known.name]) and _HEX.fullmatch(node.value) is not None
        if known.kind == "scalar":
            return node.value in known.words or _SCALAR.fullmatch(node.value) is not None
        return False
    return known.kind == "scalar" and isinstance(node, Number)


def _severity(node: Object) -> int:
    """The severity number of a log record; 0 for anything else."""
    for name, inner in node.members:
        if name.value in ("severityNumber", "severity_number"):
            if isinstance(inner, Number) and inner.raw.isdigit():
                return int(inner.raw)
            return SeverityNumber.Value(inner.value) if isinstance(inner, Text) and inner.value in _SEVERITIES else 0
    return 0


def _decoded(value: str) -> bytes | None:
    try:
        plain = value.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return None
