"""The benchmark measures what it says: its traffic, its senders, its contenders, and what has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # has no stubs
from google.rpc.status_pb2 import Status as RpcStatus  # type: ignore[import-untyped]  # has no stubs
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.bench.contenders import FULL, OURS, Contender, Job
from tests.bench.goals import failures
from tests.bench.load import AGENT, SDK, Exporter, Line, Overload
from tests.bench.offer import Delivered, Offer
from tests.bench.phases import Plan, full_speed, killed
from tests.bench.process import Broken, Contestant
from tests.bench.recording import Recording
from tests.bench.results import FULL_SPEED, Case, Results, Run
from tests.bench.sink import EXPORT, Arrived
from tests.support.collector_tools import wait_until


@cache
def _recording() -> Recording:
    return Recording.make(10_000, seed=1)


@cache
def _plan(wait_s: float = 0.5, quiet_s: float = 1.0) -> Plan:
    return Plan.make(spans=2000, recorded=2000, wait_s=wait_s, senders=4, overload_s=1.0, quiet_s=quiet_s)


def _spans(body: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


def test_the_traffic_is_what_the_page_says() -> None:
    """Spans of about 700 bytes with 14 attributes, 10,000 distinct ones, ten a trace over three requests, 5 % and 2 %."""
    bodies = [_spans(body) for body in _recording().bodies]
    spans = [span for body in bodies for span in body]
    traces: dict[bytes, list[int]] = {}
    for number, body in enumerate(bodies):
        for span in body:
            traces.setdefault(span.trace_id, []).append(number)
    failed = {span.trace_id for span in spans if span.status.code == Status.STATUS_CODE_ERROR}
    private = [span for span in spans if not span.attributes[-1].value.string_value.startswith("order ")]
    assert len({span.SerializeToString() for span in spans}) >= 10_000
    assert 650 < sum(span.ByteSize() for span in spans) / len(spans) < 750
    assert {len(span.attributes) for span in spans} == {14}
    assert {len(numbers) for numbers in traces.values()} == {10}
    assert min(len(set(numbers)) for numbers in traces.values()) == 3
    assert 0.04 < len(failed) / len(traces) < 0.06
    assert 0.015 < len(private) / len(spans) < 0.025
    facts = _recording().facts()
    assert facts["error_traces"] == len(failed) / len(traces)
    assert facts["private_spans"] == len(private) / len(spans)


def test_every_replay_is_other_traffic_of_the_same_kind() -> None:
    """Trace ids and rare faults never come twice, span ids stay, and the keys are those in the bytes."""
    offer = Offer(_recording(), 3 * _recording().size, seed=5)
    seen = [[span.trace_id + span.span_id for span in _spans(body)] for body in offer.bodies]
    assert len({key[:16] for keys in seen for key in keys}) == offer.traces == 3 * _recording().traces
    assert all(set(keys) == offer.keys([number]) for number, keys in enumerate(seen))
    failed = [span for body in offer.bodies for span in _spans(body) if span.status.code == Status.STATUS_CODE_ERROR]
    assert {span.trace_id + span.span_id for span in failed} == offer.errors.keys()
    stacks = {
        span.events[0].attributes[2].value.string_value.split("raise ")[0].rsplit(", in ", 1)[1] for span in failed
    }
    once = len({span.fault for body in _recording().spans for span in body} - {None})
    assert once < len(set(offer.errors.values())) < 3 * once
    assert len(stacks) == len({fault.rpartition(" in ")[2] for fault in offer.errors.values()})


def test_what_has_come_is_counted() -> None:
    """Lost, recalled, cut, kept and doubled spans are told apart, and delays run from the last span of a trace."""
    offer = Offer(_recording(), 1, seed=7)
    everything = offer.keys(range(len(offer.bodies)))
    error, *_ = offer.errors
    of_error = {key for key in everything if key[:16] == error[:16]}
    sibling = next(iter(of_error - {error}))
    come = tuple(everything - {sibling})
    found = Delivered(offer, [Arrived(10.0, come, 2), Arrived(11.0, come[:3], 0)])
    assert (found.lost(everything), found.duplicates, found.raw, found.cut_traces()) == (1, 3, 2, 1)
    assert (found.recall(), found.fault_recall(), found.healthy_share()) == (1.0, 1.0, 1.0)
    none = Delivered(offer, [Arrived(10.0, tuple(everything - offer.errors.keys()), 0)])
    assert (none.recall(), none.fault_recall(), none.healthy_share()) == (0.0, 0.0, 1.0)
    assert none.recall(everything - offer.errors.keys()) == 1.0
    assert (none.errors_taken(set()), none.errors_taken({error, sibling})) == (0, 1)
    assert found.errors_taken(set()) == len(offer.errors)


@contextmanager
def _server(behaviour: Callable[[bytes, grpc.ServicerContext], bytes]) -> Iterator[int]:
    server = grpc.server(futures.ThreadPoolExecutor(8))
    handler = grpc.unary_unary_rpc_method_handler(behaviour)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(EXPORT.split("/")[1], {"Export": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(0).wait()


def _refusal(after_s: float) -> grpc.Status:
    detail = AnyMessage()
    delay = Duration()
    delay.FromMilliseconds(round(after_s * 1000))
    detail.Pack(RetryInfo(retry_delay=delay))
    return rpc_status.to_status(RpcStatus(code=8, message="later", details=[detail]))


@pytest.mark.parametrize(("first_s", "hint_s", "least_s"), [(0.05, 0.3, 0.6), (0.2, 0.01, 0.45)])
def test_refusals_are_sent_again_when_they_say(first_s: float, hint_s: float, least_s: float) -> None:
    """After the delay of the refusal or the sender's own backoff, whichever is longer, until taken."""
    tries: list[float] = []

    def twice_refused(_: bytes, context: grpc.ServicerContext) -> bytes:
        tries.append(time.monotonic())
        if len(tries) <= 2:
            context.abort_with_status(_refusal(hint_s))
        return b""

    exporter = replace(SDK, first_s=first_s, jitter=0.0)
    with _server(twice_refused) as port:
        sent = _offered(port, [b"x"], exporter)
    assert len(tries) == 3
    assert tries[-1] - tries[0] >= least_s
    assert sent == [True]


