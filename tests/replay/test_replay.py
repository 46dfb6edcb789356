"""`errorplane replay`: what a policy would have kept, told by the real pipeline with the clock of the data."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.message import Message
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import policy, read_lines, run_processor, spans_in
from tests.support.telemetry import NOW_NS, log, logs, new_trace_id, span, traces

from errorplane.cli import main
from errorplane.otlp import Signal, to_json_line

SECOND = 10**9
KEEP_ALL = {"rules": [{"name": "all"}]}
TWO = {"here": {"file": {"path": "./here.jsonl"}}, "there": {"file": {"path": "./there.jsonl"}}}
Request = tuple[Signal, Message]


def at(seconds: float, **more: Any) -> Span:
    """A span that starts so many seconds after the first ones."""
    made = span(**more)
    made.start_time_unix_nano = NOW_NS + int(seconds * SECOND)
    made.end_time_unix_nano = made.start_time_unix_nano + SECOND // 100
    return made


def spans(*each: Span, service: str = "shop") -> Request:
    """One request of spans."""
    return Signal.TRACES, traces(each, service)


def frames(requests: Iterable[Request]) -> bytes:
    """As the Collector's file exporter writes protobuf."""
    bodies = [message.SerializeToString() for _, message in requests]
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def lines(requests: Iterable[Request]) -> bytes:
    """As file exporters write JSON."""
    return b"".join(to_json_line(each, message.SerializeToString()).rstrip(b"\n") + b"\n" for each, message in requests)


def replay(folder: Path, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "errorplane.cli", "replay", *words]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, timeout=120, check=False)


def figures(folder: Path, requests: Sequence[Request], sampling: dict[str, Any], *words: str) -> dict[str, Any]:
    """What replaying these requests with these rules gives."""
    policy(folder, sampling=sampling)
    (folder / "r.pb").write_bytes(frames(requests))
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        assert main(["replay", "--json", *words, "r.pb"]) == 0
    return dict(json.loads(out.getvalue()))


def test_all_is_counted_exactly(tmp_path: Path) -> None:
    """Traces, errors, kinds of errors and bytes are those of the data, however many spans tell of one error."""
    both = new_trace_id()
    boom = {"exception.type": "ValueError", "exception.message": "boom"}
    failed = at(0, trace_id=both, error=True, exception=boom)
    requests = [
        spans(failed, at(0, trace_id=both), at(1)),
        spans(at(2, error=True, exception={"exception.type": "KeyError"})),
        (Signal.LOGS, logs([log("x", trace_id=both, own_span_id=failed.span_id, severity=17, attributes=boom)])),
        (Signal.LOGS, logs([log("alone", severity=17), log("fine")])),
    ]
    found = figures(tmp_path, requests, KEEP_ALL)
    size = sum(len(message.SerializeToString()) for _, message in requests)
    assert {
        name: found[name] for name in ("traces", "errors", "fingerprints", "error_traces", "logs_without_trace")
    } == {
        "traces": 3,
        "errors": 3,
        "fingerprints": 3,
        "error_traces": 2,
        "logs_without_trace": 2,
    }
    assert (found["bytes_in"], found["bytes_kept"], found["count_error"]) == (size, size, 0.0)
    assert (found["error_recall"], found["fingerprint_recall"]) == (1.0, 1.0)
    assert found["by_destination"] == {"out": {"items": 7, "bytes": size, "errors": 3}}


def test_it_keeps_what_the_processor_keeps(tmp_path: Path) -> None:
    """The same requests, sent to a real processor with the same policy, leave as many traces, spans and rules."""
    sampling = {
        "decision_wait": "500ms",
        "rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.3}],
    }
    requests = [spans(*(at(0, error=number % 10 == 0) for number in range(50)), at(0)) for _ in range(4)]
    found = figures(tmp_path, requests, sampling)
    with run_processor(policy(tmp_path, sampling=sampling)) as processor:
        for signal, message in requests:
            processor.send(signal, message)

        def traces_decided() -> int:
            counted = processor.stats()["traces"]
            return int(counted["kept"] + counted["dropped"])

        wait_until(lambda: traces_decided() == found["traces"], "all verdicts", 20.0)
        stats = processor.stats()
    kept = spans_in(read_lines(tmp_path / "out.jsonl"))
    assert 20 < found["traces_kept"] < found["traces"] == 204
    assert found["traces_kept"] == stats["traces"]["kept"] == len(kept)
    assert found["by_rule"]["errors"]["traces_kept"] == stats["traces"]["by_reason"]["errors"]["kept: rule"] == 20


