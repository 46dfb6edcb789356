"""The attributes that the pipeline appends, as encoded fields: protobuf lets a repeated field grow at the end."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.otlp import Signal
from errorplane.otlp._wire import delimited, encode_varint

# Field numbers of `attributes` (opentelemetry-proto): Resource 1, Span 9, LogRecord 6.
RESOURCE_ATTRIBUTES = 1
ITEM_ATTRIBUTES = {Signal.TRACES: 9, Signal.LOGS: 6}
TagValue = str | bool | float | int


@functools.lru_cache(maxsize=8192)
def encode_tag(field_number: int, key: str, value: TagValue) -> bytes:
    """One ``KeyValue`` as an element of the repeated field ``field_number``."""
    if isinstance(value, str):
        any_value = AnyValue(string_value=value)
    elif isinstance(value, bool):
        any_value = AnyValue(bool_value=value)
    elif isinstance(value, int):
        any_value = AnyValue(int_value=value)
    else:
        any_value = AnyValue(double_value=value)
    body = KeyValue(key=key, value=any_value).SerializeToString()
    return encode_varint(field_number << 3 | 2) + delimited(body)


def encode_tags(field_number: int, tags: Iterable[tuple[str, TagValue]]) -> bytes:
    """Several tags, one after the other."""
    return b"".join(encode_tag(field_number, key, value) for key, value in tags)
