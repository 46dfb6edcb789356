"""Redaction as one would write it without a thought of speed: parse everything, look at every string."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.detectors import KeyClass, data_class, key_class, most_sensitive, redact
from errorplane.otlp import Signal
from errorplane.redaction import Engine

_ENGINE = Engine()
_WHOLE = (KeyClass.SECRET, KeyClass.TOKEN)
_ITEMS = {
    Signal.TRACES: ("spans", "spans", "attributes"),
    Signal.LOGS: ("logs", "log_records", "attributes"),
    Signal.METRICS: ("metrics", "metrics", "metadata"),
}


class Oracle:
    """Walks one message and counts what it replaces."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def message(self, message: Message, leave_out: str = "") -> None:
        """Replace what is found in ``message``, its field ``leave_out`` excepted."""
        if isinstance(message, KeyValue):
            self._pair(message, KeyClass.NONE)
            return
        if isinstance(message, AnyValue):
            self._value(message, KeyClass.NONE)
            return
        for field, value in message.ListFields():
            if field.name == leave_out:
                continue
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                for each in value if field.is_repeated else [value]:
                    self.message(each)
            elif field.type == FieldDescriptor.TYPE_STRING and field.is_repeated:
                value[:] = [self._text(each, KeyClass.NONE) for each in value]
            elif field.type == FieldDescriptor.TYPE_STRING:
                setattr(message, field.name, self._text(value, KeyClass.NONE))
            elif field.type == FieldDescriptor.TYPE_BYTES and len(value) not in (0, 8, 16):
                setattr(message, field.name, self._bytes(value, KeyClass.NONE))

    def mark(self, message: Any, *path: str) -> None:
        """Append to the attributes at ``path`` what was found; the path is made only then."""
        if not self.found:
            return
        attributes = functools.reduce(getattr, path, message)
        word = most_sensitive(map(data_class, self.found))
        attributes.add(key="errorplane.data_class").value.string_value = str(word)
        for entity, count in sorted(self.found.items()):
            attributes.add(key=f"errorplane.redacted.{entity.lower()}").value.int_value = count

    def _pair(self, pair: KeyValue, outer: KeyClass) -> None:
        own = key_class(pair.key)
        pair.key = self._text(pair.key, KeyClass.NONE)
        if pair.HasField("value"):
            self._value(pair.value, outer if outer in _WHOLE or own is KeyClass.NONE else own)

    def _value(self, value: AnyValue, kind: KeyClass) -> None:
        name = value.WhichOneof("value")
        if name == "array_value":
            for each in value.array_value.values:
                self._value(each, kind)
        elif name == "kvlist_value":
            for pair in value.kvlist_value.values:
                self._pair(pair, kind)
        elif name == "bytes_value":
            value.bytes_value = self._bytes(value.bytes_value, kind)
        elif name in ("string_value", "int_value", "double_value"):
            held = getattr(value, name)
            text = str(int(held)) if isinstance(held, float) and held.is_integer() else str(held)
            if (new := self._text(text, kind)) != text:
                value.string_value = new

    def _text(self, text: str, kind: KeyClass) -> str:
        new, findings = redact(text, kind=kind)
        self.found.update(finding.entity for finding in findings)
        return new

    def _bytes(self, data: bytes, kind: KeyClass) -> bytes:
        try:
            return self._text(data.decode(), kind).encode()
        except UnicodeDecodeError:
            readable = data.decode("utf-8", "surrogateescape")
            mere = _ENGINE.is_quiet(data) and not redact(readable, kind=kind)[1]
            return data if mere else b"[QUARANTINED:encoding]"


def redacted(signal: Signal, body: bytes) -> Any:
    """The request with every finding replaced and marked, and all unknown fields left out."""
    message = signal.request_type.FromString(body)
    message.DiscardUnknownFields()
    for group in getattr(message, f"resource_{_ITEMS[signal][0]}"):
        own = Oracle()
        scopes = f"scope_{_ITEMS[signal][0]}"
        own.message(group, leave_out=scopes)
        own.mark(group, "resource", "attributes")
        for scope in getattr(group, scopes):
            own = Oracle()
            own.message(scope, leave_out=_ITEMS[signal][1])
            own.mark(scope, "scope", "attributes")
            for item in getattr(scope, _ITEMS[signal][1]):
                own = Oracle()
                own.message(item)
                own.mark(item, _ITEMS[signal][2])
    return message