def test_formats_and_pipes_give_the_same(tmp_path: Path) -> None:
    """JSON lines, frames, and either on standard input are the same recording."""
    requests = [spans(at(number, error=number == 3), at(number)) for number in range(8)]
    first = figures(tmp_path, requests, KEEP_ALL)
    (tmp_path / "r.jsonl").write_bytes(lines(requests))
    assert json.loads(replay(tmp_path, "--json", "r.jsonl").stdout) == first
    assert json.loads(replay(tmp_path, "--json", "-", stdin=lines(requests)).stdout) == first
    assert json.loads(replay(tmp_path, "--json", "-", stdin=frames(requests)).stdout) == first


def test_files_meet_by_their_times(tmp_path: Path) -> None:
    """A trace's log record in another file is decided with it, though that file is named last."""
    trace_id = new_trace_id()
    sampling = {"decision_wait": "5s", "rules": [{"name": "errors", "when": {"status": "error"}}]}
    policy(tmp_path, sampling=sampling)
    failed = log("failed", trace_id=trace_id, severity=17)
    failed.time_unix_nano = NOW_NS + SECOND
    (tmp_path / "traces.pb").write_bytes(frames([spans(at(0, trace_id=trace_id)), *(spans(at(n)) for n in range(60))]))
    (tmp_path / "logs.pb").write_bytes(frames([(Signal.LOGS, logs([failed]))]))
    found = json.loads(replay(tmp_path, "--json", "traces.pb", "logs.pb").stdout)
    assert (found["traces"], found["traces_kept"], found["error_recall"]) == (61, 1, 1.0)
    assert found["reopened_traces"] == 0


def test_rates_and_windows_follow_the_clock_of_the_data(tmp_path: Path) -> None:
    """A minute of 20 traces a second, at most 5 a second kept, gives about 300, as fast as the machine may be."""
    sampling = {"decision_wait": "2s", "rules": [{"name": "some", "traces_per_second": 5}]}
    requests = [spans(*(at(second + part / 20) for part in range(20))) for second in range(60)]
    found = figures(tmp_path, requests, sampling)
    assert found["traces"] == 1200
    assert 290 <= found["traces_kept"] <= 310


def test_an_error_that_comes_after_its_trace_was_dropped_is_kept(tmp_path: Path) -> None:
    """The trace is decided anew, counted once, and kept with what came before."""
    late = new_trace_id()
    sampling = {"decision_wait": "1s", "rules": [{"name": "errors", "when": {"status": "error"}}]}
    requests = [spans(at(0, trace_id=late)), spans(at(10)), spans(at(20, trace_id=late, error=True)), spans(at(30))]
    found = figures(tmp_path, requests, sampling)
    assert (found["traces"], found["traces_kept"], found["reopened_traces"]) == (3, 1, 1)
    assert (found["errors"], found["error_recall"], found["error_traces"]) == (1, 1.0, 1)
    assert found["by_destination"]["out"]["items"] == 2
    rules = found["by_rule"].values()
    assert sum(rule["bytes"] for rule in rules) == found["bytes_in"]
    assert sum(rule["bytes_kept"] for rule in rules) == found["bytes_kept"]


def test_what_a_budget_suppresses_is_counted(tmp_path: Path) -> None:
    """Two samples of each kind of error are kept of hundreds; no kind is missed, and no count is wrong."""
    errors = {"name": "errors", "when": {"status": "error"}, "budget": {"samples": 2, "window": "1h", "decay": 1.0}}
    kinds = [{"exception.type": f"Error{kind}", "exception.message": "boom"} for kind in ("A", "B", "C")]
    requests = [spans(*(at(second, error=True, exception=kind) for kind in kinds)) for second in range(100)]
    found = figures(tmp_path, requests, {"decision_wait": "1s", "rules": [errors]})
    assert (found["errors"], found["traces"], found["fingerprints"]) == (300, 300, 3)
    assert 6 <= found["errors_kept"] <= 12
    assert (found["fingerprint_recall"], found["count_error"]) == (1.0, 0.0)


def test_estimates_are_compared_with_the_exact_totals(tmp_path: Path) -> None:
    """What is sampled by chance is estimated to within chance; what a rate limit dropped uncounted is not."""
    requests = [spans(*(at(second) for _ in range(100))) for second in range(20)]
    by_chance = figures(tmp_path, requests, {"decision_wait": "1s", "rules": [{"name": "some", "keep": 0.5}]})
    assert by_chance["totals"]["traces"]["exact"] == 2000
    assert by_chance["totals"]["traces"]["estimated"] == 2 * by_chance["traces_kept"]
    assert by_chance["count_error"] == pytest.approx(abs(by_chance["traces_kept"] / 1000 - 1))
    assert by_chance["count_error"] < 0.1
    by_rate = figures(tmp_path, requests, {"decision_wait": "1s", "rules": [{"name": "few", "traces_per_second": 10}]})
    assert by_rate["count_error"] > 0.8