def test_an_export_ends_at_its_deadline() -> None:
    """What is refused for longer than an export may take is lost, and is not tried again."""
    tries: list[float] = []

    def refused(_: bytes, context: grpc.ServicerContext) -> bytes:
        tries.append(time.monotonic())
        context.abort_with_status(_refusal(0.3))
        return b""

    with _server(refused) as port:
        assert _offered(port, [b"x"], replace(SDK, deadline_s=0.7, first_s=0.05)) == [False]
    assert len(tries) == 3


def test_a_full_queue_loses_what_is_offered() -> None:
    """A sender with one slot and room for two more loses the rest of what is offered at once, the latest first."""

    def slow(body: bytes, _: grpc.ServicerContext) -> bytes:
        time.sleep(0.1)
        return body

    with _server(slow) as port:
        assert _offered(port, [b"x"] * 6, replace(AGENT, slots=1, queue=2)) == [True, True, True, False, False, False]


def _offered(port: int, bodies: list[bytes], exporter: Exporter) -> list[bool]:
    line = Line(port, lambda: None)
    line.wait()
    load = Overload(line, bodies, 0.0, exporter, seed=1)
    sent = load.run()
    line.close()
    return [one.acknowledged is not None for one in sent]


def test_all_processes_of_a_contender_count(tmp_path: Path) -> None:
    """CPU and mapped pages of a grandchild belong to the contender, and the kill reaches it."""
    held = tmp_path / "held"
    held.write_bytes(bytes(64 << 20))
    grandchild = (
        "import mmap, time\n"
        f"file = open({str(held)!r}, 'rb')\n"
        "held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "sum(held[at] for at in range(0, len(held), 4096))\n"
        "while time.process_time() < 0.5: pass\n"
        "time.sleep(60)"
    )
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with (tmp_path / "log").open("wb") as log:
        contestant = Contestant([sys.executable, "-c", child], log)
    try:
        wait_until(lambda: contestant.use().cpu_s >= 0.5, "the grandchild's CPU time")
        assert contestant.use().memory > 64 << 20
    finally:
        contestant.kill()
    with pytest.raises(Broken, match="ended with -9"):
        contestant.use()


@pytest.mark.e2e
@pytest.mark.parametrize("contender", [FULL, OURS], ids=lambda one: one.name)
def test_the_real_contenders_do_the_whole_job(contender: Contender) -> None:
    """Both keep every error whole and the share asked for, hide what is private, and are measured in full."""
    # On a busy machine spans may wait long for the Collector's redaction; it looks for traces to decide once a second.
    figures = full_speed(contender, _plan(wait_s=5.0, quiet_s=3.0), 0.1)
    assert failures(Results({}, [Run(Case(FULL_SPEED, contender.name, 0.1), 1, figures)])) == []
    assert figures["error_recall"] == 1.0
    assert (figures.get("counted_errors"), figures.get("errors")) in ((None, None), (figures.get("errors"),) * 2)
    assert figures["p50_s"] <= figures["p99_s"] < 15.0
    assert min(figures[name] for name in ("cpu_us", "spans_per_s", "peak_mb", "bytes_per_span")) > 0


def _forgetful(job: Job) -> list[str]:
    return [sys.executable, "-m", "tests.bench.forgetful", str(job.port), str(job.sink)]


FORGETFUL = Contender("forgetful", "one that forgets", _forgetful, "floor")


def test_a_contender_that_loses_spans_is_reported() -> None:
    """Errors that never come, personal data that does, and what a kill loses are measured on a real process."""
    figures = full_speed(FORGETFUL, _plan(), 1.0)
    assert 0.2 < figures["error_recall"] < 0.8
    assert figures["raw"] > 0
    said = "\n".join(failures(Results({}, [Run(Case(FULL_SPEED, "forgetful", 1.0), 1, figures)])))
    assert "forgetful, full speed, 100 % kept, round 1: lost " in said
    assert "came with the personal data" in said
    lost = killed(FORGETFUL, _plan())
    assert 0 < lost["lost"] <= lost["acknowledged"]


def test_a_contender_that_ends_is_broken() -> None:
    """One that does not even listen ends its run with the reason, at once."""
    started = time.monotonic()
    with pytest.raises(Broken, match="ended with 3"):
        full_speed(
            Contender("short", "short", lambda _: [sys.executable, "-c", "raise SystemExit(3)"], "floor"), _plan(), 1.0
        )
    assert time.monotonic() - started < 30
