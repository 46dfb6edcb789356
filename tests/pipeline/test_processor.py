"""The processor as its users see it: what goes in, what comes out, what it says of itself."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    logs_in,
    metrics_in,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import log, logs, metrics, new_trace_id, span, traces

from errorplane.journal import Journal
from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.policy import load

EXCEPTION = {
    "exception.type": "shop.errors.PaymentFailed",
    "exception.message": "card 4111 1111 1111 1111 of jane.doe@example.org was declined",
    "exception.stacktrace": 'Traceback (most recent call last):\n  File "/srv/shop/pay.py", line 7, in charge\n'
    "shop.errors.PaymentFailed: card 4111 1111 1111 1111 of jane.doe@example.org was declined\n",
}
SECRETS = ("4111 1111 1111 1111", "jane.doe@example.org")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared processor works."""
    return tmp_path_factory.mktemp("processor")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[RunningProcessor]:
    """A processor that the tests of this module share; each looks only for its own trace."""
    retention = {
        "classes": {"audit": {"days": 400}, "debug": {"days": 7}},
        "rules": [{"when": {"status": "error"}, "class": "audit"}, {"class": "debug"}],
    }
    services = {"checkout": {"team": "payments", "tier": 1}}
    with run_processor(policy(folder, retention=retention, services=services)) as processor:
        yield processor


def arrived(folder: Path, find: Callable[[list[dict[str, Any]]], list[Any]], count: int = 1) -> list[Any]:
    """What ``find`` returns of the output, once it is as many as expected."""
    return wait_until(
        lambda: found if len(found := find(read_lines(folder / "out.jsonl"))) >= count else None,
        f"{count} items in the output",
        20.0,
    )


