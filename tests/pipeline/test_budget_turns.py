"""The real decider and journal, turn by turn: for any traffic and any restarts, budgets count every error once."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.support.processor_tools import policy
from tests.support.telemetry import new_trace_id, span, traces

from errorplane.journal import Journal
from errorplane.keys import Key, from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import Counters, Plan, compile_plan
from errorplane.pipeline._budgeting import budget_totals
from errorplane.pipeline._decider import Decider
from errorplane.pipeline._ingest import Entrance
from errorplane.pipeline._recovery import recover
from errorplane.policy import load
from errorplane.routing import parts_of

WINDOW_S, WAIT_S = 60.0, 10.0
START = 1_790_000_000.0
KINDS, ROOMY, CROWDED = 9, 36, 6  # kinds of errors; places with room for the first of each, and with room for one


@pytest.fixture(scope="module", params=[ROOMY, CROWDED])
def plan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan with a budget of so many places; compiled once, since that takes a second."""
    folder = tmp_path_factory.mktemp("plan")
    budget = {"samples": 2, "window": "60s", "decay": 0.5, "max_fingerprints": request.param}
    rules = [{"name": "errors", "when": {"status": "error"}, "budget": budget}, {"name": "rest", "keep": 0}]
    loaded = load(policy(folder, sampling={"decision_wait": "10s", "rules": rules}))
    return compile_plan(loaded, from_policy(loaded))


class Machine:
    """A processor without threads, whose clock goes on when told to; it can be killed between any two steps."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self.now = START
        self._boot()

    def _boot(self) -> None:
        counters = Counters()
        self.decider = Decider(
            lambda: self._plan,
            counters,
            on_taken=lambda: self._entrance.release(),
            on_deliveries=lambda: None,
            clock=lambda: self.now,
            wall_clock=lambda: self.now,
        )
        self.journal = Journal(
            self._folder, Key("6b6b6b6b", b"k" * 32), max_bytes=1 << 26, on_append=self.decider.on_append, durable=False
        )
        self._entrance = Entrance(lambda: self._plan, self.journal, counters, lambda signal, body: None, 1000)
        self.decider.attach(self.journal, recover(self.journal, self._plan, counters))

    def send(self, request: ExportTraceServiceRequest) -> None:
        """Journal a request; it is not looked at before the next step."""
        self._entrance(Signal.TRACES, request.SerializeToString())

    def step(self, seconds: float) -> None:
        """Let time pass, then decide what is due."""
        self.now += seconds
        self.decider.step()

    def kill(self) -> None:
        """Lose all memory; what was committed is there again."""
        self.journal.close()
        self._boot()

    def finish(self) -> None:
        """Decide everything that is open."""
        self.decider.step(stopping=True)
        while len(self.decider.traces):
            self.decider.step(stopping=True)

    def told(self) -> Iterator[tuple[str, int]]:
        """What samples say that wait for their destination: type of the error, and how many it stands for."""
        for number in self.journal.pending("out", limit=100_000):
            delivery = self.journal.delivery(number)
            assert delivery is not None
            if delivery.signal is Signal.TRACES:
                for part in parts_of(self.journal, delivery, b"", lambda seq, items, error: None):
                    request = ExportTraceServiceRequest.FromString(part.payload)
                    for each in request.resource_spans[0].scope_spans[0].spans:
                        said = {pair.key: pair.value for pair in each.attributes}
                        count = (
                            said["errorplane.suppressed_count"].int_value
                            if "errorplane.suppressed_count" in said
                            else 0
                        )
                        yield each.events[0].attributes[0].value.string_value, 1 + count


def failing(kinds: tuple[int, ...]) -> ExportTraceServiceRequest:
    """A trace with an error of each kind, which all reached its top."""
    trace_id = new_trace_id()
    exceptions = ({"exception.type": f"shop.E{kind}", "exception.message": "x"} for kind in kinds)
    return traces([span(trace_id=trace_id, error=True, exception=exception) for exception in exceptions])


STEPS = st.lists(
    st.one_of(
        st.lists(st.integers(0, KINDS - 1), min_size=1, max_size=3, unique=True).map(tuple),
        st.sampled_from((0.0, 1.0, WAIT_S, WINDOW_S, 5 * WINDOW_S)),
        st.just("kill"),
    ),
    max_size=40,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_every_error_is_counted_once(plan: Plan, steps: list[tuple[int, ...] | float | str]) -> None:
    """Kept and suppressed are all that was sent; samples and the counts on them tell what was kept and carried.

    While there is room for new fingerprints, the first of each is kept.
    """
    sent = Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(plan, Path(folder) / "journal")
        for step in steps:
            if isinstance(step, tuple):
                machine.send(failing(step))
                sent.update(f"shop.E{kind}" for kind in step)
            elif isinstance(step, float):
                machine.step(step)
            else:
                machine.kill()
        machine.finish()
        machine.kill()
        told = Counter[str]()
        for kind, count in machine.told():
            told[kind] += count
        totals = budget_totals(machine.decider.budgets).get("errors", {}).get("trace")
        machine.journal.close()
    if totals is None:
        assert not sent
        return
    assert totals["offered"] == totals["kept"] + totals["suppressed"] == sent.total()
    assert told.total() == totals["kept"] + totals["carried"]
    assert all(told[kind] <= sent[kind] for kind in told)
    if plan.budgets["errors"].max_fingerprints == ROOMY:
        assert told.keys() == sent.keys()
        assert totals["untold"] == 0
