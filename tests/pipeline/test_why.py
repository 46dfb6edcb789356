"""`errorplane why`: each trace's verdict, from a running processor and from a journal, and nothing of its content."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.otlp.clients import request
from tests.redaction.test_stages import leaked, planted
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import RunningProcessor, policy, run_processor
from tests.support.telemetry import new_trace_id, span, traces

from errorplane.cli import main
from errorplane.otlp import Signal

KEPT, DROPPED, WAITING = new_trace_id(), new_trace_id(), new_trace_id()


def why(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["why", *words])
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def verdict(folder: Path, *words: str) -> dict[str, Any]:
    """The document that the command prints."""
    return dict(json.loads(why(folder, "--json", *words).stdout))


def decided(running: RunningProcessor, *trace_ids: bytes) -> None:
    """Wait until each has its verdict in the journal."""

    def known(trace_id: bytes) -> bool:
        answer = request(running.addresses["admin"], path=f"/why/{trace_id.hex()}", method="GET")
        return json.loads(answer.body)["verdict"] in ("kept", "dropped")

    for trace_id in trace_ids:
        wait_until(lambda trace_id=trace_id: known(trace_id), "the verdict", 20.0)  # type: ignore[misc]  # bound here


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared processor works."""
    return tmp_path_factory.mktemp("why")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningProcessor]:
    """A processor that has kept a trace with two errors and dropped one without."""
    with run_processor(policy(folder)) as processor:
        failed = [span(trace_id=KEPT, error=True), span(trace_id=KEPT, error=True), span(trace_id=KEPT)]
        processor.send(Signal.TRACES, traces([*failed, span(trace_id=DROPPED)]))
        decided(processor, KEPT, DROPPED)
        yield processor


def test_a_running_processor_explains_both_verdicts(running: RunningProcessor, folder: Path) -> None:
    """Rule, reason, probability, errors and time come for a kept and for a dropped trace, for programs and people."""
    admin = ("--admin", running.addresses["admin"])
    kept, dropped = verdict(folder, *admin, KEPT.hex()), verdict(folder, *admin, DROPPED.hex().upper())
    assert kept.pop("decided_at").endswith("Z")
    assert kept == {
        "trace_id": KEPT.hex(),
        "verdict": "kept",
        "reason": "rule",
        "rule": "errors",
        "probability": 1.0,
        "errors": 2,
        "budget": None,
        "retention_class": kept["retention_class"],
    }
    assert [dropped[name] for name in ("verdict", "reason", "rule", "probability", "errors")] == [
        "dropped",
        "probability",
        "rest",
        0.0,
        0,
    ]
    shown = why(folder, "--admin", f"http://{running.addresses['admin']}/", KEPT.hex())
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[:3] == [
        f"trace {KEPT.hex()}: kept",
        "  reason            rule: the rule keeps everything that it matches",
        "  rule              errors",
    ]


def test_the_journal_tells_the_same_beside_a_running_processor(running: RunningProcessor, folder: Path) -> None:
    """The folder that the policy names, and the journal in it, give the same document as the admin address."""
    asked = verdict(folder, "--admin", running.addresses["admin"], KEPT.hex())
    assert verdict(folder, "--journal", "data", KEPT.hex()) == asked
    assert verdict(folder, "--journal", "data/journal", KEPT.hex()) == asked
    assert verdict(folder, KEPT.hex()) == asked  # listen.admin names no port: the journal of the policy is read


def test_an_unknown_trace_is_said_to_be_unknown(running: RunningProcessor, folder: Path) -> None:
    """Exit 1 with a clear word and ``verdict: unknown``, wherever it is asked; a bad id is wrong usage."""
    never = new_trace_id().hex()
    for where in (("--admin", running.addresses["admin"]), ("--journal", "data")):
        asked = why(folder, *where, never)
        assert (asked.returncode, asked.stdout) == (1, "")
        assert f"trace {never} is unknown" in asked.stderr
        as_json = why(folder, *where, "--json", never)
        assert (as_json.returncode, json.loads(as_json.stdout)) == (1, {"trace_id": never, "verdict": "unknown"})
    for bad in ("4711", "0" * 32):
        assert why(folder, bad).returncode == 2


def test_a_trace_that_waits_is_undecided(folder: Path, tmp_path: Path) -> None:
    """While its window is open, a trace is told to be waiting, and how many errors were seen."""
    path = policy(tmp_path, sampling={"decision_wait": "1h", "rules": [{"name": "all"}]})
    with run_processor(path) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=WAITING, error=True)]))
        asked = ("--admin", processor.addresses["admin"], WAITING.hex())
        wait_until(lambda: verdict(tmp_path, *asked)["verdict"] == "undecided", "the trace", 20.0)
        document = verdict(tmp_path, *asked)
    assert (document["reason"], document["errors"], document["rule"]) == ("waiting", 1, None)
    assert verdict(tmp_path, WAITING.hex())["verdict"] == "kept"  # decided as the processor stopped