def of_trace(trace_id: bytes) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Finds the spans of one trace."""
    return lambda lines: [found for found in spans_in(lines) if found["traceId"] == trace_id.hex()]


def test_an_error_trace_is_kept_whole_masked_and_tagged(running: RunningProcessor, folder: Path) -> None:
    """All spans of a trace with an error come out with class and rule; the error span says what it is."""
    trace_id = new_trace_id()
    root = span(trace_id=trace_id)
    failed = span("POST /pay", trace_id=trace_id, parent=root.span_id, error=True, exception=EXCEPTION)
    running.send(Signal.TRACES, traces([root], "checkout"))
    running.send(Signal.TRACES, traces([failed], "checkout"))
    spans = arrived(folder, of_trace(trace_id), 2)
    tags = [attribute_values(each) for each in spans]
    assert {each["errorplane.retention.class"] for each in tags} == {"audit"}
    assert {each["errorplane.sampling.rule"] for each in tags} == {"errors"}
    (error,) = (each for each in tags if "errorplane.error.fingerprint" in each)
    assert error["errorplane.error.fingerprint"].startswith("v1:")
    assert error["errorplane.error.category"] in {"transient", "persistent", "unknown"}
    text = json.dumps(spans)
    assert "<CREDIT_CARD>" in text
    assert not any(secret in text for secret in SECRETS)


def test_every_error_leaves_a_fact(running: RunningProcessor, folder: Path) -> None:
    """The error fact says where, what and whose it is, and holds no values."""
    trace_id = new_trace_id()
    running.send(Signal.TRACES, traces([span(trace_id=trace_id, error=True, exception=EXCEPTION)], "checkout"))
    (fact,) = arrived(
        folder, lambda lines: [each for each in logs_in(lines, facts=True) if each["traceId"] == trace_id.hex()]
    )
    said = attribute_values(fact)
    assert said["error.type"] == "shop.errors.PaymentFailed"
    assert (said["service.name"], said["errorplane.owner.team"], said["errorplane.service.tier"]) == (
        "checkout",
        "payments",
        "1",
    )
    assert said["errorplane.retention.class"] == "audit"


def test_a_healthy_trace_is_dropped_and_counted(running: RunningProcessor, folder: Path) -> None:
    """What no rule keeps does not come out, and the counters say which rule dropped it."""
    before = running.stats()["traces"]["dropped"]
    running.send(Signal.TRACES, traces([span()]))
    wait_until(lambda: running.stats()["traces"]["dropped"] > before, "the verdict")
    assert "dropped: probability" in running.stats()["traces"]["by_reason"]["rest"]


def test_logs_follow_their_trace(running: RunningProcessor, folder: Path) -> None:
    """A healthy log record of an error trace is kept with it; one of a healthy trace is dropped with it."""
    failed, healthy = new_trace_id(), new_trace_id()
    running.send(Signal.TRACES, traces([span(trace_id=failed, error=True), span(trace_id=healthy)]))
    running.send(
        Signal.LOGS, logs([log("with the failed", trace_id=failed), log("with the healthy", trace_id=healthy)])
    )

    def bodies(lines: list[dict[str, Any]]) -> list[str]:
        return [each["body"]["stringValue"] for each in logs_in(lines) if "with the" in json.dumps(each["body"])]

    assert arrived(folder, bodies) == ["with the failed"]


def test_an_error_log_saves_its_trace(running: RunningProcessor, folder: Path) -> None:
    """A trace whose spans are all fine is kept when one of its log records is an error."""
    trace_id = new_trace_id()
    running.send(Signal.TRACES, traces([span(trace_id=trace_id)]))
    running.send(Signal.LOGS, logs([log("it broke", trace_id=trace_id, severity=17)]))
    arrived(folder, of_trace(trace_id))


def test_logs_without_a_trace_are_decided_alone(running: RunningProcessor, folder: Path) -> None:
    """An error log without a trace is kept, a healthy one follows the rules by itself."""
    name = os.urandom(6).hex()
    records = [log(f"{name} lone error", severity=17), log(f"{name} lone info"), log(name, attributes=EXCEPTION)]
    running.send(Signal.LOGS, logs(records))

    def mine(lines: list[dict[str, Any]]) -> list[str]:
        return sorted(text for each in logs_in(lines) if name in (text := each.get("body", {}).get("stringValue", "")))

    assert arrived(folder, mine, 2) == [name, f"{name} lone error"]


def test_metrics_pass_redacted_and_tagged(running: RunningProcessor, folder: Path) -> None:
    """Metrics are never sampled; their resource says the class."""
    running.send(Signal.METRICS, metrics(["orders.paid"]))
    arrived(folder, lambda lines: [each for each in metrics_in(lines) if each["name"] == "orders.paid"])
    (resource,) = (
        group["resource"] for line in read_lines(folder / "out.jsonl") for group in line.get("resourceMetrics", ())
    )
    assert attribute_values(resource)["errorplane.retention.class"] == "debug"


def test_late_spans_follow_and_late_errors_reopen(running: RunningProcessor, folder: Path) -> None:
    """After a verdict, a span follows it; an error that comes late into a dropped trace is kept all the same."""
    kept, dropped = new_trace_id(), new_trace_id()
    before = running.stats()["traces"]["dropped"]
    running.send(Signal.TRACES, traces([span(trace_id=kept, error=True), span(trace_id=dropped)]))
    arrived(folder, of_trace(kept))
    wait_until(lambda: running.stats()["traces"]["dropped"] > before, "the verdict")
    late_error = span(trace_id=dropped, error=True)
    running.send(Signal.TRACES, traces([span(trace_id=kept), span(trace_id=dropped), late_error]))
    arrived(folder, of_trace(kept), 2)
    arrived(folder, of_trace(dropped))


def test_forged_tags_do_not_pass(running: RunningProcessor, folder: Path) -> None:
    """A sender cannot choose its retention class."""
    trace_id = new_trace_id()
    forged = span(trace_id=trace_id, error=True, attributes={"errorplane.retention.class": "debug"})
    running.send(Signal.TRACES, traces([forged]))
    (found,) = arrived(folder, of_trace(trace_id))
    classes = [p["value"] for p in found["attributes"] if p["key"] == "errorplane.retention.class"]
    assert classes == [{"stringValue": "audit"}]


def test_impossible_ids_are_rejected_and_their_neighbours_taken(running: RunningProcessor, folder: Path) -> None:
    """partial_success counts and explains what was refused; the rest of the request goes through."""
    good, bad = span(error=True), span(error=True)
    bad.trace_id = b"short"
    response = running.send(Signal.TRACES, traces([bad, good]))
    partial = json_format.MessageToDict(response)["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "trace_id must be 16 bytes" in partial["errorMessage"]
    arrived(folder, of_trace(good.trace_id))


def test_malformed_requests_are_refused_while_good_ones_pass(running: RunningProcessor, folder: Path) -> None:
    """A truncated body is INVALID_ARGUMENT over gRPC and 400 over HTTP, and the next request is taken."""
    whole = traces([span(error=True)]).SerializeToString()
    with grpc.insecure_channel(running.grpc) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(Signal.TRACES.grpc_method, None, None)(whole[:-3], timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    headers = {"Content-Type": "application/x-protobuf"}
    assert httpx.post(f"{running.http}/v1/traces", content=whole[:-3], headers=headers).status_code == 400
    good = span(error=True)
    running.send(Signal.TRACES, traces([good]))
    arrived(folder, of_trace(good.trace_id))


def test_bombs_and_giants_are_refused_while_good_ones_pass(tmp_path: Path) -> None:
    """Oversized bodies and bodies that unpack to gigabytes get a clear error; memory stays, and the next one passes."""
    listen = {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "admin": "127.0.0.1:0", "max_request_bytes": "1MiB"}
    with run_processor(policy(tmp_path, listen=listen)) as processor:
        bomb = gzip.compress(bytes(1 << 28), 9)
        assert len(bomb) < 1 << 20
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        answer = httpx.post(f"{processor.http}/v1/traces", content=bomb, headers=headers, timeout=30)
        assert answer.status_code == 413
        giant = traces([span(attributes={"x": "y" * (2 << 20)})]).SerializeToString()
        with grpc.insecure_channel(processor.grpc) as channel:
            call = channel.unary_unary(Signal.TRACES.grpc_method, None, None)
            for body, compression in ((giant, grpc.Compression.NoCompression), (giant, grpc.Compression.Gzip)):
                with pytest.raises(grpc.RpcError) as refused:
                    call(body, timeout=30, compression=compression)
                assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        good = span(error=True)
        processor.send(Signal.TRACES, traces([good]))
        arrived(tmp_path, of_trace(good.trace_id))
        status = Path(f"/proc/{processor.process.pid}/status").read_text()
        (peak_kib,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        assert peak_kib < 400 * 1024


def test_it_says_how_it_is(running: RunningProcessor) -> None:
    """Health, readiness and metrics are on the admin address, and nothing secret is in them."""
    assert b"alive" in running.admin("/healthz")
    assert b"ready" in running.admin("/readyz")
    page = running.admin("/metrics").decode()
    assert "errorplane_received_items_total" in page
    assert "errorplane_journal_bytes" in page
    assert not any(secret in page for secret in SECRETS)
    assert not any(secret in running.output() for secret in SECRETS)


def test_own_metrics_go_the_same_way(tmp_path: Path) -> None:
    """The processor's own metrics arrive at the destinations as OTLP, tagged like any other."""
    with run_processor(policy(tmp_path, telemetry={"metrics_interval": "1s"})) as processor:
        processor.send(Signal.TRACES, traces([span(error=True)]))
        arrived(tmp_path, lambda lines: [m for m in metrics_in(lines) if m["name"] == "errorplane.received_items"])


