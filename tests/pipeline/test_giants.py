"""Of traces with very many spans, the way from the root to every error survives the cut."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import attribute_values, policy, read_lines, run_processor, spans_in
from tests.support.telemetry import new_trace_id, span, span_id, traces

from errorplane.journal import Journal
from errorplane.keys import Key
from errorplane.otlp import Signal
from errorplane.pipeline._giants import Giants
from errorplane.pipeline._spans import Spans
from errorplane.sampling import Items

SAMPLING = {
    "decision_wait": "30s",
    "max_spans_per_trace": 20,
    "rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.0}],
}


def test_a_giant_trace_is_cut_to_what_leads_to_its_errors(tmp_path: Path) -> None:
    """Beyond the bound come filler, a parent, its failing child, and at last their ancestors: all but filler are kept."""
    trace_id = new_trace_id()
    root, middle, parent = span_id(), span_id(), span_id()

    def made(above: bytes, *, own: bytes | None = None, error: bool = False) -> Span:
        return span(trace_id=trace_id, parent=above, own_id=own, error=error)

    filler = [made(span_id()) for _ in range(30)]
    with run_processor(policy(tmp_path, sampling=SAMPLING)) as processor:
        first = [made(middle, error=number == 3) for number in range(20)]
        processor.send(Signal.TRACES, traces(first))
        wait_until(lambda: processor.stats()["traces"]["kept"] == 1, "the verdict, at the bound")
        processor.send(Signal.TRACES, traces([*filler[:15], made(middle, own=parent)]))
        wait_until(lambda: processor.stats()["dropped"]["traces"] == {"cut": 16}, "the cut")
        failed = made(parent, error=True)
        processor.send(Signal.TRACES, traces([failed, *filler[15:]]))
        processor.send(Signal.TRACES, traces([made(root, own=middle), made(b"", own=root)]))
        wait_until(lambda: len(spans_in(read_lines(tmp_path / "out.jsonl"))) == 24, "what is kept")
        said = processor.stats()
    assert said["dropped"]["traces"] == {"cut": 31}
    assert said["rescued"]["items"] == {"traces": 1}
    spans = {
        bytes.fromhex(each["spanId"]): attribute_values(each) for each in spans_in(read_lines(tmp_path / "out.jsonl"))
    }
    assert spans.keys() == {each.span_id for each in (*first, failed)} | {root, middle, parent}
    assert all(tags["errorplane.trace.cut"] is True for tags in spans.values())
    assert spans[first[0].span_id]["errorplane.trace.cut_spans"] == "0"
    assert spans[root]["errorplane.trace.cut_spans"] == "30"


def test_a_sender_cannot_mark_a_span_as_cut(tmp_path: Path) -> None:
    """The mark is the processor's own: what a sender writes there does not pass."""
    forged = span(error=True, attributes={"errorplane.trace.cut": True, "errorplane.trace.cut_spans": 7})
    with run_processor(policy(tmp_path)) as processor:
        processor.send(Signal.TRACES, traces([forged]))
        (found,) = wait_until(lambda: spans_in(read_lines(tmp_path / "out.jsonl")), "the span")
    assert not any(key.startswith("errorplane.trace.") for key in attribute_values(found))


@pytest.mark.parametrize("seed", range(8))
def test_every_ancestor_of_every_error_is_kept_in_any_order(tmp_path: Path, seed: int) -> None:
    """Random trees arrive in random order, many spans a request: no error loses an ancestor, and most others are cut."""
    chance = random.Random(seed)
    ids = [span_id() for _ in range(600)]
    parents = {ids[0]: b""} | {ids[n]: ids[chance.randrange(max(0, n - 40), n)] for n in range(1, len(ids))}
    failed = set(chance.sample(ids, 6))
    spans = [span(trace_id=b"t" * 16, own_id=each, parent=parents[each], error=each in failed) for each in ids]
    chance.shuffle(spans)
    journal = Journal(tmp_path / "journal", Key("6b6b6b6b", b"k" * 32), max_bytes=1 << 26)
    giants = Giants(journal, Spans(journal))
    kept: set[bytes] = set()
    record = b""
    for start in range(0, len(spans), 50):
        batch = spans[start : start + 50]
        seq = journal.append(Signal.TRACES, traces(batch).SerializeToString())
        items = Items.of(Signal.TRACES, range(len(batch)))
        if not record:
            record = giants.record({seq: items})
            kept |= {each.span_id for each in batch}
            continue
        split = giants.split(record, seq, items, {n for n, each in enumerate(batch) if each.span_id in failed})
        record = split.record
        kept |= {spans[(where - 1) * 50 + n].span_id for where, numbers in split.kept.items() for n in numbers}
        assert len(split.cut) + len(split.kept.get(seq, ())) == len(batch)
    journal.close()
    for each in failed:
        while each:
            assert each in kept
            each = parents[each]  # up to the root
    assert len(kept) < len(ids) * 0.7
