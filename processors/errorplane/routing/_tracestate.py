"""The threshold of a span, written as it is sent: protobuf lets the last value of a field win, so it is appended.

Among the fields that a delivery appends to a span, a trace state stands first, for spans that have none of their own;
one that is empty asks for the threshold to be erased. For a span with a trace state the two become one.
"""

from __future__ import annotations

import re

from errorplane.otlp._wire import delimited, read_varint, skip_field
from errorplane.sampling import erased, explicit_randomness, format_threshold, parse_threshold, raised, randomness

_TAG = 0x1A  # Span.trace_state: field 3, length-delimited
_TRACE_ID = 0x0A
_AFTER_IDS = 28  # where the next field begins after ids in the order of their numbers
_FIRST = bytes((_TAG,))
# The tag, a length, and what is no key of an attribute, whose own tag and length would stand there (W3C: a key begins with
# a letter or digit); more than that may match, nothing less.
_ELSEWHERE = re.compile(rb"\x1a(?:[\x01-\x7f]|[\x80-\xff][\x01-\x7f])[ \t]*[a-z0-9][^=]{0,255}=")
_OURS = b"ot=th:"


def threshold_field(threshold: int | None) -> bytes:
    """The field that says which threshold a span has passed; None: that no threshold may be told."""
    return _field("" if threshold is None else f"ot=th:{format_threshold(threshold)}")


def has_threshold(fields: bytes) -> bool:
    """Whether fields to append ask for a threshold to be written or erased."""
    return fields[:1] == _FIRST


def resolved(span: bytes, fields: bytes) -> bytes:
    """The fields to append to this span: as given, but with a trace state that keeps what its own one says."""
    if not has_threshold(fields):
        return fields
    end = 2 + fields[1]
    ours, rest = fields[2:end], fields[end:]
    trace_id, own = _trace_state(span)
    if not own:
        return fields if ours else rest
    if ours:
        threshold = parse_threshold(ours[len(_OURS) :].decode()) or 0
        merged = raised(own, threshold, randomness(trace_id, explicit_randomness(own)))
    else:
        merged = erased(own)
    return rest if merged == own else _field(merged) + rest


def _field(value: str) -> bytes:
    return _FIRST + delimited(value.encode())


def _trace_state(span: bytes) -> tuple[bytes, str]:
    """Trace id and trace state of a serialised span.

    Encoders write fields in the order of their numbers, so it stands after the ids. That none stands elsewhere is asked
    of an expression, at a tenth of what a look at each field takes.
    """
    if span[:2] == b"\x0a\x10" and span[18:20] == b"\x12\x08":
        found, end = b"", _AFTER_IDS
        if span[end : end + 1] == _FIRST:
            length, start = read_varint(span, end + 1)
            end = start + length
            found = span[start:end]
        if _ELSEWHERE.search(span, end) is None:
            return span[2:18], found.decode()
    return _read(span)


def _read(span: bytes) -> tuple[bytes, str]:
    """As ``_trace_state``, whatever the order of the fields; of a field given twice, the last."""
    trace_id, state = b"", b""
    at = 0
    while at < len(span):
        tag, value_at = read_varint(span, at)
        at = skip_field(span, tag, value_at)
        if tag in (_TAG, _TRACE_ID):
            length, start = read_varint(span, value_at)
            if tag == _TAG:
                state = span[start : start + length]
            else:
                trace_id = span[start : start + length]
    return trace_id, state.decode()
