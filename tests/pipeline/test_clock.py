"""Whoever sets the machine's clock neither ends what is held for late errors nor prolongs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.telemetry import span, traces

from errorplane.journal import Journal
from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import Counters, compile_plan
from errorplane.pipeline._decider import Decider
from errorplane.pipeline._ingest import Entrance
from errorplane.policy import Policy

DAY = 86_400.0
NOW = 1_790_000_000.0


class Machine:
    """A decider on a machine whose two clocks the test sets."""

    def __init__(self, folder: Path, wall: float) -> None:
        self.wall, self.monotonic = wall, 5_000.0
        policy = Policy.model_validate(
            {
                "version": 1,
                "journal": {"path": str(folder)},
                "sampling": {"decision_wait": "1s", "rescue_window": "10m", "rules": [{"name": "rest", "keep": 0.0}]},
            }
        )
        keys = from_policy(policy)
        plan = compile_plan(policy, keys, lambda: self.monotonic)
        self.decider = Decider(
            lambda: plan,
            Counters(),
            on_taken=lambda: self._entrance.release(),
            on_deliveries=lambda: None,
            clock=lambda: self.monotonic,
            wall_clock=lambda: self.wall,
        )
        self.journal = Journal(
            folder / "journal", keys.key("journal"), max_bytes=1 << 26, on_append=self.decider.on_append
        )
        self._entrance = Entrance(lambda: plan, self.journal, Counters(), lambda signal, body: None, 8)
        self.decider.attach(self.journal)

    def drop_a_trace(self) -> bytes:
        """A healthy trace comes in and is dropped; returns its id."""
        made = span()
        self._entrance(Signal.TRACES, traces([made]).SerializeToString())
        self.decider.step()
        self.passes(2.0)
        return made.trace_id

    def passes(self, seconds: float) -> None:
        """Time goes by, and then a turn comes."""
        self.wall += seconds
        self.monotonic += seconds
        self.decider.step()


@contextlib.contextmanager
def machine(folder: Path, wall: float = NOW) -> Iterator[Machine]:
    """A machine until the end of the block."""
    made = Machine(folder, wall)
    with contextlib.closing(made.journal):
        yield made


def test_a_clock_set_forward_or_back_changes_no_window(tmp_path: Path) -> None:
    """A day forward, then two back: what is held goes after its ten minutes, and the offset is there to be seen."""
    with machine(tmp_path) as host:
        host.drop_a_trace()
        host.wall += DAY
        host.passes(590.0)
        assert host.journal.rescue_bytes > 0
        assert host.decider.clock_offset == DAY
        host.wall -= 2 * DAY
        host.passes(5.0)
        assert host.journal.rescue_bytes > 0
        host.passes(10.0)
        assert host.journal.rescue_bytes == 0
        assert host.decider.clock_offset == -DAY


def test_a_clock_set_back_before_a_restart_does_not_prolong_what_is_held(tmp_path: Path) -> None:
    """The process ends, the clock is set back a day, the next one starts: ten minutes later nothing is held."""
    with machine(tmp_path) as host:
        host.drop_a_trace()
    with machine(tmp_path, NOW - DAY) as host:
        host.passes(590.0)
        assert host.journal.rescue_bytes > 0
        host.passes(20.0)
        assert host.journal.rescue_bytes == 0


def test_verdicts_are_remembered_by_age_whatever_the_clock_is_set_to(tmp_path: Path) -> None:
    """Set back a day, a verdict is forgotten after the hour that the policy says, not after a day and an hour."""
    with machine(tmp_path) as host:
        first = host.drop_a_trace()
        host.wall -= DAY
        host.passes(3_000.0)
        host.drop_a_trace()
        assert host.journal.verdict(first) is not None
        host.passes(DAY / 2)
        host.drop_a_trace()
        assert host.journal.verdict(first) is None