def test_term_decides_and_delivers_what_is_open(tmp_path: Path) -> None:
    """A processor that is told to stop decides its open traces, delivers them, and exits 0."""
    rules = {"decision_wait": "1h", "rules": [{"name": "errors", "when": {"status": "error"}}]}
    failed = span(error=True)
    with run_processor(policy(tmp_path, sampling=rules)) as processor:
        processor.send(Signal.TRACES, traces([failed]))
        assert processor.stop() == 0
    assert len(of_trace(failed.trace_id)(read_lines(tmp_path / "out.jsonl"))) == 1


def test_kill_before_the_verdict_loses_nothing(tmp_path: Path) -> None:
    """Traces that were acknowledged and not yet decided when the process was killed are decided by the next one."""
    waiting = policy(tmp_path, sampling={"decision_wait": "1h"})
    failed = [span(error=True) for _ in range(20)]
    with run_processor(waiting) as processor:
        for each in failed:
            processor.send(Signal.TRACES, traces([each]))
        processor.kill()
    assert read_lines(tmp_path / "out.jsonl") == []
    with run_processor(policy(tmp_path)):
        ids = {each.trace_id.hex() for each in failed}
        arrived(tmp_path, lambda lines: [s for s in spans_in(lines) if s["traceId"] in ids], 20)


