"""From OTLP JSON to a serialised Export request.

Senders differ, so everything that can mean one thing only is taken (OTLP specification, "JSON Protobuf Encoding";
protobuf.dev/programming-guides/json): names in lowerCamelCase or snake_case, ids in either case, 64-bit integers as
numbers or strings, enums as numbers or names, null for "not set", unknown fields. What cannot is refused with its
place in the document.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from errorplane.otlp._errors import InvalidRequest
from errorplane.otlp._json_out import FLOAT_TYPES, ID_FIELDS
from errorplane.otlp._signals import Signal

_ID_BYTES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
_MAX_DEPTH = 96  # of messages; upb refuses to parse more than 100
_PLACE_CHARACTERS = 200
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INT_RANGE = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_SINT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_FIXED32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SINT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
    FieldDescriptor.TYPE_FIXED64: (0, (1 << 64) - 1),
}

Setter = Callable[[Message, Any, int], None]


class _Bad(Exception):
    """A value that cannot be taken; ``path`` grows while the error travels up, innermost part first."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: list[str] = []


def from_json(signal: Signal, body: bytes) -> bytes:
    """The serialised Export request that an OTLP JSON document means; raises ``InvalidRequest``.

    The message of the error names the place and what is wanted, never the value.
    """
    document = _parse(body)
    message = signal.request_type()
    try:
        _READERS[signal].fill(message, document, 1)
    except _Bad as error:
        place = "".join(reversed(error.path)).lstrip(".")
        if len(place) > _PLACE_CHARACTERS:
            place = f"{place[:_PLACE_CHARACTERS]}..."
        raise InvalidRequest(f"OTLP JSON: {place or 'the document'}: {error}") from None
    return message.SerializeToString()


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_not_json)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"OTLP JSON: the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"OTLP JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise InvalidRequest("OTLP JSON: the document is nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise InvalidRequest("OTLP JSON: a number is out of range") from None


def _not_json(name: str) -> NoReturn:
    raise InvalidRequest(f'OTLP JSON: {name} is not JSON: write it as a string, "{name}"')


class _MessageReader:
    """Fills messages of one type from JSON objects."""

    def __init__(self) -> None:
        self.setters: dict[str, tuple[Setter, str]] = {}

    def fill(self, message: Message, value: Any, depth: int) -> None:
        """Set what the object ``value`` says; raises ``_Bad``."""
        if not isinstance(value, dict):
            raise _Bad("must be an object")
        if depth > _MAX_DEPTH:
            raise _Bad("is nested too deeply")
        for name, one in value.items():
            known = self.setters.get(name)
            if known is None or one is None:
                continue
            setter, shown = known
            try:
                setter(message, one, depth)
            except _Bad as error:
                error.path.append(f".{shown}")
                raise


def _message_reader(descriptor: Descriptor, made: dict[str, _MessageReader]) -> _MessageReader:
    """The reader for one message type; ``made`` holds those that exist, since types refer to each other."""
    known = made.get(descriptor.full_name)
    if known is not None:
        return known
    reader = made[descriptor.full_name] = _MessageReader()
    for field in descriptor.fields:
        entry = (_setter(field, made), field.json_name)
        reader.setters[field.json_name] = entry
        reader.setters[field.name] = entry
    return reader


def _setter(field: FieldDescriptor, made: dict[str, _MessageReader]) -> Setter:
    if field.message_type is not None:
        nested = _message_reader(field.message_type, made)
        return _repeated_message(field.name, nested) if field.is_repeated else _single_message(field.name, nested)
    read = _scalar(field)
    return _repeated_scalar(field.name, read) if field.is_repeated else _single_scalar(field.name, read)


def _single_message(name: str, nested: _MessageReader) -> Setter:
    def set_it(message: Message, value: Any, depth: int) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        nested.fill(inner, value, depth + 1)

    return set_it


def _repeated_message(name: str, nested: _MessageReader) -> Setter:
    def set_them(message: Message, values: Any, depth: int) -> None:
        add = getattr(message, name).add
        for number, value in enumerate(_list(values)):
            try:
                nested.fill(add(), value, depth + 1)
            except _Bad as error:
                error.path.append(f"[{number}]")
                raise

    return set_them


def _single_scalar(name: str, read: Callable[[Any], Any]) -> Setter:
    def set_it(message: Message, value: Any, depth: int) -> None:
        setattr(message, name, read(value))

    return set_it


def _repeated_scalar(name: str, read: Callable[[Any], Any]) -> Setter:
    def set_them(message: Message, values: Any, depth: int) -> None:
        getattr(message, name).extend([read(value) for value in _list(values)])

    return set_them


def _list(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise _Bad("must be an array")
    return values


def _scalar(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _id_reader(_ID_BYTES[field.name]) if field.name in ID_FIELDS else _base64
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _boolean
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    return _float if field.type in FLOAT_TYPES else _integer_reader(*_INT_RANGE[field.type])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Bad("must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair: JavaScript leaves it when it cuts a string in the middle of an emoji.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Bad("must be true or false")
    return value


def _float(value: Any) -> float:
    if isinstance(value, str) and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise _Bad('must be a number, "NaN", "Infinity" or "-Infinity"')
    if not math.isfinite(number):
        raise _Bad("is out of range")
    return number


def _integer_reader(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _integer(value)
        if not low <= number <= high:
            raise _Bad(f"must be from {low} to {high}")
        return number

    return read


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _Bad("must be a whole number, or one in a string")


def _enum_reader(enum: EnumDescriptor) -> Callable[[Any], int]:
    numbers: Mapping[str, int] = {value.name: value.number for value in enum.values}
    low, high = _INT_RANGE[FieldDescriptor.TYPE_INT32]

    def read(value: Any) -> int:
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        try:
            number = _integer(value)
        except _Bad:
            raise _Bad(f"must be a number or one of {', '.join(numbers)}") from None
        if not low <= number <= high:
            raise _Bad(f"must be from {low} to {high}")
        return number

    return read


def _id_reader(size: int) -> Callable[[Any], bytes]:
    wanted = f"must be {2 * size} hex digits, or empty"

    def read(value: Any) -> bytes:
        if not isinstance(value, str):
            raise _Bad(wanted)
        if len(value) in (0, 2 * size):
            try:
                return binascii.unhexlify(value)
            except ValueError:
                raise _Bad(wanted) from None
        raise _Bad(
            f"{wanted}; this looks like base64, which OTLP JSON does not use for ids"
            if _is_base64(value, size)
            else wanted
        )

    return read


def _is_base64(value: str, size: int) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == size
    except ValueError:
        return False


def _base64(value: Any) -> bytes:
    """Standard or URL-safe alphabet, with or without padding, as proto3's mapping asks of a reader."""
    if not isinstance(value, str):
        raise _Bad("must be base64 in a string")
    try:
        standard = value.replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise _Bad("must be base64 in a string") from None


_made: dict[str, _MessageReader] = {}
_READERS = {signal: _message_reader(cast(Descriptor, signal.request_type.DESCRIPTOR), _made) for signal in Signal}