def test_two_policies_are_compared_by_rule_and_destination(tmp_path: Path) -> None:
    """The other policy's figures and the differences come beside, also of rules and destinations that one lacks."""
    requests = [spans(at(0, error=True), *(at(0) for _ in range(9)))]
    old = {"version": 1, "sampling": {"rules": [{"name": "everything"}]}, "destinations": TWO}
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(old))
    sampling = {"rules": [{"name": "errors", "when": {"status": "error"}}]}
    found = figures(tmp_path, requests, sampling, "--against", "old.yaml")
    assert (found["traces_kept"], found["against"]["traces_kept"]) == (1, 10)
    difference = found["difference"]
    assert (difference["traces_kept"], difference["errors_kept"]) == (-9, 0)
    assert difference["by_rule"]["everything"]["traces_kept"] == -10
    assert difference["by_rule"]["errors"]["traces_kept"] == 1
    assert {name: each["items"] for name, each in difference["by_destination"].items()} == {
        "out": 1,
        "here": -10,
        "there": -10,
    }
    shown = replay(tmp_path, "--against", "old.yaml", "r.pb").stdout.decode().splitlines()
    assert shown[0].split() == ["all", "kept", "share", "kept", "before"]
    assert shown[1].split() == ["traces", "10", "1", "10.00%", "10"]
    assert any(line.split()[:2] == ["there", "0"] for line in shown)


def test_mistakes_are_told_with_their_place(tmp_path: Path) -> None:
    """What cannot be read ends it with 2 and the place; items that no receiver takes are counted and end it with 1."""
    policy(tmp_path)
    (tmp_path / "bad.jsonl").write_bytes(lines([spans(at(0))]) + b'{"resourceSpans": [{"scopeSpans": 3}]}\n')
    bad = replay(tmp_path, "bad.jsonl")
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert b"bad.jsonl:2: OTLP JSON: resourceSpans[0].scopeSpans: must be an array" in bad.stderr
    for name, message in (("no.jsonl", b"no.jsonl: cannot be read: No such file"), (".", b".: is a folder")):
        missing = replay(tmp_path, name)
        assert missing.returncode == 2
        assert message in missing.stderr
    (tmp_path / "odd.jsonl").write_bytes(lines([spans(at(0), at(0, own_id=bytes(8)))]))
    odd = replay(tmp_path, "--json", "odd.jsonl")
    assert (odd.returncode, json.loads(odd.stdout)["refused_items"]) == (1, 1)
    assert b"odd.jsonl:1: 1 item(s) rejected: item 1: span_id must be 8 bytes" in odd.stderr
    (tmp_path / "cut.jsonl").write_bytes(lines([spans(at(0)), spans(at(1))])[:-30])
    cut = replay(tmp_path, "--json", "cut.jsonl")
    assert (cut.returncode, json.loads(cut.stdout)["traces"]) == (0, 1)
    assert b"cut.jsonl: the end is left out" in cut.stderr


def test_nothing_is_left_behind_or_touched(tmp_path: Path) -> None:
    """No destination is opened, no journal made in the policy's folder, and nothing stays in TMPDIR."""
    figures(tmp_path, [spans(at(0, error=True))], KEEP_ALL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errorplane.yaml", "r.pb"]


_MEASURED = """
import resource, sys
from errorplane.cli import main
assert main(["replay", "--json", "-"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    """A recording that is eight times as long takes no more memory than a few megabytes beyond."""
    policy(tmp_path, sampling={"decision_wait": "1s", "rules": [{"name": "some", "keep": 0.1}]})

    def peak(requests: int) -> int:
        words = "n" * 200
        data = frames(spans(*(at(n, attributes={"a": words}) for _ in range(100))) for n in range(requests))
        command = [sys.executable, "-c", _MEASURED]
        done = subprocess.run(command, cwd=tmp_path, input=data, capture_output=True, timeout=120, check=True)
        assert json.loads(done.stdout)["traces"] == 100 * requests
        return int(done.stderr.split()[-1])

    small, large = peak(30), peak(240)
    assert large - small < 16 << 10  # KiB
