"""The threshold of a span, written as it is sent: protobuf lets the last value of a field win, so it is appended.

Among the fields that a delivery appends to a span, a trace state stands first, for spans that have none of their own;
one that is empty asks for the threshold to be erased. For a span with a trace state the two become one.
"""

from __future__ import annotations

from errorplane.otlp._wire import encode_varint, read_varint, skip_field
from errorplane.sampling import erased, explicit_randomness, format_threshold, parse_threshold, raised, randomness

_TAG = 0x1A  # Span.trace_state: field 3, length-delimited
_TRACE_ID = 0x0A
_AFTER_IDS = 28  # where the next field begins after ids in the order of their numbers
_FIRST = bytes((_TAG,))
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
    data = value.encode()
    return bytes((_TAG,)) + encode_varint(len(data)) + data


def _trace_state(span: bytes) -> tuple[bytes, str]:
    """Trace id and trace state of a serialised span."""
    if span[:2] == b"\x0a\x10" and span[18:20] == b"\x12\x08" and span.find(_TAG, _AFTER_IDS) < 0:
        return b"", ""  # the usual case, without a look at each field
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
