"""Shadow mode: a candidate policy is counted beside the one in force, and changes nothing that goes out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import RunningProcessor, policy, read_lines, run_processor, spans_in
from tests.support.telemetry import log, logs, resource, span, traces

from errorplane.otlp import Signal
from errorplane.pipeline._comparison import OTHER, Comparison, Side
from errorplane.pipeline._counters import Counters
from errorplane.pipeline._shadow import Shadow
from errorplane.policy import Policy, load

CARD, MAIL = "4111 1111 1111 1111", "jane.doe@example.org"
CASE = {"name": "CASE_ID", "pattern": "CASE-[0-9]{6}"}


def candidate(folder: Path, **redaction: Any) -> Path:
    """A candidate policy file in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "candidate.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "redaction": redaction}))
    return path


def side(**redaction: Any) -> Side:
    """One side of a comparison."""
    return Side.of(Policy.model_validate({"version": 1, "redaction": redaction}))


@pytest.fixture(scope="module")
def both() -> tuple[Side, Side]:
    """A policy that looks for addresses, and one that also knows case numbers and cards."""
    own = side(detectors=["EMAIL_ADDRESS"])
    return own, side(detectors=["EMAIL_ADDRESS", "CREDIT_CARD"], custom=[CASE])


def rows_of(page: dict[str, Any]) -> set[tuple[str, str, str, int, int]]:
    """The rows of a page or a table."""
    return {(r["entity"], r["key"], r["service"], r["current"], r["candidate"]) for r in page["rows"]}


# --- the table --------------------------------------------------------------------------------------------------------


def test_both_are_counted_by_entity_key_and_service(both: tuple[Side, Side]) -> None:
    """Each row says how often either side hides an entity under a key in a service."""
    comparison = Comparison(*both)
    spans = [span(attributes={"to": MAIL, "note": "see CASE-123456"}), span("GET CASE-123456")]
    found = comparison.compare(Signal.TRACES, traces(spans, "shop").SerializeToString())
    comparison.compare(Signal.LOGS, logs([log(f"card {CARD}, {MAIL}")], "mailer").SerializeToString())
    assert found == {"current": Counter(EMAIL_ADDRESS=1), "candidate": Counter(EMAIL_ADDRESS=1, CASE_ID=2)}
    assert rows_of(comparison.table()) == {
        ("EMAIL_ADDRESS", "to", "shop", 1, 1),
        ("CASE_ID", "note", "shop", 0, 1),
        ("CASE_ID", "(text)", "shop", 0, 1),
        ("CREDIT_CARD", "(body)", "mailer", 0, 1),
        ("EMAIL_ADDRESS", "(body)", "mailer", 1, 1),
    }


def test_the_table_holds_nothing_that_either_side_hides(both: tuple[Side, Side]) -> None:
    """A key or service that only one side would hide is hidden in the rows of both."""
    comparison = Comparison(*both)
    request = traces([span(attributes={f"CASE-123456 {MAIL}": MAIL})], "shop of CASE-654321")
    comparison.compare(Signal.TRACES, request.SerializeToString())
    shown = json.dumps(comparison.table())
    assert not any(secret in shown for secret in ("CASE-1", "CASE-6", MAIL))
    assert ("EMAIL_ADDRESS", "<CASE_ID> <EMAIL_ADDRESS>", "shop of <CASE_ID>", 2, 2) in rows_of(comparison.table())


def test_what_is_kept_everywhere_is_not_hidden() -> None:
    """An action that lets an entity pass to every destination shows as nothing hidden."""
    comparison = Comparison(side(actions={"EMAIL_ADDRESS": "keep"}), side())
    comparison.compare(Signal.TRACES, traces([span(attributes={"to": MAIL})]).SerializeToString())
    assert rows_of(comparison.table()) == {("EMAIL_ADDRESS", "to", "shop", 0, 1)}


def test_the_table_is_bounded(both: tuple[Side, Side]) -> None:
    """Beyond so many keys, and for keys that are too long, there is one row for all others; the counts are whole."""
    comparison = Comparison(*both)
    keys = [f"key.{number}" for number in range(700)] + ["k" * 200]
    request = traces([span(attributes=dict.fromkeys(keys, MAIL))])
    comparison.compare(Signal.TRACES, request.SerializeToString())
    rows = comparison.table()["rows"]
    assert len(rows) == 501
    assert {row["key"] for row in rows if row["current"] > 1} == {OTHER}
    assert sum(row["current"] for row in rows) == len(keys)


# --- off the path of requests -----------------------------------------------------------------------------------------


class _Slow(Comparison):
    """A comparison that does not go on until it is let."""

    def __init__(self, *sides: Side) -> None:
        super().__init__(*sides)
        self.go_on = threading.Event()

    def compare(self, signal: Signal, body: bytes) -> Any:
        assert self.go_on.wait(20.0)
        return super().compare(signal, body)


