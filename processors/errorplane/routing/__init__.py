"""Routing: what was kept leaves for the destinations of its retention class, each acknowledging by itself."""

from __future__ import annotations

from errorplane.routing._destinations import build_destination
from errorplane.routing._parts import MAX_PAYLOAD_BYTES, Part, Rewrite, copy_of, joined, parts_of
from errorplane.routing._sender import Sender, SenderStats
from errorplane.routing._tracestate import threshold_field

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "Part",
    "Rewrite",
    "Sender",
    "SenderStats",
    "build_destination",
    "copy_of",
    "joined",
    "parts_of",
    "threshold_field",
]
