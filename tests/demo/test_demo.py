"""The demo as a person runs it: whole processes, with and without Collectors, and interrupted."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from tests.demo.parts import demo, environment, processes_of, run_demo, wait_until
from tests.support.collector_tools import tool

from errorplane.cli import main
from errorplane.demo import _play
from errorplane.demo._ports import free_ports

pytestmark = pytest.mark.e2e


def test_json_tells_of_an_honest_run(tmp_path: Path) -> None:
    """`errorplane demo --json` prints one document and nothing else, loses and leaks nothing, and leaves no process."""
    done = run_demo(tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    errors = document["errors"]
    assert errors["raised"] == errors["received"] == errors["kept"] > 20
    assert document["traces"]["kept"] > 0
    assert document["traces"]["dropped"] > 0
    assert len(document["redaction"]["planted"]) > 50
    assert document["redaction"]["leaked"] == []
    assert document["duration_s"] < 120
    assert all(Path(path).is_file() for path in document["destinations"]["archive"]["files"])
    assert "  OK  Every one of" in done.stderr
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []  # the only place that held raw telemetry


def test_agent_and_gateway_take_part(tmp_path: Path) -> None:
    """With --collector everything passes through both Collectors, and what only prints is followed by the agent."""
    (tmp_path / ".tools").mkdir()
    (tmp_path / ".tools" / "otelcol").symlink_to(tool("otelcol"))
    (tmp_path / "collector-config").symlink_to(Path(__file__).parents[2] / "collector-config")
    done = run_demo(tmp_path, "--json", "--collector")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    gateway, archive = document["destinations"]["gateway"], document["destinations"]["archive"]
    assert gateway["endpoint"].startswith("http://127.0.0.1:")
    assert gateway["spans"] == archive["spans"]
    assert gateway["logs"] == archive["logs"]
    assert gateway["metrics"]["standard"] > 0
    assert [row["raised"] for row in document["errors"]["fingerprints"] if row["service"] == "legacy-mailer"] == [4]
    assert sorted(path.name for path in (tmp_path / "out" / "gateway").iterdir()) == ["audit.jsonl", "standard.jsonl"]
    assert processes_of(tmp_path) == []


def test_a_policy_without_a_detector_leaks(tmp_path: Path) -> None:
    """With a user's policy that does not look for phone numbers, the demo finds them and returns 1."""
    policy = tmp_path / "mine.yaml"
    policy.write_text(
        "version: 1\n"
        "redaction: {detectors: [EMAIL_ADDRESS, CREDIT_CARD, IBAN_CODE, US_SSN, IP_ADDRESS, BEARER_TOKEN, JWT, "
        "AWS_KEY, PASSWORD]}\n"
        "sampling: {decision_wait: 3s, rules: [{name: errors, when: {status: error}}, {name: rest, keep: 0}]}\n"
        "destinations: {backend: {otlp: {endpoint: 'https://backend.invalid:4317'}}}\n"
    )
    done = run_demo(tmp_path, "--json", "--policy", str(policy))
    assert done.returncode == 1, done.stderr
    redaction = json.loads(done.stdout)["redaction"]
    assert redaction["leaked"]
    assert {value[:2] for value in redaction["leaked"]} == {"+4", "+1"}
    assert set(redaction["leaked"]) < set(redaction["planted"])
    assert "PHONE_NUMBER" not in redaction["found"]
    assert "LEAKED   PHONE_NUMBER, put into: " in done.stderr
    assert json.loads(done.stdout)["traces"]["by_reason"].keys() == {"errors, kept: rule", "rest, dropped: probability"}


def test_a_port_that_is_taken_meanwhile_costs_a_second_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When another program takes a service's port in the last moment, everything starts again with other ports."""
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        offers = iter([{"inventory": thief.getsockname()[1]}, {}])
        monkeypatch.setattr(_play, "free_ports", lambda names: free_ports(names) | next(offers))
        status = main(["demo", "--out", str(tmp_path / "out"), "--duration", "1"])
    said = capsys.readouterr().err
    assert status == 0, said
    assert "another program took a port of inventory: starting again with other ports" in said
    assert next(offers, None) is None


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_demo_leaves_nothing_running(number: signal.Signals, status: int, tmp_path: Path) -> None:
    """Ctrl-C, TERM and even KILL in the middle of the run end every process that it started."""
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            demo(tmp_path / "out"), cwd=tmp_path, env=environment(tmp_path), stdout=said, stderr=said
        )
    try:
        wait_until(
            "the shop is open",
            lambda: process.poll() is not None or "the shop is open" in (tmp_path / "said").read_text(),
        )
        assert process.poll() is None, (tmp_path / "said").read_text()
        assert len(processes_of(tmp_path)) > 5
        process.send_signal(number)
        assert process.wait(30.0) == status
    finally:
        process.kill()
        process.wait(30.0)
    wait_until("everything has ended", lambda: processes_of(tmp_path) == [], 10.0)
    if number is not signal.SIGKILL:
        assert "interrupted: everything that was started has ended" in (tmp_path / "said").read_text()
        assert list((tmp_path / "tmp").iterdir()) == []
