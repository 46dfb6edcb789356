"""`errorplane boost` on a real processor: what is kept while it is in force, who may start it, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.otlp.clients import request
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import RunningProcessor, policy, read_lines, run_processor, spans_in
from tests.support.telemetry import new_trace_id, resource, span, traces

from errorplane.otlp import Signal

SAMPLING = {
    "decision_wait": "200ms",
    "rules": [
        {"name": "probes", "when": {"service": "probe"}, "action": "drop"},
        {"name": "errors", "when": {"status": "error"}, "budget": {"samples": 1, "window": "1h"}},
        {"name": "rest", "keep": 0.0},
    ],
}
BOOM = {"exception.type": "ValueError", "exception.message": "boom"}


def boost(folder: Path, running: RunningProcessor, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "errorplane.cli", "boost", "--admin", running.addresses["admin"], *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def started(folder: Path, running: RunningProcessor, *words: str) -> dict[str, Any]:
    """The boost that the command started."""
    done = boost(folder, running, "--json", *words)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def kept(folder: Path, running: RunningProcessor, service: str = "shop", **more: Any) -> bool:
    """Send a trace and say whether it was kept."""
    trace_id = new_trace_id()
    group = traces([span(trace_id=trace_id, **more)], service)
    running.send(Signal.TRACES, group)
    return bool(explained(running, trace_id)["verdict"] == "kept")


def explained(running: RunningProcessor, trace_id: bytes) -> dict[str, Any]:
    """The verdict on a trace, once there is one."""

    def verdict() -> dict[str, Any] | None:
        answer = request(running.addresses["admin"], path=f"/why/{trace_id.hex()}", method="GET")
        document = json.loads(answer.body)
        return document if document["verdict"] in ("kept", "dropped") else None

    return dict(wait_until(verdict, "the verdict", 20.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared processor works."""
    return tmp_path_factory.mktemp("boost")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningProcessor]:
    """A processor that keeps one sample of an error an hour, and nothing healthy."""
    with run_processor(policy(folder, sampling=SAMPLING)) as processor:
        yield processor


def test_healthy_data_of_a_service_is_kept_until_the_boost_ends(running: RunningProcessor, folder: Path) -> None:
    """Only the service named is kept, with the reason boost, and not what a rule drops; ended, all is as before."""
    assert not kept(folder, running)
    made = started(folder, running, "--service", "shop", "--service", "probe", "--for", "10m", "--reason", "INC-7")
    assert running.stats()["boosts"] == [made]
    trace_id = new_trace_id()
    running.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
    found = explained(running, trace_id)
    assert (found["verdict"], found["reason"], found["rule"], found["probability"]) == ("kept", "boost", "rest", 1.0)
    assert not kept(folder, running, "mail")
    assert not kept(folder, running, "probe")
    wait_until(lambda: trace_id.hex() in (folder / "out.jsonl").read_text(), "the span at the destination", 20.0)
    listed = boost(folder, running)
    assert f"{made['id']}  service shop, service probe  keep 1  until " in listed.stdout
    assert "(INC-7)" in listed.stdout
    ended = boost(folder, running, "--end", made["id"])
    assert (ended.returncode, ended.stdout.split()[-1]) == (0, "ended")
    assert not kept(folder, running)
    assert boost(folder, running).stdout == "no boost is in force\n"


def test_a_deployment_is_known_by_its_resource(running: RunningProcessor, folder: Path) -> None:
    """Spans whose resource names the version are kept, others are not."""
    made = started(folder, running, "--deployment", "1.4.2", "--for", "10m")
    verdicts = {}
    for version in ("1.4.1", "1.4.2"):
        trace_id = new_trace_id()
        sent = traces([span(trace_id=trace_id)])
        sent.resource_spans[0].resource.CopyFrom(resource("shop", service_version=version))
        running.send(Signal.TRACES, sent)
        verdicts[version] = explained(running, trace_id)["verdict"]
    assert verdicts == {"1.4.1": "dropped", "1.4.2": "kept"}
    assert boost(folder, running, "--end", made["id"]).returncode == 0


