"""The Presidio synthetic dataset (``data/README.md``): prose, split by template into two halves."""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path

from tests.accuracy.scoring import Sample, Span

DATA = Path(__file__).parent / "data" / "presidio_synth_v2_dev.json"


@cache
def synth() -> tuple[Sample, ...]:
    """All records; every second template, by a checksum of its number, is held out."""
    return tuple(
        Sample(
            record["full_text"],
            tuple(Span(each["entity_type"], each["start_position"], each["end_position"]) for each in record["spans"]),
            f"synth {record['template_id']}",
            held_out=zlib.crc32(b"%d" % record["template_id"]) % 2 == 1,
        )
        for record in json.loads(DATA.read_text())
    )
