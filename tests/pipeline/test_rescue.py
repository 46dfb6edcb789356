"""An error that comes after its trace was dropped brings the whole trace back, as long as the journal holds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    logs_in,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import log, logs, new_trace_id, span, traces

from errorplane.otlp import Signal

RULES = [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.0}]


def sampling(**more: Any) -> dict[str, Any]:
    """Errors are kept, everything else is dropped after 200 ms."""
    return {"decision_wait": "200ms", "rules": RULES, **more}


def spans_of(folder: Path, trace_id: bytes) -> list[dict[str, Any]]:
    """What has arrived of a trace."""
    return [each for each in spans_in(read_lines(folder / "out.jsonl")) if each["traceId"] == trace_id.hex()]


def dropped(processor: RunningProcessor, count: int) -> Callable[[], bool]:
    """Whether so many traces were dropped."""
    return lambda: bool(processor.stats()["traces"]["dropped"] >= count)


def test_a_late_error_brings_its_trace_back_whole(tmp_path: Path) -> None:
    """Spans and logs of several requests, and a span that came late, arrive once, with the error that came last."""
    trace_id = new_trace_id()
    with run_processor(policy(tmp_path, sampling=sampling())) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id), span()], "cart"))
        processor.send(Signal.TRACES, traces([span(), span(trace_id=trace_id)], "checkout"))
        processor.send(Signal.LOGS, logs([log("before it broke", trace_id=trace_id)]))
        wait_until(dropped(processor, 3), "the verdicts")
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
        wait_until(lambda: processor.stats()["dropped"]["traces"].get("late") == 1, "the late span")
        assert spans_of(tmp_path, trace_id) == []
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id, error=True)]))
        wait_until(lambda: len(spans_of(tmp_path, trace_id)) == 4, "the whole trace")
        wait_until(lambda: logs_in(read_lines(tmp_path / "out.jsonl")), "its log record")
        said = processor.stats()
        assert said["rescued"]["traces"] == {"whole": 1}
        assert said["rescued"]["items"] == {"traces": 3, "logs": 1}
    lines = read_lines(tmp_path / "out.jsonl")
    assert len(spans_in(lines)) == 4
    assert len(logs_in(lines, facts=True)) == 1
    assert {attribute_values(each)["errorplane.sampling.rule"] for each in spans_in(lines)} == {"errors"}


def test_a_restart_forgets_neither_what_was_dropped_nor_what_was_being_rescued(tmp_path: Path) -> None:
    """Killed after the drop, and again after the late error was acknowledged: the trace still comes back whole, once."""
    trace_id, other = new_trace_id(), new_trace_id()
    path = policy(tmp_path, sampling=sampling())
    with run_processor(path) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id), span(trace_id=other)]))
        wait_until(dropped(processor, 2), "the verdicts")
        wait_until(lambda: processor.stats()["journal"]["rescue_bytes"] > 0, "the verdicts on disk")
        processor.kill()
    policy(tmp_path, sampling=sampling(decision_wait="1h"))
    with run_processor(path) as processor:
        assert processor.stats()["journal"]["rescue_bytes"] > 0
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id, error=True)]))
        wait_until(lambda: processor.stats()["rescued"]["traces"] == {"whole": 1}, "the rescue")
        processor.kill()
    policy(tmp_path, sampling=sampling())
    with run_processor(path) as processor:
        wait_until(lambda: len(spans_of(tmp_path, trace_id)) == 2, "the whole trace")
        processor.send(Signal.TRACES, traces([span(trace_id=other, error=True)]))
        wait_until(lambda: len(spans_of(tmp_path, other)) == 2, "the other trace")
    assert len(spans_in(read_lines(tmp_path / "out.jsonl"))) == 4


def test_at_the_end_of_the_window_the_room_is_free_and_an_error_comes_alone(tmp_path: Path) -> None:
    """After the window nothing of a dropped trace is held; an error that comes then is kept without it."""
    trace_id = new_trace_id()
    with run_processor(policy(tmp_path, sampling=sampling(rescue_window="4s"))) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
        wait_until(lambda: processor.stats()["journal"]["rescue_bytes"] > 0, "the verdict on disk")
        wait_until(lambda: processor.stats()["journal"]["rescue_bytes"] == 0, "the end of the window")
        assert processor.stats()["rescued"]["released_requests"] == {"window": 1}
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id, error=True)]))
        wait_until(lambda: len(spans_of(tmp_path, trace_id)) == 1, "the error")
        assert processor.stats()["rescued"]["traces"] == {"gone": 1}


def test_without_a_window_nothing_is_held(tmp_path: Path) -> None:
    """With ``rescue_window: 0s`` a dropped trace leaves the journal at once, and its late error is kept alone."""
    trace_id = new_trace_id()
    with run_processor(policy(tmp_path, sampling=sampling(rescue_window="0s"))) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
        wait_until(dropped(processor, 1), "the verdict")
        wait_until(lambda: processor.stats()["journal"]["bytes"] == 0, "the verdict on disk")
        assert processor.stats()["journal"]["rescue_bytes"] == 0
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id, error=True)]))
        wait_until(lambda: len(spans_of(tmp_path, trace_id)) == 1, "the error")