def test_kill_with_the_destination_down_loses_nothing(tmp_path: Path) -> None:
    """Deliveries that wait for a destination survive the process, and are not sent twice to the other."""
    retention = {"classes": {"default": {"days": 1, "destinations": ["out", "down"]}}}
    down = {"otlp": {"endpoint": "http://127.0.0.1:9"}}
    both = {"out": {"file": {"path": "./out.jsonl"}}, "down": down}
    failed = span(error=True)
    with run_processor(policy(tmp_path, destinations=both, retention=retention)) as processor:
        processor.send(Signal.TRACES, traces([failed]))
        arrived(tmp_path, of_trace(failed.trace_id))
        wait_until(lambda: processor.stats()["journal"]["pending_deliveries"] == {"down": 2}, "the acknowledgement")
        processor.kill()
    up = both | {"down": {"file": {"path": "./second.jsonl"}}}
    with run_processor(policy(tmp_path, destinations=up, retention=retention)) as processor:
        wait_until(lambda: spans_in(read_lines(tmp_path / "second.jsonl")), "the delivery")
        wait_until(lambda: processor.stats()["journal"]["bytes"] == 0, "an empty journal")
    assert len(spans_in(read_lines(tmp_path / "out.jsonl"))) == 1


def test_no_secret_in_the_decrypted_journal(tmp_path: Path) -> None:
    """What is stored was masked before: the opened journal holds none of the planted strings."""
    path = policy(tmp_path, sampling={"decision_wait": "1h"})
    with run_processor(path) as processor:
        processor.send(Signal.TRACES, traces([span(error=True, exception=EXCEPTION)]))
        processor.send(Signal.LOGS, logs([log(f"paid with {SECRETS[0]} by {SECRETS[1]}", trace_id=new_trace_id())]))
        processor.kill()
    loaded = load(path)
    journal = Journal(loaded.journal.path / "journal", from_policy(loaded).key("journal"), max_bytes=1 << 26)
    bodies = [request.body for _, request in journal.requests()]
    journal.close()
    assert len(bodies) == 2
    assert not any(secret.encode() in body for body in bodies for secret in SECRETS)
    assert any(b"<CREDIT_CARD>" in body for body in bodies)


def test_hup_puts_a_new_policy_in_force_and_refuses_a_bad_one(tmp_path: Path) -> None:
    """A reload changes the rules without a restart; a policy with a mistake leaves the old one in force."""
    path = policy(tmp_path)
    with run_processor(path) as processor:
        policy(tmp_path, sampling={"decision_wait": "300ms", "rules": [{"name": "everything"}]})
        processor.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "policy reloaded" in processor.output(), "the reload")
        healthy = span()
        processor.send(Signal.TRACES, traces([healthy]))
        arrived(tmp_path, of_trace(healthy.trace_id))
        path.write_text("version: 1\nsampling: {decision_wait: soon}\n")
        processor.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the new policy is refused" in processor.output(), "the refusal")
        assert "decision_wait" in processor.output()
        again = span()
        processor.send(Signal.TRACES, traces([again]))
        arrived(tmp_path, of_trace(again.trace_id))


def test_a_bad_policy_is_told_before_anything_starts(tmp_path: Path) -> None:
    """A mistake in the policy ends the command with status 1, the line and what is allowed."""
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\nsampling:\n  rules:\n    - {name: a, keep: 7}\n")
    command = [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "bad.yaml:4" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_processors_do_not_share_a_journal(tmp_path: Path) -> None:
    """The second one says so and ends."""
    path = policy(tmp_path)
    with run_processor(path):
        command = [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "another errorplane processor" in done.stderr


def test_data_is_synced_before_the_answer(tmp_path: Path) -> None:
    """A system-call trace shows a sync of the journal between the request's arrival and the answer to it."""
    path = policy(
        tmp_path, sampling={"decision_wait": "1h"}, listen={"grpc": None, "http": "127.0.0.1:0", "admin": None}
    )
    traced = tmp_path / "strace.txt"
    calls = "trace=recvfrom,recvmsg,read,sendto,sendmsg,write,writev,fdatasync,fsync,msync,pwrite64"
    prefix = ("strace", "-D", "-f", "-tt", "-s", "64", "-e", calls, "-o", str(traced))
    with run_processor(path, prefix=prefix) as processor:
        body = traces([span(error=True)]).SerializeToString()
        headers = {"Content-Type": "application/x-protobuf"}
        time.sleep(1.0)
        httpx.post(f"{processor.http}/v1/traces", content=body, headers=headers, timeout=30).raise_for_status()
    lines = traced.read_text().splitlines()
    asked = next(number for number, line in enumerate(lines) if "POST /v1/traces" in line)
    answered = next(number for number, line in enumerate(lines) if number > asked and "HTTP/1.1 200" in line)
    synced = [line for line in lines[asked:answered] if "fdatasync(" in line or "fsync(" in line]
    assert synced, "\n".join(lines[asked:answered])