def test_an_errors_budget_does_not_hold_a_boost_back(running: RunningProcessor, folder: Path) -> None:
    """Once the hour's sample is spent, a boost of the fingerprint keeps the next ones, which tell what was suppressed."""
    failed: dict[str, Any] = {"error": True, "exception": BOOM}
    assert [kept(folder, running, **failed) for _ in range(3)] == [True, False, False]
    facts = [line for line in (folder / "out.jsonl").read_text().splitlines() if "errorplane.error.fingerprint" in line]
    fingerprint = next(
        pair["value"]["stringValue"]
        for each in spans_in([json.loads(line) for line in facts])
        for pair in each["attributes"]
        if pair["key"] == "errorplane.error.fingerprint"
    )
    made = started(folder, running, "--fingerprint", fingerprint, "--for", "10m")
    assert [kept(folder, running, **failed) for _ in range(2)] == [True, True]

    def told() -> list[str]:
        spans = spans_in(read_lines(folder / "out.jsonl"))
        pairs = (pair for each in spans for pair in each.get("attributes", ()))
        return [pair["value"]["intValue"] for pair in pairs if pair["key"] == "errorplane.suppressed_count"]

    wait_until(lambda: told() == ["2"], "the count on the first boosted sample", 20.0)
    assert boost(folder, running, "--end", made["id"]).returncode == 0


def test_only_who_has_the_key_may_start_one(running: RunningProcessor, folder: Path, tmp_path: Path) -> None:
    """Without the token, or with the key of another journal, nothing changes; those allowed are in the audit."""
    address = running.addresses["admin"]
    body = json.dumps({"services": ["shop"], "until": 4e9}).encode()
    for headers in ({}, {"Authorization": "Bearer guessed"}):
        answer = request(address, body, "/boost", headers=headers)
        assert answer.code == 401
    policy(tmp_path)
    stranger = boost(tmp_path, running, "--service", "shop", "--for", "1m")
    assert (stranger.returncode, stranger.stdout) == (3, "")
    assert running.stats()["boosts"] == []
    made = started(folder, running, "--service", "shop", "--for", "10m", "--reason", "INC-8")
    assert boost(folder, running, "--end", made["id"]).returncode == 0
    audit = [json.loads(line) for line in (folder / "data" / "audit.jsonl").read_text().splitlines()]
    lines = [line for line in audit if line["action"].startswith("sampling.boost")][-2:]
    assert [line["action"] for line in lines] == ["sampling.boost.start", "sampling.boost.end"]
    assert [line["purpose"] for line in lines] == ["INC-8", "INC-8"]
    assert lines[0]["resource"].startswith(f"boost {made['id']} service:shop keep:1 until:")


def test_what_cannot_be_boosted_is_said(running: RunningProcessor, folder: Path) -> None:
    """Each mistake has its exit status and its word."""
    for words, status, message in (
        (("--service", "shop"), 2, "say how long"),
        (("--for", "1m"), 2, "name what to boost"),
        (("--service", "shop", "--for", "soon"), 2, "must be a duration such as 30m"),
        (("--service", "shop", "--until", "2026-11-25T18:00:00"), 2, "say the time zone"),
        (("--service", "shop", "--for", "8d"), 2, "at most 7 days"),
        (("--service", "shop", "--for", "1m", "--keep", "2"), 2, "keep must be above 0 and at most 1"),
        (("--end", "nothing"), 1, "no boost of this id is in force"),
    ):
        refused = boost(folder, running, *words)
        assert (refused.returncode, refused.stdout) == (status, ""), words
        assert message in refused.stderr
    assert boost(folder, running).stdout == "no boost is in force\n"


def test_it_outlives_a_kill_and_ends_by_itself(tmp_path: Path) -> None:
    """After kill -9 a boost is still in force; when its time has come it no longer is, without anybody's doing."""
    path = policy(tmp_path, sampling=SAMPLING)
    with run_processor(path) as processor:
        long = started(tmp_path, processor, "--service", "shop", "--for", "10m")
        processor.kill()
    with run_processor(path) as processor:
        assert processor.stats()["boosts"] == [long]
        assert kept(tmp_path, processor)
        assert boost(tmp_path, processor, "--end", long["id"]).returncode == 0
        started(tmp_path, processor, "--service", "shop", "--for", "3s")
        assert kept(tmp_path, processor)
        wait_until(lambda: not processor.stats()["boosts"], "its end", 20.0)
        assert not kept(tmp_path, processor)
