"""The same recorded traffic through the Collector's own tail_sampling and through ours."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from tests.sampling.tail_policies import BY_RATE, DETERMINISTIC, Theirs
from tests.sampling.tail_traffic import Recorded, record
from tests.support.collector_tools import Collector, read_items, run_collector

from errorplane.journal import VerdictRecord
from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import Decided, Trial
from errorplane.policy import load

_PACED_S = 8.0
_MANY_BYTES = 64 << 20


class Kept:
    """Collects the ids of the traces that a trial keeps, and how many spans they have."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._first: int | None = None
        self._places: list[Mapping[int, Sequence[int]]] = []

    def decided(self, decision: Decided) -> None:
        """Note where the items of a kept trace lie."""
        places = {seq: tuple(items.numbers) for seq, items in decision.items.items()}
        self._first = min(places) if self._first is None else min(self._first, *places)
        if decision.verdict.keep:
            self._places.append(places)

    def reopened(self, earlier: VerdictRecord) -> None:
        """Nothing of this traffic comes late."""
        raise AssertionError(f"decided anew: {earlier}")

    @property
    def spans(self) -> list[bytes]:
        """The trace id of each kept span."""
        assert self._first is not None, "nothing was decided"
        return [
            self._recorded.ids[seq - self._first][number]
            for places in self._places
            for seq, numbers in places.items()
            for number in numbers
        ]


def ours(recorded: Recorded, sampling: Mapping[str, Any], folder: Path, at_s: Callable[[int], float]) -> Kept:
    """What our pipeline keeps of requests that come at ``at_s`` of their number."""
    folder.mkdir(parents=True)
    (folder / "errorplane.yaml").write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "journal": {"path": "./data"},
                "redaction": {"detectors": []},
                "sampling": {"decision_wait": "1s", **sampling},
            }
        )
    )
    policy = load(folder / "errorplane.yaml")
    kept = Kept(recorded)
    trial = Trial(policy, from_policy(policy), folder / "trial", kept)
    for number, body in enumerate(recorded.bodies):
        trial.take(Signal.TRACES, body, at_s(number))
    trial.finish()
    trial.close()
    return kept


def theirs(
    recorded: Recorded, policies: Mapping[str, Theirs], folder: Path, wait_s: int, paced_s: float = 0.0
) -> tuple[dict[str, list[bytes]], list[float]]:
    """Of each policy the trace id of each span that the Collector keeps, and when each request was sent.

    All policies run in one Collector, each in a pipeline of its own. What is open at the end is decided then.
    """
    folder.mkdir(parents=True)
    config = folder / "tail.yaml"
    config.write_text(yaml.safe_dump(_config(policies, wait_s)))
    with run_collector(config, folder) as collector:
        sent = _send(collector, recorded, paced_s)
        if paced_s:
            time.sleep(wait_s + 2.0)  # not for luck: so long it decides second by second, the rest at once
    kept = {
        name: [bytes.fromhex(item.body["traceId"]) for item in read_items(folder / f"{name}.jsonl", "traces")]
        for name in policies
    }
    return kept, sent


def _send(collector: Collector, recorded: Recorded, paced_s: float) -> list[float]:
    sent = []
    began = time.time()
    with grpc.insecure_channel(collector.address(), options=[("grpc.max_send_message_length", _MANY_BYTES)]) as channel:
        call = channel.unary_unary(Signal.TRACES.grpc_method, request_serializer=None, response_deserializer=None)
        for number, body in enumerate(recorded.bodies):
            time.sleep(max(0.0, began + paced_s * number / len(recorded.bodies) - time.time()))
            call(body, timeout=30)
            sent.append(time.time())
    return sent


