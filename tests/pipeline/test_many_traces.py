"""However many traces come at once, no more wait than may, and those that are due are not kept waiting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.collector_tools import wait_until
from tests.support.telemetry import span, traces

from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import Processor, _decider
from errorplane.policy import Policy

_MANY = 12_000


@contextlib.contextmanager
def _processor(folder: Path, **sampling: object) -> Iterator[Processor]:
    policy = Policy.model_validate(
        {
            "version": 1,
            "listen": {"grpc": None, "http": None, "admin": None},
            "journal": {"path": str(folder)},
            "sampling": {"rules": [{"name": "rest", "keep": 0.0}], **sampling},
            "telemetry": {"metrics_interval": None},
        }
    )
    processor = Processor(policy, from_policy(policy))
    processor.start()
    try:
        yield processor
    finally:
        assert processor.stop(10.0) == 0


def test_no_more_traces_wait_than_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of traces beyond the bound that arrive together are decided by the turn that takes them in."""
    monkeypatch.setattr(_decider, "_ARRIVALS_AT_ONCE", 1)
    monkeypatch.setattr(_decider, "_TURN_S", 600.0)  # there is one turn, and no next one to make up for it
    with _processor(tmp_path, decision_wait="1h", max_traces=100) as processor:
        processor._entrance(Signal.TRACES, traces([span() for _ in range(_MANY)]).SerializeToString())
        wait_until(lambda: processor.counters.total("decisions") == _MANY - 100, "the decisions", 30)
        assert len(processor._decider.traces) == 100


def test_more_due_traces_than_a_turn_decides_are_decided_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of traces whose windows close at the same time wait for no timer between two turns."""
    monkeypatch.setattr(_decider, "_ARRIVALS_AT_ONCE", 1)
    with _processor(tmp_path, decision_wait="1s") as processor:
        processor._entrance(Signal.TRACES, traces([span() for _ in range(_MANY)]).SerializeToString())
        wait_until(lambda: processor.counters.total("decisions") > 0, "the first turn", 30)
        monkeypatch.setattr(_decider, "_TURN_S", 600.0)
        wait_until(lambda: processor.counters.total("decisions") == _MANY, "the decisions", 30)
