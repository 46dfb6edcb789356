"""Processors are added, killed, stopped and lost under load, behind real balancers: what became of each trace.

One run of some 40 s serves all tests here. The rules keep errors and half of the rest, by trace id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.scaleout.backend import Arrived
from tests.scaleout.cluster import Cluster, Interval, can_mount
from tests.scaleout.load import Load, Outcome, Sent, outcome, send_all_signals
from tests.support.collector_tools import wait_until

pytestmark = pytest.mark.e2e

_DECISION_WAIT_S = 2.0
_DELIVERY_S = 3.0  # from a verdict to its delivery, acknowledged and noted
_SAMPLING = {
    "decision_wait": f"{_DECISION_WAIT_S:g}s",
    "rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.5}],
}


@dataclass(frozen=True)
class Run:
    """What was sent, what arrived, and what happened meanwhile."""

    cluster: Cluster
    sent: dict[str, Sent]
    joined: set[str]  # traces of a failed span and a harmless log record, while three processors were listed
    arrived: list[Arrived]
    outcome: Outcome

    def switched(self) -> set[str]:
        """The traces of which something was under way while the balancer switched: the documented window."""
        switches = self.cluster.switches
        return {
            trace_id for trace_id, trace in self.sent.items() if any(trace.under_way.meets(each) for each in switches)
        }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The whole story, told once."""
    assert can_mount(), "`unshare --map-root-user --mount true` fails: allow user namespaces, or run the tests as root"
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), {"sampling": _SAMPLING})
    try:
        yield _story(cluster)
    finally:
        cluster.close()


def _story(cluster: Cluster) -> Run:
    cluster.start("a")
    cluster.start("b")
    cluster.list_processors("a", "b")
    cluster.start_balancer(0)
    cluster.start_balancer(1)
    load = Load(cluster.balancer_addresses)
    _go_on(load)
    cluster.start("c")
    cluster.list_processors("a", "b", "c")  # one more
    joined = send_all_signals(cluster.balancer_addresses, 60)
    _go_on(load)
    cluster.kill("a")  # a crash: it keeps its place, and comes back with its journal
    cluster.start("a")
    cluster.kill_balancer(1)
    cluster.start_balancer(1)
    _go_on(load)
    cluster.list_processors("a", "c")  # one less, in order
    cluster.stop("b")
    _go_on(load)
    cluster.kill("c")  # a lost machine: its place goes to others
    cluster.list_processors("a")
    cluster.start("c")  # its disk is found, and drained
    _go_on(load)
    sent = load.stop()
    cluster.settle()
    arrived = cluster.backend.spans()
    return Run(cluster, sent, joined, arrived, outcome(sent, arrived))


def _go_on(load: Load) -> None:
    """Until some hundred more traces are complete, which takes seconds: longer than a trace is under way."""
    before = len(load.traces)
    wait_until(lambda: len(load.traces) > before + 250, "more traces", 30)


def test_no_acknowledged_error_is_lost(run: Run) -> None:
    """The failed span of every trace arrives, whatever happened to the processors while the trace was under way."""
    assert sum(trace.failed for trace in run.sent.values()) > 250
    assert run.outcome.lost_errors == []


def test_a_trace_has_one_verdict_unless_the_balancer_switched_while_it_was_under_way(run: Run) -> None:
    """All other traces are kept whole or dropped whole, by one processor; a crash in place splits nothing."""
    outcome, switched = run.outcome, run.switched()
    divided = {*outcome.contradicted_errors, *outcome.contradicted_healthy, *outcome.split}
    print(
        f"{len(run.sent)} traces, {len(switched)} at a switch: {len(outcome.split)} split,"
        f" {len(outcome.contradicted_errors)} contradicted; {outcome.duplicates.total()} spans twice"
    )
    assert divided - switched == set()
    crash = run.cluster.outages[0]
    assert not any(switch.meets(crash) for switch in run.cluster.switches)
    assert any(trace.under_way.meets(crash) for trace in run.sent.values())


def test_healthy_traces_agree_even_when_the_balancer_switched(run: Run) -> None:
    """Chance is taken by trace id, so two processors keep or drop the parts of a healthy trace alike."""
    assert len([trace_id for trace_id in run.switched() if not run.sent[trace_id].failed]) > 100
    assert set(run.outcome.split) & {trace_id for trace_id, trace in run.sent.items() if not trace.failed}
    assert run.outcome.contradicted_healthy == []


def test_only_requests_under_way_when_something_went_are_delivered_twice(run: Run) -> None:
    """Duplicates are requests that were sent again, or deliveries whose note died with the processor; few copies."""
    before = _DECISION_WAIT_S + _DELIVERY_S
    causes = [Interval(outage.began - before, outage.ended) for outage in run.cluster.outages]
    duplicates = run.outcome.duplicates
    unexplained = [
        (trace_id, span_id)
        for trace_id, span_id in duplicates
        if not any(run.sent[trace_id].spans[span_id].meets(cause) for cause in (*causes, *run.cluster.switches))
    ]
    assert unexplained == []
    assert max(duplicates.values(), default=0) <= 2
    assert duplicates.total() < 0.05 * len(run.arrived)


def test_all_processors_carry_their_share(run: Run) -> None:
    """While three are listed, traces that begin and end in that time lie on each of them, near a third of them."""
    three = Interval(run.cluster.switches[0].ended, run.cluster.switches[1].began)
    inside = {trace for trace, sent in run.sent.items() if sent.under_way.within(three)}
    carried = {name: len({a.trace_id for a in run.arrived if a.sender == name} & inside) for name in "abc"}
    kept = sum(carried.values())
    assert kept > 80
    assert all(0.15 < count / kept < 0.55 for count in carried.values()), carried


def test_log_records_go_where_the_spans_of_their_trace_go(run: Run) -> None:
    """A harmless log record is kept by the processor that has the failed span, though another balancer sent it."""
    senders = {(each.sender, each.trace_id) for each in run.arrived if each.trace_id in run.joined}
    assert len({sender for sender, _ in senders}) == 3
    assert {pair for pair in run.cluster.backend.logs() if pair[1] in run.joined} == senders
    assert "scaleout.metric" in run.cluster.backend.metrics()


def test_a_processor_that_is_stopped_leaves_nothing_behind(run: Run) -> None:
    """SIGTERM after its place was taken away: it decides and delivers what it has, and its log says so."""
    log = (run.cluster.folder / "b" / "processor.log").read_text()
    assert "stopped; everything that was decided has been delivered" in log