def _config(policies: Mapping[str, Theirs], wait_s: int) -> dict[str, Any]:
    common = {"decision_wait": f"{wait_s}s", "num_traces": 1_000_000, "expected_new_traces_per_sec": 1000}
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "${env:ERRORPLANE_TAIL_GRPC}"}}}},
        "processors": {f"tail_sampling/{name}": {**common, **policy} for name, policy in policies.items()},
        "exporters": {f"file/{name}": {"path": f"{name}.jsonl"} for name in policies},
        "extensions": {"health_check": {"endpoint": "${env:ERRORPLANE_TAIL_HEALTH}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
            "pipelines": {
                f"traces/{name}": {
                    "receivers": ["otlp"],
                    "processors": [f"tail_sampling/{name}"],
                    "exporters": [f"file/{name}"],
                }
                for name in policies
            },
        },
    }


@pytest.fixture(scope="module")
def traffic() -> Recorded:
    """What both get where the outcome is certain."""
    return record(1200, seed=20261125)


@pytest.fixture(scope="module")
def kept_by_collector(traffic: Recorded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    """What the Collector keeps by each policy whose outcome is certain."""
    policies = {name: theirs for name, (theirs, _) in DETERMINISTIC.items()}
    return theirs(traffic, policies, tmp_path_factory.mktemp("tail") / "collector", wait_s=60)[0]


@pytest.mark.e2e
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_the_same_traces_are_kept(
    traffic: Recorded, kept_by_collector: dict[str, list[bytes]], tmp_path: Path, name: str
) -> None:
    """Each of tail_sampling's policies and its counterpart keep exactly the same spans, some and, but for one, not all."""
    expected = kept_by_collector[name]
    kept = ours(traffic, DETERMINISTIC[name][1], tmp_path / name, lambda number: 1_790_000_000.0 + number / 1000)
    assert set(kept.spans) == set(expected)
    assert sorted(kept.spans) == sorted(expected)
    assert expected
    assert name == "always" or set(expected) < traffic.traces


@pytest.fixture(scope="module")
def kept_by_rate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recorded, dict[str, list[bytes]], list[float]]:
    """Traffic at a pace, what the Collector keeps of it by each policy that depends on chance or time, and when it came."""
    traffic = record(3000, seed=8, per_request=10)
    policies = {name: theirs for name, (theirs, _) in BY_RATE.items()}
    return traffic, *theirs(
        traffic, policies, tmp_path_factory.mktemp("rate") / "collector", wait_s=1, paced_s=_PACED_S
    )


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "burst"), [("spans-per-second", 300), ("bytes-per-second", 0), ("shares", 400)])
def test_as_many_spans_are_kept_a_second(
    kept_by_rate: tuple[Recorded, dict[str, list[bytes]], list[float]], tmp_path: Path, name: str, burst: int
) -> None:
    """By limits both keep as many spans of the same traffic, but for a sixth, and for a second's worth where
    tail_sampling counts by the seconds of the clock and ours lets a full bucket through first.
    """
    traffic, collected, sent = kept_by_rate
    kept = ours(traffic, BY_RATE[name][1], tmp_path / name, lambda number: sent[number]).spans
    offered = sum(map(len, traffic.ids))
    assert abs(len(kept) - len(collected[name])) < len(collected[name]) / 6 + burst
    assert max(len(kept), len(collected[name])) < offered / 3


@pytest.mark.e2e
def test_as_much_is_kept_by_chance(
    kept_by_rate: tuple[Recorded, dict[str, list[bytes]], list[float]], tmp_path: Path
) -> None:
    """By chance both keep a quarter of the traces, within five standard deviations, whole and each its own."""
    traffic, collected, sent = kept_by_rate
    kept = ours(traffic, BY_RATE["probabilistic"][1], tmp_path / "kept", lambda number: sent[number])
    traces, everything = len(traffic.traces), Counter(trace_id for ids in traffic.ids for trace_id in ids)
    for spans in (kept.spans, collected["probabilistic"]):
        counted = Counter(spans)
        assert abs(len(counted) - traces / 4) < 5 * (traces * 0.25 * 0.75) ** 0.5
        assert all(everything[trace_id] == count for trace_id, count in counted.items())
    assert set(kept.spans) != set(collected["probabilistic"])