def test_overload_is_skipped_and_counted(both: tuple[Side, Side]) -> None:
    """While a comparison hangs, offers return at once; what has no room is left out, and all are accounted for."""
    counters = Counters()
    shadow = Shadow(counters)
    slow = _Slow(*both)
    shadow.put_in_force(slow)
    shadow.start()
    body = traces([span(attributes={"to": MAIL})]).SerializeToString()
    for _ in range(200):
        shadow.offer(Signal.TRACES, body)
    assert counters.total("shadow_requests", outcome="skipped") >= 200 - 65
    slow.go_on.set()
    wait_until(lambda: counters.total("shadow_requests") == 200, "the rest to be compared", 20.0)
    shadow.stop(5.0)
    compared = counters.total("shadow_requests", outcome="compared")
    assert counters.by("shadow_findings", "policy", entity="EMAIL_ADDRESS") == dict.fromkeys(
        ("current", "candidate"), compared
    )


def test_a_request_that_cannot_be_compared_ends_nothing(both: tuple[Side, Side]) -> None:
    """It is counted as failed, and the next one is compared."""
    counters = Counters()
    shadow = Shadow(counters)
    shadow.put_in_force(Comparison(*both))
    shadow.start()
    shadow.offer(Signal.TRACES, b"\x0a\xff")
    shadow.offer(Signal.TRACES, traces([span(attributes={"to": MAIL})]).SerializeToString())
    wait_until(lambda: counters.total("shadow_requests", outcome="compared") == 1, "the second request", 20.0)
    shadow.stop(5.0)
    assert counters.total("shadow_requests", outcome="failed") == 1


# --- a real processor -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared processor works."""
    return tmp_path_factory.mktemp("shadow")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningProcessor]:
    """A processor whose candidate also hides case numbers."""
    candidate(folder, custom=[CASE])
    with run_processor(policy(folder, redaction={"shadow": "./candidate.yaml"})) as processor:
        yield processor


def shadow_page(running: RunningProcessor) -> dict[str, Any]:
    """The admin page."""
    return dict(json.loads(running.admin("/shadow")))


def command(running: RunningProcessor, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``errorplane shadow`` against the processor."""
    words = [sys.executable, "-m", "errorplane.cli", "shadow", "--admin", running.addresses["admin"], *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_only_the_policy_in_force_decides_what_goes_out(running: RunningProcessor, folder: Path) -> None:
    """The candidate's findings are counted on the page, in the metrics and by the command, and stay in the output."""
    request = traces([span(error=True, attributes={"to": MAIL, "note": "see CASE-123456"})], "desk")
    running.send(Signal.TRACES, request)
    wait_until(lambda: shadow_page(running)["rows"], "the comparison", 20.0)
    assert rows_of(shadow_page(running)) == {("EMAIL_ADDRESS", "to", "desk", 1, 1), ("CASE_ID", "note", "desk", 0, 1)}
    (out,) = wait_until(lambda: spans_in(read_lines(folder / "out.jsonl")), "the span", 20.0)
    assert "CASE-123456" in json.dumps(out)
    assert 'errorplane_shadow_findings_total{entity="CASE_ID",policy="candidate"} 1.0' in running.admin(
        "/metrics"
    ).decode().replace(',otel_scope_name="errorplane.pipeline"', "").replace(',otel_scope_version=""', "").replace(
        ',otel_scope_schema_url=""', ""
    )
    shown = command(running)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[:2] == [
        "entity   key   service  current  candidate",
        "CASE_ID  note  desk           0          1",
    ]
    assert "1 rows in 1 requests compared" in shown.stdout
    assert len(command(running, "--all").stdout.splitlines()) == 5
    assert json.loads(command(running, "--json").stdout) == shadow_page(running)


def test_a_reload_reads_the_candidate_again_and_refuses_a_bad_one(running: RunningProcessor, folder: Path) -> None:
    """HUP with a broken candidate changes nothing; with a good one, counting starts anew with it."""
    before = shadow_page(running)
    candidate(folder, custom=[CASE | {"pattern": "CASE-("}])
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "is refused" in running.output(), "the refusal", 20.0)
    assert shadow_page(running)["candidate"] == before["candidate"]
    candidate(folder, custom=[CASE], detectors=["CREDIT_CARD"])
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: shadow_page(running)["candidate"] not in (None, before["candidate"]), "the reload", 20.0)
    assert shadow_page(running)["rows"] == []


def test_a_bad_candidate_keeps_the_processor_from_starting(tmp_path: Path) -> None:
    """The mistake is told with the candidate's own file name."""
    candidate(tmp_path, detectors=["EMAIL"])
    path = policy(tmp_path, redaction={"shadow": "./candidate.yaml"})
    words = [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(path)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "candidate.yaml:" in ended.stderr
    assert "redaction.detectors[0]" in ended.stderr


def test_without_a_shadow_nothing_is_compared(tmp_path: Path) -> None:
    """A policy without a shadow has no comparison; what is offered is not kept."""
    loaded = load(policy(tmp_path))
    assert Comparison.of(loaded) is None
    counters = Counters()
    shadow = Shadow(counters)
    shadow.offer(Signal.TRACES, resource("shop").SerializeToString())
    assert shadow.page()["candidate"] is None
    assert counters.total("shadow_requests") == 0
