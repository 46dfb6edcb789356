"""What is stored beside a request so that a restart need not look at it again."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import logs_in, policy, read_lines, run_processor, spans_in
from tests.support.telemetry import new_trace_id, span, traces

from errorplane.detectors import DataClass
from errorplane.otlp import Signal
from errorplane.pipeline._hints import Hints

_ITEMS = st.integers(0, 50)
_HINTS = st.builds(
    Hints, st.frozensets(_ITEMS), st.dictionaries(_ITEMS, st.frozensets(st.sampled_from(DataClass), min_size=1))
)


@given(_HINTS)
def test_hints_come_back_as_they_were(hints: Hints) -> None:
    """Any candidates and classes survive being packed, and nothing takes no room."""
    assert Hints.unpack(hints.pack()) == hints
    assert Hints().pack() == b""


@given(_HINTS, st.frozensets(_ITEMS))
def test_hints_move_with_the_items_that_are_left(hints: Hints, faulty: frozenset[int]) -> None:
    """Each item that stays keeps what was said of it, under its new number."""
    left = [item for item in range(51) if item not in faulty]
    moved = hints.without(dict.fromkeys(faulty, "bad"), 51)
    assert {left[new] for new in moved.candidates} == hints.candidates - faulty
    kept = {item: classes for item, classes in hints.classes.items() if item not in faulty}
    assert {left[new]: classes for new, classes in moved.classes.items()} == kept


def test_an_error_that_its_status_does_not_tell_survives_a_crash(tmp_path: Path) -> None:
    """A span that only says ``error=true`` and one with an exception are errors after a restart, too."""
    rules = [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.0}]
    path = policy(tmp_path, sampling={"decision_wait": "1h", "rules": rules})
    tagged, raised, healthy = new_trace_id(), new_trace_id(), new_trace_id()
    sent = [
        span(trace_id=tagged, attributes={"error": True}),
        span(trace_id=raised, exception={"exception.type": "KeyError"}),
        span(trace_id=healthy),
    ]
    with run_processor(path) as processor:
        processor.send(Signal.TRACES, traces(sent))
        processor.kill()
    policy(tmp_path, sampling={"decision_wait": "200ms", "rules": rules})
    with run_processor(path):
        wait_until(lambda: len(logs_in(read_lines(tmp_path / "out.jsonl"), facts=True)) == 2, "the facts")
        wait_until(lambda: len(spans_in(read_lines(tmp_path / "out.jsonl"))) == 2, "the spans")
    assert {each["traceId"] for each in spans_in(read_lines(tmp_path / "out.jsonl"))} == {tagged.hex(), raised.hex()}
