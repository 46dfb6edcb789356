"""Which signal a serialised Export request carries, and when it was sent: nothing in its bytes says so outright."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from errorplane.otlp import Signal
from errorplane.otlp._wire import MalformedWire, Range, items, read_varint, skip_field

# Field number and wire type (opentelemetry-proto 1.x). A span has times in fields 7 and 8, a log record in 1 and 11, with
# a severity in 2 and flags in 8; a metric has neither fixed numbers nor varints.
_SPAN = {(7, 1), (8, 1), (6, 0), (16, 5)}
_LOG = {(1, 1), (11, 1), (2, 0), (8, 5)}
_LOOKED_AT = 16
_FAR_NS = 3600 * 10**9


def signal_of(body: bytes) -> Signal | None:
    """The signal of a request in protobuf, by the fields of its first item; None without one."""
    try:
        (start, end), *_ = items(Signal.TRACES, body)  # one shape for all three signals
        return _signal_of_item(body[start:end])
    except (MalformedWire, ValueError, IndexError):
        return None


def _signal_of_item(item: bytes) -> Signal:
    fields: set[tuple[int, int]] = set()
    first = 0
    at = 0
    while at < len(item):
        tag, after = read_varint(item, at)
        at = skip_field(item, tag, after)
        fields.add((tag >> 3, tag & 7))
        if tag == 0x0A:
            first = at - after - 1
    if fields & _SPAN:
        return Signal.TRACES
    if fields & _LOG or (1, 2) not in fields:
        return Signal.LOGS
    # Without times, only a trace id of 16 bytes and a span id look like this; a metric carries its data.
    return Signal.TRACES if first == 16 and not fields & {(7, 2), (10, 2)} else Signal.METRICS


def sent_ns(signal: Signal, body: bytes) -> int:
    """About when a request was sent: the latest time of some of its items, in Unix nanoseconds; 0 if they have none.

    Metrics have none here: nothing waits for them. An end that is an hour later than most is a wrong clock's.
    """
    try:
        some = () if signal is Signal.METRICS else _spread(items(signal, body))
        times = sorted(time for start, end in some if (time := _time(signal, body[start:end])))
    except (MalformedWire, DecodeError):
        return 0  # the pipeline says what is wrong with it
    if not times:
        return 0
    middle = times[len(times) // 2]
    return max(time for time in times if time - middle <= _FAR_NS)


def _spread(ranges: Sequence[Range]) -> list[Range]:
    """At most 16 of them, the last one among them."""
    step = -(-len(ranges) // _LOOKED_AT) or 1
    return list(ranges[::-1][::step])


def _time(signal: Signal, item: bytes) -> int:
    if signal is Signal.TRACES:
        span = Span.FromString(item)
        return span.end_time_unix_nano or span.start_time_unix_nano
    record = LogRecord.FromString(item)
    return record.time_unix_nano or record.observed_time_unix_nano
