"""What is remembered of decided traces stays within its share of the journal, at any rate."""

from __future__ import annotations

from pathlib import Path

from tests.support.collector_tools import wait_until
from tests.support.telemetry import span, traces

from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import Processor
from errorplane.policy import Policy

MAX_BYTES = 16 << 20


def test_verdicts_do_not_fill_the_journal(tmp_path: Path) -> None:
    """Far more traces than there is room for verdicts: older ones are forgotten sooner, and requests are still taken."""
    policy = Policy.model_validate(
        {
            "version": 1,
            "listen": {"grpc": None, "http": None, "admin": None},
            "journal": {"path": str(tmp_path), "max_bytes": MAX_BYTES},
            "sampling": {"decision_wait": "100ms", "rules": [{"name": "none", "when": {"status": "error"}}]},
            "telemetry": {"metrics_interval": None},
        }
    )
    processor = Processor(policy, from_policy(policy))
    processor.start()
    try:
        for _ in range(100):
            body = traces([span() for _ in range(1000)]).SerializeToString()
            assert processor._entrance(Signal.TRACES, body).rejected == 0
        decided = processor.counters
        wait_until(lambda: decided.total("decisions", verdict="dropped") == 100_000, "all decisions", 30)
        assert processor.journal.verdict_bytes < MAX_BYTES // 3
    finally:
        assert processor.stop(10.0) == 0


def test_verdicts_are_forgotten_after_their_time(tmp_path: Path) -> None:
    """Once journal.remember has passed, the next decisions let go of a verdict, and only of those that are as old."""
    policy = Policy.model_validate(
        {
            "version": 1,
            "listen": {"grpc": None, "http": None, "admin": None},
            "journal": {"path": str(tmp_path), "remember": "1s"},
            "sampling": {"decision_wait": "50ms", "rules": [{"name": "none", "keep": 0.0}]},
            "telemetry": {"metrics_interval": None},
        }
    )
    processor = Processor(policy, from_policy(policy))
    processor.start()
    try:
        first, later = span(), span()
        processor._entrance(Signal.TRACES, traces([first]).SerializeToString())
        wait_until(lambda: processor.journal.verdict(first.trace_id), "the first verdict", 20)
        assert processor.journal.verdict(first.trace_id) is not None

        def forgotten() -> bool:
            processor._entrance(Signal.TRACES, traces([span()]).SerializeToString())
            return processor.journal.verdict(first.trace_id) is None

        wait_until(forgotten, "the first verdict to be forgotten", 20)
        processor._entrance(Signal.TRACES, traces([later]).SerializeToString())
        wait_until(lambda: processor.journal.verdict(later.trace_id), "the last verdict", 20)
    finally:
        assert processor.stop(10.0) == 0