def test_a_killed_processor_leaves_its_ledger(tmp_path: Path) -> None:
    """After kill -9 the journal tells verdicts, to someone who has not its key; without a journal it says so."""
    trace_id = new_trace_id()
    with run_processor(policy(tmp_path)) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
        decided(processor, trace_id)
        processor.kill()
    (tmp_path / "data" / "journal.key").unlink(missing_ok=True)
    asked = why(tmp_path, "--journal", "data", "--json", trace_id.hex())
    assert (asked.returncode, json.loads(asked.stdout)["verdict"]) == (0, "dropped"), asked.stderr
    silent = why(tmp_path, "--admin", "127.0.0.1:9", trace_id.hex())
    assert silent.returncode == 1
    assert "no processor answers at 127.0.0.1:9" in silent.stderr
    nowhere = why(tmp_path, "--journal", "elsewhere", trace_id.hex())
    assert nowhere.returncode == 1
    assert "name the one that journal.path of the policy names" in nowhere.stderr


def test_a_trace_that_waits_in_a_journal_is_found_with_its_key(tmp_path: Path) -> None:
    """Killed before the verdict, the journal tells that the trace waits; without the key that it is not known."""
    trace_id = new_trace_id()
    path = policy(tmp_path, sampling={"decision_wait": "1h", "rules": [{"name": "all"}]})
    with run_processor(path) as processor:
        processor.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
        processor.kill()
    assert verdict(tmp_path, trace_id.hex())["verdict"] == "undecided"
    never = why(tmp_path, "--json", new_trace_id().hex())
    assert (never.returncode, json.loads(never.stdout)["verdict"]) == (1, "unknown")
    path.unlink()
    assert why(tmp_path, "--journal", "data", trace_id.hex()).returncode == 1


def test_a_journal_that_is_cut_off_is_refused(running: RunningProcessor, folder: Path, tmp_path: Path) -> None:
    """A file that ends before its pages do is refused in words, and does not kill the command."""
    shutil.copytree(folder / "data" / "journal", tmp_path / "journal")
    data = tmp_path / "journal" / "data.mdb"
    with data.open("r+b") as file:
        file.truncate(3 * 4096)
    command = [sys.executable, "-m", "errorplane.cli", "why", "--journal", ".", KEPT.hex()]
    cut = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert cut.returncode == 1
    assert "is cut off" in cut.stderr


def test_every_question_is_recorded_before_it_is_answered(running: RunningProcessor, folder: Path) -> None:
    """A line says who asked about which trace, at the journal and at the admin address; what cannot be recorded is denied."""
    audit = folder / "data" / "audit.jsonl"
    before = len(audit.read_text().splitlines()) if audit.exists() else 0
    assert why(folder, "--journal", "data", KEPT.hex()).returncode == 0
    assert why(folder, "--admin", running.addresses["admin"], KEPT.hex()).returncode == 0
    lines = [json.loads(line) for line in audit.read_text().splitlines()[before:]]
    assert [(line["origin"], line["action"], line["resource"]) for line in lines] == [
        ("os", "verdicts.read", f"trace {KEPT.hex()}"),
        ("admin", "verdicts.read", f"trace {KEPT.hex()}"),
    ]
    audit.rename(folder / "away")
    audit.mkdir()
    try:
        for where in (("--journal", "data"), ("--admin", running.addresses["admin"])):
            denied = why(folder, *where, KEPT.hex())
            assert (denied.returncode, denied.stdout) == (3, "")
            assert "not allowed" in denied.stderr
    finally:
        audit.rmdir()
        (folder / "away").rename(audit)


@pytest.mark.parametrize("keep", [1.0, 0.0], ids=["kept", "dropped"])
def test_no_planted_secret_is_in_what_is_explained(keep: float, tmp_path: Path) -> None:
    """Secrets in every place of a trace are in no output of the command, kept or dropped, nor in the audit."""
    path = policy(tmp_path, sampling={"decision_wait": "200ms", "rules": [{"name": "all", "keep": keep}]})
    sent = planted(Signal.TRACES)
    ids = {each.trace_id for group in sent.resource_spans for scope in group.scope_spans for each in scope.spans}
    asked = sorted(ids)[:3]
    with run_processor(path) as processor:
        processor.send(Signal.TRACES, sent)
        decided(processor, *asked)
        outputs = [why(tmp_path, "--admin", processor.addresses["admin"], one.hex()) for one in asked]
        outputs += [why(tmp_path, "--json", one.hex()) for one in asked]
    assert all(each.returncode == 0 for each in outputs)
    assert leaked([each.stdout + each.stderr for each in outputs] + [(tmp_path / "data/audit.jsonl").read_text()]) == []
