"""Tell requests whose messages are written backwards: the Collector writes so, SDKs do not.

Its encoder (``go.opentelemetry.io/collector/pdata``) fills a buffer from the end, field by field in ascending order: what
comes out begins with the last field, and a KeyValue with its value. That is valid. But whoever looks for a name and reads
on from there, or for the ids at the beginning of a span, has to go the long way round for each of them, which takes
several times as long as to have upb write the request anew.
"""

from __future__ import annotations

from errorplane.otlp._wire import Layout, read_varint, skip_field


def is_backwards(body: bytes, layout: Layout) -> bool:
    """Whether the first item, of those in ``layout`` of ``body``, has a field before one of a lower number."""
    if not layout.items:
        return False
    at, end = layout.items[0]
    before = 0
    while at < end:
        tag, after = read_varint(body, at)
        if tag >> 3 != before and before:
            return tag >> 3 < before
        before = tag >> 3
        at = skip_field(body, tag, after)
    return False
